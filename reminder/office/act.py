"""An act as somebody orders it, and the office that is asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from reminder.errors import UsageError
from reminder.words import say

ActName = Literal[
    "progress",
    "claim",
    "return",
    "write_off",
    "suspend",
    "resume",
    "decline",
    "extend",
    "confirm",
    "block",
    "unblock",
    "look_back",
    "reopen",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act as somebody orders it: `on` the day it holds from, `by` whom and `because` of what.

    `until` and `review` belong to suspend, `to` to extend, `percent` and `text` to progress, `result`
    to look_back. What blocks a measure is the `because` of block.
    """

    name: ActName
    on: date
    by: str
    because: str
    until: date | None = None
    review: date | None = None
    to: date | None = None
    percent: int | None = None
    text: str = ""
    result: Literal["", "held", "slipped"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who acts when: `now` (aware) on the clock of `zone`, and the language of what is said."""

    now: datetime
    zone: ZoneInfo
    locale: str = "zh_CN"

    @property
    def today(self) -> date:
        """The office's local day."""
        return self.now.astimezone(self.zone).date()

    def refuse(self, sentence: str, **facts: object) -> UsageError:
        """The error that says `office.<sentence>`."""
        return UsageError(say(self.locale, f"office.{sentence}", **facts))
