"""A measure of the ledger, its deadline and its life; when it is open, and when its unit is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from reminder.domain.frozen import FrozenChain


class Status(StrEnum):
    """Where a measure stands. See the glossary in the README."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    PHASE_COMPLETE = "phase_complete"  # still chased: it stays on the books
    CLAIMED = "claimed"  # the unit says done; the office has not confirmed
    WRITTEN_OFF = "written_off"
    SUSPENDED = "suspended"
    DECLINED = "declined"  # another body refused; never counted as done


OPEN = frozenset({Status.NOT_STARTED, Status.IN_PROGRESS, Status.PHASE_COMPLETE})
NEAR_DAYS = 14  # from here on a deadline is called near
CLOSED = frozenset({Status.WRITTEN_OFF, Status.SUSPENDED, Status.DECLINED})


class DeadlineKind(StrEnum):
    """What kind of limit a ledger's deadline cell sets."""

    DATE = "date"
    IMMEDIATE = "immediate"  # 立行立改
    ONGOING = "ongoing"  # 长期坚持
    RECURRING = "recurring"  # 每周一; the RRULE stands in `rule`
    CONDITIONAL = "conditional"  # 待市政府审定后明确
    VAGUE = "vague"  # 近期
    EMPTY = "empty"
    INVALID = "invalid"


_COUNTED = (DeadlineKind.DATE, DeadlineKind.IMMEDIATE)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A limit as the ledger writes it. `on` is inclusive: the measure is late from the next day.

    `rule` is an RFC 5545 RRULE for recurring limits. `then_ongoing` is set where a date is followed by
    长期坚持: dated all the same. `confirmed` is False where the reading is ambiguous; such a date is shown
    but not counted down until somebody confirms it. `computed` marks a date derived from `immediate_within`.
    """

    kind: DeadlineKind
    on: date | None = None
    rule: str | None = None
    text: str = ""
    then_ongoing: bool = False
    confirmed: bool = True
    computed: bool = False

    @property
    def counted_down(self) -> date | None:
        """The date that before, due and overdue reminders count from; None where nothing is counted down."""
        if self.confirmed and self.kind in _COUNTED:
            return self.on
        return None


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """From the day `on` (inclusive) the measure stands at `status`."""

    on: date
    status: Status


@dataclass(frozen=True, slots=True, order=True)
class LookBack:
    """The result of a re-check (回头看) after the write-off: whether it held, or slipped back."""

    on: date
    held: bool


class Measure(NamedTuple):
    """One row of the ledger. Units are canonical names; `leader` is a post, not a person.

    A tuple, because a Monday makes half a million of them: a frozen dataclass takes fifteen times as long to make.

    `status` is where it stands today and `changes`, ordered by day, how it came there, so that a past
    period can be planned as it was. `known_on` is the `--as-of` of the import that brought it.
    """

    id: int
    code: str
    text: str
    deadline: Deadline
    ledger: str = ""
    problem: str = ""
    problem_text: str = ""
    aspect: str = ""
    goal: str = ""
    units: tuple[str, ...] = ()
    supporting_units: tuple[str, ...] = ()
    leader: str | None = None
    status: Status = Status.IN_PROGRESS
    percent: int | None = None
    progress: str = ""
    progress_on: date | None = None
    closed_on: date | None = None
    standing: bool = False
    tags: tuple[str, ...] = ()
    blocked: bool = False
    blocked_by: str = ""  # what stands in its way, as the office wrote it down
    known_on: date | None = None
    seen: bool = True  # False until the daemon's first cycle that knew this measure
    dated_on: date | None = None  # the day from which its time runs: the plan's adoption, else `known_on`
    extended_on: date | None = None  # the day of the latest extension: clocks start again from the new deadline
    answers: tuple[date, ...] = ()  # the days on which its unit reported progress, claimed or asked for an extension
    look_backs: tuple[LookBack, ...] = ()
    changes: tuple[Change, ...] = ()
    chains: tuple[FrozenChain, ...] = ()  # its escalations that have begun

    def status_on(self, day: date) -> Status:
        """The status at the end of `day`: the latest change dated on or before it, else still being worked on."""
        standing_at = Status.IN_PROGRESS if self.changes else self.status
        for change in self.changes:
            if change.on > day:
                break
            standing_at = change.status
        return standing_at

    def open_on(self, day: date) -> bool:
        """Open unless it was written off, declined or suspended on a day ≤ `day`. A claimed measure is open too."""
        return self.status_on(day) not in CLOSED

    def chased_on(self, day: date) -> bool:
        """Whether its units may be reminded of it on `day`: open, and not waiting for the office to confirm."""
        return (self.status_on(day) if self.changes else self.status) in OPEN  # asked for every measure of a Monday

    def closing_day(self, day: date) -> date | None:
        """Since when it has been closed, as of `day`; None where it is open."""
        if self.status_on(day) not in CLOSED:
            return None
        since = self.closed_on
        for change in reversed([change for change in self.changes if change.on <= day]):
            if change.status not in CLOSED:
                break
            since = change.on
        return since

    def colour(self, day: date) -> str:
        """red: overdue on `day`; yellow: due within NEAR_DAYS; green: further off; "" where nothing is counted."""
        deadline = self.deadline.counted_down
        if deadline is None or not self.chased_on(day):
            return ""
        if deadline < day:
            return "red"
        return "yellow" if (deadline - day).days <= NEAR_DAYS else "green"

    @property
    def key(self) -> str:
        """Its name among all ledgers: `code`, or `ledger/code` where the ledger has a name."""
        return f"{self.ledger}/{self.code}" if self.ledger else self.code


measure_of = partial(tuple.__new__, Measure)
"""A measure of all its values in order: `Measure._make` without a frame of Python's for each of a million."""
