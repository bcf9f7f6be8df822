"""What all rules share: their keys, which measures they match, how their days move, and the questions they ask.

A kind (`kinds/<kind>.py`) adds its own keys and says on which days it fires, and why not on others.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from reminder.domain.measure import Measure, Status
from reminder.domain.owed import DutyDone, SentLetter
from reminder.domain.reminder import Firing, Reason, ReminderKind
from reminder.domain.silence import Silence
from reminder.rules.calendar import Calendar
from reminder.rules.match import Match
from reminder.rules.when import Clock, On

RECIPIENTS = ("unit", "supporting", "leader", "principal", "office")
ADDRESSEE = "addressee"  # only where a rule is about letters
_NAMED_RECIPIENTS = ("unit:", "leader:", "channel:")
LONGEST_REST = timedelta(days=16)  # longer than any run of rest days: how far a day can be moved


@dataclass(frozen=True, slots=True)
class Span:
    """The days asked about, both included, by the local date on which a reminder goes."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Ask:
    """Which measures a rule wants to look at; `scan` turns it into an indexed query.

    With bounds (both or none): measures counted down to a deadline from `deadline_from` to `deadline_to`, both
    included; with `on` only to these deadlines. In any case only measures that were open on or after `open_since`;
    with `closed` only those among them that are closed, which `Facts` keeps apart. With `outlined` it is content with
    outlines of those that nobody asks more of.
    """

    open_since: date
    deadline_from: date | None = None
    deadline_to: date | None = None
    closed: bool = False
    on: frozenset[date] | None = None
    outlined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """How the office works: its calendar, its zone and since when it reminds."""

    calendar: Calendar
    zone: ZoneInfo
    started_on: date | None = None
    working_days_only: bool = True

    def worked(self, day: date) -> bool:
        """Whether something can go on `day`."""
        return not self.working_days_only or self.calendar.is_working_day(day)

    def earlier(self, day: date) -> date:
        """Where a reminder goes that may not come later than planned: the nearest working day on or before."""
        return self.calendar.on_or_before(day) if self.working_days_only else day

    def later(self, day: date) -> date:
        """Where other reminders go: the nearest working day on or after. In a year that no calendar covers yet
        the nearest one before, because a guess may be early but never late."""
        if not self.working_days_only:
            return day
        if self.calendar.certain(day):
            return self.calendar.on_or_after(day)
        return self.calendar.on_or_before(day)

    def at(self, day: date, hour: time) -> datetime:
        """The instant `hour` on `day` on the office's clock."""
        return datetime.combine(day, hour, self.zone)

    def provisional(self, *passed: date) -> bool:
        """Whether any of the days from the earliest to the latest of `passed` is only guessed."""
        return self.working_days_only and not self.calendar.certain_through(min(passed), max(passed))


def landings(on: On, span: Span, practice: Practice) -> dict[date, list[date]]:
    """The days of `span` on which what falls on the days of `on` goes → the nominal days that land there, in order."""
    landing: dict[date, list[date]] = defaultdict(list)
    for nominal in on.nominal_days(span.first - LONGEST_REST, span.last + LONGEST_REST, practice.calendar):
        if (day := practice.later(nominal)) in span:
            landing[day].append(nominal)
    return landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The ledger as rules see it. `reports` maps (unit, ISO week) to when that report was submitted (aware).

    `closed` are the measures that an `Ask` with `closed` wanted: kept apart, so that they cost only who asked.
    `letters` and `duties_done` are filled only where a rule's kind `sees` them; `silences` are all that hold on some
    day asked about. With `units` it is a part of the ledger: all measures of these units, and nothing for others.
    `outlined` are further open measures by unit, chased on every day, of which only id, ledger, deadline and since when
    they are known was read.
    """

    measures: Sequence[Measure] = ()
    outlined: Mapping[str, Sequence[Measure]] = field(default_factory=dict)
    closed: Sequence[Measure] = ()
    reports: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()
    letters: Sequence[SentLetter] = ()
    duties_done: Sequence[DutyDone] = ()
    silences: Sequence[Silence] = ()
    units: frozenset[str] | None = None


def _known_recipient(entry: str) -> str:
    return entry if entry in RECIPIENTS or entry.startswith(_NAMED_RECIPIENTS) else _refuse("recipient", entry, ())


def _known_reader(entry: str) -> str:
    known = entry in (*RECIPIENTS, ADDRESSEE) or entry.startswith(_NAMED_RECIPIENTS)
    return entry if known else _refuse("letter_recipient", entry, (ADDRESSEE,))


def _refuse(error: str, entry: str, more: tuple[str, ...]) -> str:
    expected = ", ".join((*RECIPIENTS, *more)) + ", unit:NAME, leader:TITLE or channel:NAME"
    raise PydanticCustomError(error, "expected {expected}, got {got}", {"expected": expected, "got": entry})


Recipient = Annotated[str, AfterValidator(_known_recipient)]
LetterRecipient = Annotated[str, AfterValidator(_known_reader)]


class Rule(BaseModel):
    """The keys every rule may have. The name is a rule's identity; `was` renames it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    kinds: ClassVar[tuple[ReminderKind, ...]]  # the reminders it can produce
    sees: ClassVar[frozenset[str]] = frozenset()  # of "letters" and "duties_done": what it asks for beside measures
    about_measures: ClassVar[bool] = True  # False: it has nothing to say of any measure, nor why not

    name: str = Field(min_length=1, max_length=64, description="the identity of the rule; rename it with was")
    was: str | None = Field(default=None, description="the name it had before")
    kind: str
    at: Clock = Field(default=time(9, 0), description="when it goes")
    start: date | None = Field(default=None, alias="from", description="no reminder before this day")
    until: date | None = Field(default=None, description="no reminder after this day")
    to: tuple[Recipient, ...] = Field(
        default=("unit",), min_length=1, description=f"{', '.join(RECIPIENTS)}, unit:NAME, leader:TITLE or channel:NAME"
    )
    channels: tuple[str, ...] = Field(default=(), description="instead of the recipient's own channels")
    match: Match = Field(default=Match(), description="only measures that every list given here agrees with")
    exclude: Match = Field(default=Match(), alias="except", description="not these, written like match")
    template: str | None = Field(default=None, description="the letter's template instead of the kind's own")
    merge: StrictBool = Field(default=True, description="false: never in one message with others")
    ride: str | None = Field(default=None, description="the name of a nudge rule in whose message it travels")
    catch_up_days: int = Field(default=7, ge=0, le=60, description="after downtime, how far back it is answered")

    @model_validator(mode="after")
    def _ordered_days(self) -> Self:
        if self.start and self.until and self.start > self.until:
            facts = {"first": str(self.start), "last": str(self.until)}
            raise PydanticCustomError("rule_days", "from ({first}) lies after until ({last})", facts)
        return self

    @abstractmethod
    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        """Which measures this rule must see to answer for `span`."""

    @abstractmethod
    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        """Everything this rule fires on the days of `span`, before recipients and channels are known."""

    def passed_over(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        """Occasions on the days of `span` that it lets pass, each with `skipped` set."""
        return iter(())

    @abstractmethod
    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        """Why this rule does not fire for this measure of this unit on `day`."""

    def entries(self) -> tuple[str, ...]:
        """Everybody it may write to, as `to` names them."""
        return self.to

    def clocks(self) -> frozenset[time]:
        """The hours at which it can fire: between them nothing has to be planned."""
        return frozenset({self.at})

    def parts(self) -> frozenset[str]:
        """Its identity and, where a kind has them, its offsets: what a cycle remembers to have known."""
        return frozenset({f"rule:{self.name}"})

    def parts_of(self, firing: Firing) -> frozenset[str]:
        """The parts that made `firing`; one known part is enough for it to have been known."""
        return self.parts()

    def matches(self, measure: Measure, unit: str, day: date | None = None) -> bool:
        """Whether this rule speaks about this measure to this unit, by the status that the measure has on `day`;
        without a day, whether it does on some day."""
        by_status = bool(self.match.status or self.exclude.status)
        if self._matches_all:
            return True
        if day is None and by_status:
            return any(self._matches(measure, unit, status) for status in Status)
        return self._matches(measure, unit, measure.status_on(day) if day and by_status else measure.status)

    @cached_property
    def _matches_all(self) -> bool:  # asked for every measure, unit and day
        return self.match.empty and self.exclude.empty

    def _matches(self, measure: Measure, unit: str, status: Status) -> bool:
        excluded = not self.exclude.empty and self.exclude.agrees(measure, unit, status)
        return self.match.agrees(measure, unit, status) and not excluded

    def chases(self, measure: Measure, unit: str, day: date) -> bool:
        """Whether it may remind this unit of this measure on `day`: it speaks of it, and it is open and not claimed."""
        if not measure.chased_on(day):
            return False
        return self._matches_all or not (self.match.status or self.exclude.status) or self.matches(measure, unit, day)

    def units(self, measure: Measure, facts: Facts, day: date | None = None) -> Iterator[str]:
        """The responsible units it reminds of `measure` (on `day`, else on some day); outside units only where `match`
        names them."""
        asked = measure.units if facts.units is None else [unit for unit in measure.units if unit in facts.units]
        for unit in asked:
            if self.matches(measure, unit, day) and self._reminds(unit, facts):
                yield unit

    def _reminds(self, unit: str, facts: Facts) -> bool:
        return unit not in facts.outside or unit in self.match.unit

    def by_unit(self, facts: Facts) -> dict[str, list[Measure]]:
        """The units it may remind → their measures of which it speaks on some day, in outline or not."""
        found: dict[str, list[Measure]] = defaultdict(list)
        for measure in facts.measures:
            for unit in self.units(measure, facts):
                found[unit].append(measure)
        for unit, measures in facts.outlined.items():
            if self._reminds(unit, facts):
                found[unit] += measures if self._matches_all else (one for one in measures if self.matches(one, unit))
        return found

    @property
    def by_outline(self) -> bool:
        """Whether an outline tells all it goes by: which measures it matches, and to whom it writes."""
        return self.match.by_outline and self.exclude.by_outline and not {"supporting", "leader"} & {*self.to}

    def runs_on(self, day: date, practice: Practice) -> bool:
        """Whether `day`, already moved, lies within the rule's days and not before the office started."""
        begins = max(self.start or date.min, practice.started_on or date.min)
        return begins <= day <= (self.until or date.max)

    def refusal(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason | None:
        """The "no" that all kinds share: not matched, not open, outside the rule's days. None where none applies."""
        if not self.matches(measure, unit, day) and (measure.chased_on(day) or not self.matches(measure, unit)):
            return Reason("not_matched", {"rule": self.name})
        if not measure.chased_on(day):
            latest = max((change.on for change in measure.changes if change.on <= day), default=None)
            since = measure.closing_day(day) or latest
            return Reason("closed", {"status": measure.status_on(day).value, "on": str(since or "")})
        if not self.runs_on(day, practice):
            return Reason("outside_days", {"rule": self.name})
        return None


def subject_of(measure: Measure) -> str:
    """The subject of reminders about one measure: by its id, because an office may renumber its codes."""
    return f"measure:{measure.id}"
