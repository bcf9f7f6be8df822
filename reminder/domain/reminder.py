"""What a rule decides: a reminder, with its reason. The reason travels to plans, letters, logs and the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from itertools import repeat
from typing import NamedTuple

from reminder.domain.measure import Measure

Key = tuple[str, str, date, str, str, str]


class ReminderKind(StrEnum):
    """The kinds of reminder. One reminder has one kind; a message may carry several reminders."""

    BEFORE = "before"
    DUE = "due"
    OVERDUE = "overdue"
    ESCALATION = "escalation"
    NUDGE = "nudge"
    REPORT_DUE = "report_due"
    REPORT_CHASE = "report_chase"
    REPORT_SUMMARY = "report_summary"  # to the office: who has reported
    PACE = "pace"
    LOOK_BACK = "look_back"
    AWAITING_REPLY = "awaiting_reply"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was or was not decided: a code and its facts. The sentence is `words/reasons.toml`'s."""

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


def put_off(day: date, nominal: date) -> str:
    """How the code of a reason ends where what goes on the next working day goes on `day`: a guess may be earlier."""
    return "" if day == nominal else "_moved" if day > nominal else "_early"


class Line(NamedTuple):
    """One measure in a reminder. `days` are nominal distances from its deadline in the rule's own unit.

    A tuple as a measure is: a Monday makes half a million of them.
    """

    measure: Measure
    days: tuple[int, ...] = ()

    @classmethod
    def of(cls, measures: Iterable[Measure]) -> tuple[Line, ...]:
        """One for each of `measures`, without distances."""
        return tuple(map(cls._make, zip(measures, repeat(()), strict=False)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A rule fires for one subject and one unit, on one day; to whom it goes is decided afterwards.

    `occasion` is the earliest nominal business date it answers and `at` the instant it goes (office time).
    `superseded` are earlier occasions of the same subject that landed on the same day.
    """

    rule: str
    kind: ReminderKind
    subject: str
    unit: str
    occasion: date
    at: datetime
    lines: tuple[Line, ...] = ()
    reason: Reason
    provisional: bool = False
    superseded: tuple[date, ...] = ()
    nominals: tuple[date, ...] = ()  # all nominal days that fell together in it; none: the occasion alone
    offsets: tuple[str, ...] = ()  # where a rule has several: those that made it, as rules.toml writes them
    week: str = ""  # the ISO week, where the subject is a report
    due_at: datetime | None = None  # when that report, or whatever else it asks for, is due
    owed_for: tuple[Measure, ...] = ()  # the measures for which it is owed
    to: tuple[str, ...] = ()  # to whom it goes, where that is not the rule's own `to`
    skipped: Reason | None = None  # why it does not go although its day has come: an occasion, but never a message
    about: Mapping[str, str] = field(default_factory=dict)  # what letters say of it beside measures and weeks

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a firing's instant must be aware")

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures that cause it, shown or not."""
        return tuple([line.measure for line in self.lines]) or self.owed_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A firing for one recipient by one channel: the unit of the outbox's unique key.

    `recipient` is a unit's name, a leader's title or "office"; where the office answers for somebody who cannot
    be reached, `instead_of` names them. One with `alone` set travels only with others of the same `alone`.
    """

    firing: Firing
    recipient: str
    channel: str
    alone: str = ""
    instead_of: str = ""
    late: bool = False

    @property
    def earlier(self) -> Iterator[Reminder]:
        """One for each occasion that this one's firing supersedes."""
        for occasion in self.firing.superseded:
            yield replace(self, firing=replace(self.firing, occasion=occasion, superseded=(), skipped=None))

    @property
    def key(self) -> Key:
        """What makes it unique: rule, subject, occasion, unit, recipient, channel."""
        firing = self.firing
        return (firing.rule, firing.subject, firing.occasion, firing.unit, self.recipient, self.channel)

    @property
    def message(self) -> str:
        """Equal for those that are planned to travel together."""
        parts = (self.recipient, self.channel, self.firing.at.isoformat(), self.alone)
        return sha256("|".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Ended:
    """A reminder that no message will carry: its `outcome` is superseded or skipped, and `reason` says by what."""

    reminder: Reminder
    outcome: str
    reason: Reason
