"""`report`: the weekly report each unit with open measures owes: reminded, due, and chased while it is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from reminder.domain.measure import Measure
from reminder.domain.reminder import Firing, Reason, ReminderKind
from reminder.rules.calendar import ONE_DAY
from reminder.rules.rule import LONGEST_REST, Ask, Facts, Practice, Rule, Span
from reminder.rules.when import WEEKDAYS, Days, Distance, WeekClock

_WEEK = timedelta(days=7)


class Chase(BaseModel):
    """When a missing report is asked for: once, or again `every` so often `until` a weekday of the chase's week."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: WeekClock = Field(alias="from")
    every: Days | None = None
    until: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = None


def _or_once(schema: dict[str, Any]) -> None:
    """In the schema too, one weekday and time may stand for the whole table."""
    schema["anyOf"].append({"type": "string"})


def _chase(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Week:
    """One week's report: `name` is the ISO week of its nominal due day; `due_at` its moved due instant."""

    name: str
    nominal: date
    due_at: datetime


def week_name(day: date) -> str:
    """The ISO week of `day`, as `2021-W17`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


class ReportRule(Rule):
    """A report falls due on the previous working day where its day is a rest day; a chase goes on the next one."""

    kinds: ClassVar = (ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE)

    kind: Literal["report"]
    due: WeekClock = Field(description="when the report of the week is due")
    remind: tuple[WeekClock, ...] = Field(default=(), description="on or before the due day; none: at the due hour")
    chase: Annotated[Chase | None, BeforeValidator(_chase)] = Field(
        default=None, description="when a missing report is asked for", json_schema_extra=_or_once
    )

    def clocks(self) -> frozenset[time]:
        chase = {self.chase.start.at} if self.chase else set()
        return frozenset({self.due.at, *(entry.at for entry in self.remind), *chase})

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        yield Ask(span.first - 2 * _WEEK - LONGEST_REST)

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        by_unit = self._by_unit(facts)
        reach = Span(span.first - 2 * _WEEK - LONGEST_REST, span.last + _WEEK + LONGEST_REST)
        for week in self.weeks(reach, practice):
            slots = list(self._slots(week, span, practice))
            for unit, measures in by_unit.items() if slots else ():
                if self.owed(week, measures):
                    submitted_at = facts.reports.get((unit, week.name))
                    for firing in self._of_one(week, unit, slots, submitted_at, practice):
                        yield replace(firing, owed_for=tuple(measures))

    def _by_unit(self, facts: Facts) -> dict[str, list[Measure]]:
        by_unit: dict[str, list[Measure]] = defaultdict(list)
        for measure in facts.measures:
            for unit in self.units(measure, facts):
                by_unit[unit].append(measure)
        return by_unit

    def weeks(self, span: Span, practice: Practice) -> Iterator[Week]:
        """Every week whose nominal due day lies in `span` and that owes a report."""
        for nominal in self._nominals(span):
            moved = practice.earlier(nominal)
            # No working day up to the due day, or due before the office or the rule started: nothing is owed.
            if week_name(moved) == week_name(nominal) and self.runs_on(moved, practice):
                yield Week(week_name(nominal), nominal, practice.at(moved, self.due.at))

    def _nominals(self, span: Span) -> Iterator[date]:
        day = self.due.in_week_of(span.first)
        return (day + _WEEK * n for n in range((span.last - day).days // 7 + 1))

    def passed_over(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        """The weeks without a working day up to their due day: the reports that would be due on days of `span`."""
        resting = [
            day for day in self._nominals(span) if day in span and week_name(practice.earlier(day)) != week_name(day)
        ]
        for unit, measures in self._by_unit(facts).items() if resting else ():
            for day in resting:
                week = Week(week_name(day), day, practice.at(day, self.due.at))
                if self.runs_on(day, practice) and self.owed(week, measures):
                    (firing,) = self._of_one(week, unit, [(ReminderKind.REPORT_DUE, day, week.due_at)], None, practice)
                    yield replace(
                        firing, owed_for=tuple(measures), skipped=Reason("no_working_day", {"week": week.name})
                    )

    @staticmethod
    def owed(week: Week, measures: Sequence[Measure]) -> bool:
        """Whether one of a unit's measures was open, and not claimed, on the (moved) due day."""
        return any(measure.chased_on(week.due_at.date()) for measure in measures)

    def _slots(self, week: Week, span: Span, practice: Practice) -> Iterator[tuple[ReminderKind, date, datetime]]:
        """(kind, nominal day, instant) of this week's reminds and chases that go on a day of `span`."""
        slots = [*self._reminds(week, practice), *self._chases(week, practice)]
        for kind, nominal, at in slots:
            if at.date() in span and self.runs_on(at.date(), practice):
                yield kind, nominal, at

    def _reminds(self, week: Week, practice: Practice) -> Iterator[tuple[ReminderKind, date, datetime]]:
        if not self.remind:
            yield ReminderKind.REPORT_DUE, week.nominal, week.due_at
        for entry in self.remind:
            nominal = entry.in_week_of(week.nominal)
            day = practice.earlier(nominal)
            if week_name(day) != week.name:  # a rest day early in the week: still this week, and before it is due
                day = practice.later(nominal)
            day = min(day, week.due_at.date())
            yield ReminderKind.REPORT_DUE, nominal, min(practice.at(day, entry.at), week.due_at)

    def _chases(self, week: Week, practice: Practice) -> Iterator[tuple[ReminderKind, date, datetime]]:
        if self.chase is None:
            return
        nominal = self.chase.start.after(week.nominal)
        for _ in range(7):
            yield ReminderKind.REPORT_CHASE, nominal, practice.at(practice.later(nominal), self.chase.start.at)
            nominal = self._next_chase(nominal, practice)
            if nominal > self._last_chase(week):
                return

    def _next_chase(self, day: date, practice: Practice) -> date:
        every = self.chase.every if self.chase and self.chase.every else Distance(7)
        return every.after(day, practice.calendar)

    def _last_chase(self, week: Week) -> date:
        if self.chase is None or self.chase.every is None:
            return date.min
        start = self.chase.start.after(week.nominal)
        if self.chase.until is None:
            return start + timedelta(days=6 - start.weekday())
        return start + timedelta(days=(WEEKDAYS.index(self.chase.until) - start.weekday()) % 7)

    def _of_one(
        self,
        week: Week,
        unit: str,
        slots: Sequence[tuple[ReminderKind, date, datetime]],
        submitted_at: datetime | None,
        practice: Practice,
    ) -> Iterator[Firing]:
        """One unit's reminders of one week: of those of a kind that land on one day the latest, none once reported."""
        landing: dict[tuple[ReminderKind, date], list[tuple[datetime, date]]] = defaultdict(list)
        for kind, nominal, at in slots:
            landing[kind, at.date()].append((at, nominal))
        for (kind, day), met in landing.items():
            at, nominal = max(met)
            if submitted_at is not None and submitted_at <= at:
                continue
            part = "remind" if kind is ReminderKind.REPORT_DUE else "chase"
            moved = "_moved" if day != nominal else ""
            yield Firing(
                rule=self.name,
                kind=kind,
                subject=f"report:{unit}:{week.name}:{part}",
                unit=unit,
                occasion=nominal,
                at=at,
                reason=Reason(kind.value + moved, {"week": week.name, "due": f"{week.due_at:%Y-%m-%d %H:%M}"}),
                provisional=practice.provisional(nominal, day, week.due_at.date()),
                superseded=tuple(sorted({other for _, other in met} - {nominal})),
                week=week.name,
                due_at=week.due_at,
            )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        if refusal := self.refusal(measure, unit, day, practice):
            return refusal
        ahead = Span(day + ONE_DAY, day + 2 * _WEEK)
        weeks = self.weeks(Span(day - 2 * _WEEK, day + 2 * _WEEK), practice)
        coming = sorted(at.date() for week in weeks for _, _, at in self._slots(week, ahead, practice))
        return Reason("not_yet", {"next": str(coming[0]) if coming else ""})
