"""DingTalk 钉钉: the custom robot (自定义机器人) of a chat group, with or without a signature (加签).

Message forms and signature: https://apifox.com/apidoc/docs-site/467052/doc-3550006 , a copy of DingTalk's own page;
the codes are those on which public code of several years agrees.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlencode

from reminder.channels.robot import Body, Mentions, Paper, Robot, RobotKeys, as_json
from reminder.channels.robot_reply import BROKEN, BUSY, NEVER, Refusal, Refusals, slower
from reminder.channels.robot_text import in_json
from reminder.channels.secret import Secret
from reminder.domain.message import Letter
from reminder.errors import ChannelBroken, Permanent, RateLimited

_MOST = 20_000  # bytes of the whole message
_CHINA = timezone(timedelta(hours=8))  # DingTalk's day


def _tomorrow(now: datetime) -> datetime:
    day = now.astimezone(_CHINA) + timedelta(days=1)
    return day.replace(hour=0, minute=5, second=0, microsecond=0)  # not in the rush of the first minutes


_SECURITY = (  # English in old answers, Chinese in new ones
    Refusal(Permanent, "keyword|关键词", "let the robot have a keyword that stands in every message, such as 提醒编号"),
    Refusal(ChannelBroken, "timestamp|时间戳|过期", "this machine's clock is off by an hour or more: check NTP"),
    Refusal(ChannelBroken, "sign|签名", "the channel's secret is not the robot's, or the clock is off: check NTP"),
    Refusal(ChannelBroken, r"\bip\b|ip.*白名单|白名单|whitelist", "add this machine's public address to the robot's"),
    BROKEN,
)


class DingtalkKeys(RobotKeys):
    """`secret` is the one shown where 加签 is switched on, with its SEC."""

    kind: Literal["dingtalk"]
    secret: Secret | None = None


class DingtalkChannel(Robot):
    """One robot of one DingTalk group."""

    Keys: ClassVar[type[RobotKeys]] = DingtalkKeys
    rate: ClassVar[tuple[tuple[int, float], ...]] = ((20, 60),)
    refusals: ClassVar[Refusals] = {
        -1: (BUSY,),
        310000: _SECURITY,
        90030: (Refusal(RateLimited, until=_tomorrow),),  # the day's quota
        **dict.fromkeys((130101, 410100), (slower(minutes=10),)),
        **dict.fromkeys((40035, 43004, 400105, 460101), (NEVER,)),
        **dict.fromkeys((430101, 430102, 430103, 430104), (NEVER,)),  # a link, text or picture it objects to
        **dict.fromkeys((88, 300001, 300005, 400101, 400106), (BROKEN,)),  # no such robot
        **dict.fromkeys((400013, 400102), (BROKEN,)),  # group dissolved, robot stopped
    }

    def __init__(self, name: str, keys: DingtalkKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._secret = keys.secret

    def message(self, letter: Letter, mentions: Mentions) -> Body:
        """Whoever is called must also stand in the text, or markdown does not show it."""
        markdown = self.keys.format == "markdown"
        # A single line break is none in DingTalk's markdown; two blanks before it make it one.
        paper = Paper(in_json, markdown, line="  \n")
        tags = " ".join(f"@{each}" for each in (*mentions.mobiles, *mentions.people))
        at = {"atMobiles": mentions.mobiles, "atUserIds": mentions.people, "isAtAll": mentions.everybody}

        def body(text: str) -> Body:
            if not markdown:
                return {"msgtype": "text", "text": {"content": text}, "at": at}
            title = Paper(in_json, markdown=False).title(letter)
            return {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": at}

        return body(paper.text(letter, _MOST - len(as_json(body(""))), tags))

    def sealed(self, url: str, payload: bytes, now: datetime) -> tuple[str, bytes]:
        """Instant and signature go into the query."""
        if self._secret is None:
            return url, payload
        instant = int(now.timestamp() * 1000)
        query = {"timestamp": instant, "sign": signature(instant, self._secret.reveal(self.folder))}
        # Encoded here and nowhere again: official samples encode twice, which the server refuses.
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}", payload


def signature(milliseconds: int, secret: str) -> str:
    """The secret signs instant and secret; in base64, not yet percent-encoded."""
    digest = hmac.digest(secret.encode(), f"{milliseconds}\n{secret}".encode(), "sha256")
    return base64.b64encode(digest).decode()
