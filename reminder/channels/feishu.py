"""Feishu 飞书 and Lark: the custom robot (自定义机器人) of a chat group, with or without a signature (签名校验).

https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot.md ; limits:
https://open.larkoffice.com/document/ukTMukTMukTM/uUzN04SN3QjL1cDN.md .
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from reminder.channels.robot import Body, Mentions, Paper, Robot, RobotKeys, as_json
from reminder.channels.robot_reply import NEVER, Refusal, Refusals, slower
from reminder.channels.robot_text import in_json
from reminder.channels.secret import Secret
from reminder.domain.message import Letter
from reminder.errors import ChannelBroken, Permanent, RateLimited

_SEAL = 200  # bytes that instant and signature may take
_MOST = 20_000 - _SEAL  # bytes of the body, "20 KB"


class FeishuKeys(RobotKeys):
    """`secret` is the one shown where 签名校验 is switched on. A robot cannot find anybody by a mobile number."""

    people: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
    mobiles: ClassVar[bool] = False

    kind: Literal["feishu"]
    secret: Secret | None = None


class FeishuChannel(Robot):
    """One robot of one Feishu group."""

    Keys: ClassVar[type[RobotKeys]] = FeishuKeys
    rate: ClassVar[tuple[tuple[int, float], ...]] = ((5, 1), (100, 60))
    codes: ClassVar[tuple[str, ...]] = ("code", "StatusCode")  # the second is the older name
    pause_header: ClassVar[str] = "x-ogw-ratelimit-reset"
    address_word: ClassVar[str] = "mention_feishu"
    refusals: ClassVar[Refusals] = {
        9499: (Refusal(RateLimited, "too many|frequen|limit"), NEVER),  # else: Bad Request
        **dict.fromkeys((11232, 99991400), (slower(minutes=1),)),
        **dict.fromkeys((19002, 19036, 200621), (NEVER,)),
        19001: (Refusal(ChannelBroken, advice="no such robot: enter its URL anew"),),
        19021: (Refusal(ChannelBroken, advice="the secret is not the robot's, or the clock is off: check NTP"),),
        19022: (Refusal(ChannelBroken, advice="add this machine's public address to the robot's"),),
        19024: (
            Refusal(Permanent, advice="let the robot have a keyword that stands in every message, such as 提醒编号"),
        ),
    }

    def __init__(self, name: str, keys: FeishuKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._secret = keys.secret

    def message(self, letter: Letter, mentions: Mentions) -> Body:
        """A card for markdown, which knows none elsewhere; else a text."""
        markdown = self.keys.format == "markdown"
        paper, people = Paper(in_json, markdown), [*mentions.people, *(["all"] if mentions.everybody else [])]
        title = Paper(in_json, markdown=False).title(letter)

        def body(text: str) -> Body:
            return _card(title, text) if markdown else {"msg_type": "text", "content": {"text": text}}

        tag = "<at id={}></at>" if markdown else '<at user_id="{}"></at>'
        tags = " ".join(tag.format(person) for person in people)
        return body(paper.text(letter, _MOST - len(as_json(body(""))), tags, titled=not markdown))

    def sealed(self, url: str, payload: bytes, now: datetime) -> tuple[str, bytes]:
        """Instant and signature go into the body, before everything else."""
        if self._secret is None:
            return url, payload
        instant = int(now.timestamp())
        seal = {"timestamp": str(instant), "sign": signature(instant, self._secret.reveal(self.folder))}
        return url, as_json(seal)[:-1] + b"," + payload[1:]


def _card(title: str, text: str) -> Body:
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {"title": {"tag": "plain_text", "content": title}},
            "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": text}}],
        },
    }


def signature(seconds: int, secret: str) -> str:
    """Instant and secret sign nothing: key and message are the other way round from DingTalk's."""
    return base64.b64encode(hmac.digest(f"{seconds}\n{secret}".encode(), b"", "sha256")).decode()
