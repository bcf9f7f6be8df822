"""WeCom 企业微信: the robot of a chat group (消息推送, formerly 群机器人). It knows no signature: the URL is the key.

https://developer.work.weixin.qq.com/document/path/99110 ; codes: /path/90455.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from reminder.channels.robot import ALL, Body, Mentions, Paper, Robot, RobotKeys
from reminder.channels.robot_reply import BROKEN, BUSY, NEVER, Refusals, slower
from reminder.channels.robot_text import in_bytes
from reminder.domain.message import Letter

_MOST_TEXT, _MOST_MARKDOWN = 2048, 4096  # bytes of `content`


class WecomKeys(RobotKeys):
    """A userid may hold an "@"."""

    people: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")

    kind: Literal["wecom"]


class WecomChannel(Robot):
    """One robot of one WeCom group."""

    Keys: ClassVar[type[RobotKeys]] = WecomKeys
    rate: ClassVar[tuple[tuple[int, float], ...]] = ((20, 60),)
    # By the code alone: the page above advises against reading errmsg.
    refusals: ClassVar[Refusals] = {
        -1: (BUSY,),
        45009: (slower(minutes=1),),
        **dict.fromkeys((40008, 40035, 40058, 44004), (NEVER,)),
        **dict.fromkeys((93000, 93004, 93008), (BROKEN,)),  # no such robot, switched off, taken out of its group
    }

    def message(self, letter: Letter, mentions: Mentions) -> Body:
        """Markdown, but plain text where a mobile number or everybody is called: markdown can call accounts only.

        A second message that only calls would be a second acceptance: a crash between the two repeats the first, or
        loses the call.
        """
        if self.keys.format == "text" or mentions.everybody or mentions.mobiles:
            return {"msgtype": "text", "text": _text(letter, mentions)}
        tags = " ".join(f"<@{person}>" for person in mentions.people)
        content = Paper(in_bytes, markdown=True).text(letter, _MOST_MARKDOWN, tags)
        return {"msgtype": "markdown", "markdown": {"content": content}}


def _text(letter: Letter, mentions: Mentions) -> Body:
    called = {
        "mentioned_list": [*mentions.people, *([ALL] if mentions.everybody else [])],
        "mentioned_mobile_list": list(mentions.mobiles),
    }
    content = Paper(in_bytes, markdown=False).text(letter, _MOST_TEXT)
    return {"content": content, **{name: people for name, people in called.items() if people}}
