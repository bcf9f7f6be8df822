"""`nudge`: on certain days, to each unit that has an open measure, everything it still has to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import ClassVar, Literal

from pydantic import Field

from reminder.domain.measure import Measure
from reminder.domain.reminder import Firing, Line, Reason, ReminderKind, put_off
from reminder.rules.calendar import ONE_DAY
from reminder.rules.rule import Ask, Facts, Practice, Rule, Span, landings
from reminder.rules.when import OnDays

_YEAR_WEEKS, _STEP_WEEKS = 54, 3  # how far, and how far at a time, a day is looked for on which it goes


def in_order(measures: Iterable[Measure]) -> list[Measure]:
    """The nearest deadline first, as a nudge lists and shows them; what is not counted down comes last."""
    by_place = sorted(measures, key=attrgetter("id"))
    by_place.sort(key=attrgetter("ledger"))  # one value after the other: pairs of them take a third longer
    by_place.sort(key=lambda measure: measure.deadline.counted_down or date.max)
    return by_place


class NudgeRule(Rule):
    """Fires on the days of `on`; one that falls on a rest day goes on the next working day."""

    kinds: ClassVar = (ReminderKind.NUDGE,)

    kind: Literal["nudge"]
    on: OnDays = Field(description="the days on which it goes")

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        if self.days(span, practice):
            yield Ask(span.first, outlined=self.by_outline)

    def days(self, span: Span, practice: Practice) -> dict[date, list[date]]:
        """The days of `span` on which a nudge goes → the nominal days that land there, in order."""
        found = landings(self.on, span, practice)
        return {day: nominals for day, nominals in found.items() if self.runs_on(day, practice)}

    def next_at(self, moment: datetime, practice: Practice) -> datetime | None:
        """The first instant on or after `moment` at which this nudge goes; None within the coming year."""
        for weeks in range(0, _YEAR_WEEKS, _STEP_WEEKS):
            first = moment.astimezone(practice.zone).date() + timedelta(weeks=weeks)
            for day in sorted(self.days(Span(first, first + timedelta(weeks=_STEP_WEEKS)), practice)):
                if (at := practice.at(day, self.at)) >= moment:
                    return at
        return None

    def latest_before(self, day: date, practice: Practice) -> date:
        """The latest day before `day` on which this nudge goes, else the first for which `next_at` can answer `day`."""
        first = day
        for weeks in range(_STEP_WEEKS, _YEAR_WEEKS + _STEP_WEEKS, _STEP_WEEKS):
            first = day - timedelta(weeks=weeks)
            if found := self.days(Span(first, day - ONE_DAY), practice):
                return max(found)
        return first

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        landing = self.days(span, practice)
        if not landing:
            return
        by_unit = self.by_unit(facts)
        for day, nominals in landing.items():
            for unit, measures in by_unit.items():
                open_measures = [measure for measure in measures if self.chases(measure, unit, day)]
                if open_measures:
                    yield self._firing(unit, open_measures, day, nominals, practice)

    def _firing(
        self, unit: str, measures: list[Measure], day: date, nominals: list[date], practice: Practice
    ) -> Firing:
        occasion = nominals[-1]
        return Firing(
            rule=self.name,
            kind=ReminderKind.NUDGE,
            subject=f"unit:{unit}",
            unit=unit,
            occasion=occasion,
            at=practice.at(day, self.at),
            lines=Line.of(in_order(measures)),
            reason=Reason("nudge" + put_off(day, occasion), {"count": str(len(measures)), "occasion": str(occasion)}),
            provisional=practice.provisional(occasion, day),
            superseded=tuple(nominals[:-1]),
        )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        if refusal := self.refusal(measure, unit, day, practice):
            return refusal
        coming = self.next_at(practice.at(day + timedelta(days=1), self.at), practice)
        return Reason("not_yet", {"next": str(coming.date()) if coming else ""})
