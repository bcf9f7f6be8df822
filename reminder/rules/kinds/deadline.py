"""`deadline`: so many days before a measure's deadline, and on the day itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from reminder.domain.measure import Measure
from reminder.domain.reminder import Firing, Line, Reason, ReminderKind
from reminder.rules.calendar import days
from reminder.rules.rule import LONGEST_REST, Ask, Facts, Practice, Rule, Span, subject_of
from reminder.rules.when import Days, Distance


class Countdown(NamedTuple):
    """What goes at one instant before a deadline: how many `days` before it, and the days that they name."""

    at: datetime
    days: tuple[int, ...]
    offsets: tuple[str, ...]
    nominals: tuple[date, ...]
    reason: Reason
    provisional: bool


class DeadlineRule(Rule):
    """Counts down to a deadline; a reminder on a rest day goes on the working day before."""

    kinds: ClassVar = (ReminderKind.BEFORE, ReminderKind.DUE)

    kind: Literal["deadline"]
    before: tuple[Days, ...] = Field(min_length=1, description='days before the deadline; "5wd"; 0 = on the day')

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        farthest = max(self._reach(offset) for offset in self.before)
        reached = days(span.first, span.last + farthest)
        answered = frozenset(day for day in reached if any(on in span for on in self._days(day, practice)))
        if answered:
            yield Ask(span.first, min(answered), max(answered), on=answered)

    @staticmethod
    def _reach(offset: Distance) -> timedelta:
        return timedelta(days=offset.n * (3 if offset.working else 1)) + LONGEST_REST

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        going: dict[date, list[Countdown]] = {}  # thousands of measures share the same few deadlines
        for measure in facts.measures:
            deadline = measure.deadline.counted_down
            if deadline is None or deadline < span.first:
                continue
            if deadline not in going:
                going[deadline] = list(self._countdowns(deadline, span, practice))
            for one in going[deadline]:
                if measure.chased_on(one.at.date()):
                    for unit in self.units(measure, facts, one.at.date()):
                        yield self._firing(measure, unit, one)

    def _countdowns(self, deadline: date, span: Span, practice: Practice) -> Iterator[Countdown]:
        for day, offsets in self._days(deadline, practice).items():
            if day in span and self.runs_on(day, practice):
                nominals = tuple(sorted({offset.before(deadline, practice.calendar) for offset in offsets}))
                code = ("before" if offsets[0].n else "due") + ("_moved" if day != nominals[0] else "")
                told = "+".join(str(offset.n) for offset in reversed(offsets))
                yield Countdown(
                    at=practice.at(day, self.at),
                    days=tuple(sorted({offset.n for offset in offsets})),
                    offsets=tuple(map(str, offsets)),
                    nominals=nominals,
                    reason=Reason(code, {"deadline": str(deadline), "days": told}),
                    provisional=practice.provisional(day, deadline),
                )

    def _days(self, deadline: date, practice: Practice) -> dict[date, list[Distance]]:
        """The days on which something goes → the offsets that land there."""
        landing: dict[date, list[Distance]] = defaultdict(list)
        for offset in sorted(set(self.before)):
            landing[practice.earlier(offset.before(deadline, practice.calendar))].append(offset)
        return landing

    def _firing(self, measure: Measure, unit: str, one: Countdown) -> Firing:
        return Firing(
            rule=self.name,
            kind=ReminderKind.BEFORE if one.days[0] else ReminderKind.DUE,
            subject=subject_of(measure),
            unit=unit,
            occasion=one.nominals[0],
            at=one.at,
            lines=(Line(measure, one.days),),
            reason=one.reason,
            provisional=one.provisional,
            nominals=one.nominals,
            offsets=one.offsets,
        )

    def parts(self) -> frozenset[str]:
        return frozenset(f"rule:{self.name}:{offset}" for offset in self.before)

    def parts_of(self, firing: Firing) -> frozenset[str]:
        return frozenset(f"rule:{self.name}:{offset}" for offset in firing.offsets)

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        deadline = measure.deadline.counted_down
        if deadline is None:
            return Reason("not_counted_down", {"deadline": measure.deadline.text})
        if refusal := self.refusal(measure, unit, day, practice):
            return refusal
        goes = sorted(self._days(deadline, practice))
        if coming := [to for to in goes if to > day]:
            return Reason("not_yet", {"next": str(coming[0])})
        if day <= deadline:
            return Reason("countdown_over", {"deadline": str(deadline), "last": str(goes[-1])})
        return Reason("deadline_past", {"deadline": str(deadline)})
