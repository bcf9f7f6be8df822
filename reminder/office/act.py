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
    "ask_extension",
    "refuse_extension",
    "extend",
    "confirm",
    "block",
    "unblock",
    "mark",
    "look_back",
    "reopen",
    "phase_complete",
    "pass_on",
    "keep_unit",
    "hand_over",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is put on a measure or taken off it; None leaves a thing as it is, an empty `parent` takes it away."""

    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    standing: bool | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act as somebody orders it: `on` the day it holds from, `by` whom and `because` of what.

    `until` and `review` belong to suspend, `to` to extend and ask_extension, `allowed_by` to extend (where it is not
    who records it), `percent` and `text` to progress, `evidence` and `despite_children` to write_off, `result` to
    look_back, `marks` to mark. What blocks a measure is the `because` of block; `text` is the unit in pass_on and
    hand_over, `instead_of` the one it was until now. `via` is the link (R-12) through which a unit did it.
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
    allowed_by: str = ""
    evidence: str = ""
    despite_children: bool = False
    marks: Marks = Marks()
    instead_of: str = ""
    via: str = ""


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
