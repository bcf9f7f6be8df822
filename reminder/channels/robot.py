"""What the chat robots of WeCom, DingTalk and Feishu share. None knows an idempotency key: a duplicate is recognised
by the reminder's number in the text."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from reminder.channels.http_channel import HttpChannel, HttpKeys
from reminder.channels.robot_reply import Refusals, verdict
from reminder.channels.robot_text import Weigh, cut, fitted, literal, plain
from reminder.channels.secret import Secret, encrypted_url
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import ChannelBroken, UsageError
from reminder.words import say

ALL = "@all"
MOBILE = re.compile(r"1[3-9]\d{9}|\+\d{1,4}-\d{5,14}")
_MOST_MENTIONS = 40  # more would leave no room for what they are called to
_MOST_TITLE = 300  # bytes
_HEADERS = {"Content-Type": "application/json; charset=utf-8"}

Body = Mapping[str, object]


class RobotKeys(HttpKeys):
    """`url` is always a secret: whoever knows it can post. `mention` are called in every message, beside those whom
    units.toml names; `people` is what an account looks like."""

    people: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
    mobiles: ClassVar[bool] = True

    url: Secret
    format: Literal["markdown", "text"] = "markdown"
    mention: tuple[str, ...] = ()

    @classmethod
    def takes(cls, address: str) -> bool:
        """Whether this robot can mention it."""
        if MOBILE.fullmatch(address):
            return cls.mobiles
        return address == ALL or cls.people.fullmatch(address) is not None

    @field_validator("mention")
    @classmethod
    def _can_be_mentioned(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            if not cls.takes(address):
                raise ValueError(f"expected {ALL}, {'a mobile number ' if cls.mobiles else ''}or an account")
        return addresses


@dataclass(frozen=True, slots=True)
class Mentions:
    """Who is called: everybody, mobile numbers, accounts."""

    everybody: bool
    mobiles: tuple[str, ...]
    people: tuple[str, ...]


class Robot(HttpChannel):
    """One robot of one chat group. `codes` are the fields that may hold the answer's code."""

    Keys: ClassVar[type[RobotKeys]]
    needs_address: ClassVar[bool] = False
    knows_ids: ClassVar[bool] = False
    codes: ClassVar[tuple[str, ...]] = ("errcode",)
    refusals: ClassVar[Refusals]
    address_word: ClassVar[str] = "mention_form"

    def __init__(self, name: str, keys: RobotKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self.keys = keys

    @property
    def destination(self) -> str:
        """The robot itself: several channels may post through one."""
        try:
            url = self.keys.url.reveal(self.folder)
        except UsageError:
            return self.name
        return f"{self.keys.kind}:{sha256(url.encode()).hexdigest()[:16]}"

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """An address is whom to mention."""
        shown = "".join(c if c.isprintable() else "�" for c in address)[:80]
        return None if cls.Keys.takes(address) else say(locale, f"channels.{cls.address_word}", address=shown)

    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        """The message without instant and signature, which are each attempt's own."""
        return as_json(self.message(letter, self._mentions(envelope)))

    @abstractmethod
    def message(self, letter: Letter, mentions: Mentions) -> Body:
        """The body in this robot's own form, within its limits."""

    def sealed(self, url: str, payload: bytes, now: datetime) -> tuple[str, bytes]:
        """URL and body of an attempt at the instant `now`; signed where the robot has a secret."""
        return url, payload

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        """One POST. Only an answer whose code is 0 counts."""
        answer = self.answer(*self._request(payload, now))
        error = verdict(answer, self.codes, self.refusals, now)
        if error:
            raise self.cleaned(error)
        return Receipt("0", self.clean(answer.words()))

    def _request(self, payload: bytes, now: datetime) -> tuple[str, Mapping[str, str], bytes]:
        try:
            url = encrypted_url(self.keys.url.reveal(self.folder), inside=bool(self.keys.allow_private))
            url, body = self.sealed(url, payload, now)
        except (UsageError, ValueError) as error:
            raise ChannelBroken(self.clean(str(error))) from error
        return url, _HEADERS, body

    def _mentions(self, envelope: Envelope) -> Mentions:
        """In the order of the files. A trial's redirect may bring e-mail addresses: they can not be mentioned."""
        named = dict.fromkeys((*self.keys.mention, *envelope.addresses))
        known = [address for address in named if self.keys.takes(address)][:_MOST_MENTIONS]
        mobiles = tuple(address for address in known if MOBILE.fullmatch(address))
        people = tuple(address for address in known if address != ALL and address not in mobiles)
        return Mentions(ALL in known, mobiles, people)


@dataclass(frozen=True, slots=True)
class Paper:
    """How a robot's text is written: as markdown or plain, `line` is a line's break there, `weigh` counts bytes."""

    weigh: Weigh
    markdown: bool
    line: str = "\n"

    def shaped(self, text: str) -> str:
        """Text from a letter, made harmless."""
        if not self.markdown:
            return plain(text)
        return re.sub(r"(?<!\n)\n(?!\n)", self.line, literal(text))

    def title(self, letter: Letter) -> str:
        """The subject on one line."""
        return cut(self.shaped(" ".join(letter.subject.split())), _MOST_TITLE, self.weigh)

    def text(self, letter: Letter, room: int, tags: str = "", *, titled: bool = True) -> str:
        """Title, text and, whole, the `tags` that call people, in no more than `room`."""
        head = f"{'### ' if self.markdown else ''}{self.title(letter)}\n\n" if titled else ""
        foot = f"\n\n{tags}" if tags else ""
        tail = letter.tail or f"…\n{letter.data.get('number', '')}"
        text, brief, tail = (self.shaped(part) for part in (letter.text, letter.brief, tail))
        return f"{head}{fitted(text, brief, tail, room - self.weigh(head + foot), self.weigh)}{foot}"


def as_json(body: Body) -> bytes:
    """Chinese as it is: escaped it would take twice the room under a limit in bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
