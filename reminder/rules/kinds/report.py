"""`report`: the weekly report each unit with open measures owes: reminded, due, chased, told upward, summed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from reminder.domain.measure import Measure
from reminder.domain.people import OFFICE
from reminder.domain.reminder import Firing, Reason, ReminderKind, put_off
from reminder.rules.calendar import ONE_DAY
from reminder.rules.report_slots import Chase, ReportStep, Slot, Week, chases, reminds, steps, summary, week_name
from reminder.rules.rule import LONGEST_REST, Ask, Facts, Practice, Rule, Span
from reminder.rules.when import WeekClock

_WEEK = timedelta(days=7)
_REACH = 2 * _WEEK + LONGEST_REST  # a chase or step two weeks after the due day, moved
_MISSED_REACH = _REACH + 4 * _WEEK  # and the weeks that a step looks back upon
_LISTED = "\n"  # between units in what the summary says


def _or_once(schema: dict[str, Any]) -> None:
    """In the schema too, one weekday and time may stand for the whole table."""
    schema["anyOf"].append({"type": "string"})


def _chase(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class ReportRule(Rule):
    """A report falls due on the previous working day where its day is a rest day; a chase goes on the next one."""

    kinds: ClassVar = (ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE, ReminderKind.REPORT_SUMMARY)

    kind: Literal["report"]
    due: WeekClock = Field(description="when the report of the week is due")
    remind: tuple[WeekClock, ...] = Field(default=(), description="on or before the due day; none: at the due hour")
    chase: Annotated[Chase | None, BeforeValidator(_chase)] = Field(
        default=None, description="when a missing report is asked for", json_schema_extra=_or_once
    )
    escalate: tuple[ReportStep, ...] = Field(default=(), description="when a missing report is told to posts above")
    summary: WeekClock | None = Field(
        default=None, description="when the office is told who has reported, on or after the due day"
    )

    @property
    def _reach(self) -> timedelta:
        return _MISSED_REACH if self.escalate else _REACH

    def clocks(self) -> frozenset[time]:
        hours = {self.due.at, *(entry.at for entry in self.remind)}
        hours |= {self.chase.start.at} if self.chase else set()
        hours |= {self.at} if self.escalate else set()
        return frozenset(hours | ({self.summary.at} if self.summary else set()))

    def entries(self) -> tuple[str, ...]:
        return (*self.to, *(entry for step in self.escalate for entry in step.to))

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        weeks = self.weeks(self._around(span), practice)
        if self._passed_over(span, practice) or any(True for week in weeks for _ in self._slots(week, span, practice)):
            yield Ask(span.first - self._reach, outlined=self.by_outline)

    def _around(self, span: Span) -> Span:
        """The nominal due days of all weeks of which something may be said on the days of `span`."""
        return Span(span.first - self._reach, span.last + _WEEK + LONGEST_REST)

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        by_unit = self.by_unit(facts)
        for week in self.weeks(self._around(span), practice):
            slots = list(self._slots(week, span, practice))
            owing = {unit: of for unit, of in by_unit.items() if self.owed(week, unit, of)} if slots else {}
            for unit, measures in owing.items():
                for firing in self._of_one(week, unit, slots, facts, practice):
                    if self._missed(firing, unit, measures, facts, practice):
                        yield replace(firing, owed_for=_in_order(measures))
            for slot in slots if owing else ():
                if slot.part == "summary":
                    yield self._summed_up(week, slot, owing, facts, practice)

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
        resting = self._passed_over(span, practice)
        for unit, measures in self.by_unit(facts).items() if resting else ():
            for day in resting:
                week = Week(week_name(day), day, practice.at(day, self.due.at))
                if self.runs_on(day, practice) and self.owed(week, unit, measures):
                    due = Slot("remind", ReminderKind.REPORT_DUE, day, week.due_at)
                    why = Reason("no_working_day", {"week": week.name})
                    yield replace(self._firing(week, unit, due, practice), owed_for=_in_order(measures), skipped=why)

    def _passed_over(self, span: Span, practice: Practice) -> list[date]:
        return [
            day for day in self._nominals(span) if day in span and week_name(practice.earlier(day)) != week_name(day)
        ]

    def owed(self, week: Week, unit: str, measures: Sequence[Measure]) -> bool:
        """Whether one of a unit's measures was open, and not claimed, on the (moved) due day."""
        return any(self.chases(measure, unit, week.due_at.date()) for measure in measures)

    def weeks_spoken_of(self, day: date, practice: Practice) -> Iterator[Week]:
        """The weeks of which something would be said on `day`, were their reports missing."""
        for week in self.weeks(self._around(Span(day, day)), practice):
            if any(slot.part != "summary" for slot in self._slots(week, Span(day, day), practice)):
                yield week

    def _slots(self, week: Week, span: Span, practice: Practice) -> Iterator[Slot]:
        """What is said of this week on the days of `span`."""
        every = (
            *reminds(week, self.remind, practice),
            *chases(week, self.chase, practice),
            *steps(week, self.escalate, self.at, practice),
            *summary(week, self.summary, practice),
        )
        for slot in every:
            if slot.at.date() in span and self.runs_on(slot.at.date(), practice):
                yield slot

    def _of_one(
        self, week: Week, unit: str, slots: Sequence[Slot], facts: Facts, practice: Practice
    ) -> Iterator[Firing]:
        """One unit's reminders of one week: of those of a part that land on one day the latest, none once reported."""
        submitted_at = facts.reports.get((unit, week.name))
        landing: dict[tuple[str, date], list[Slot]] = defaultdict(list)
        for slot in slots:
            if slot.part != "summary":
                landing[slot.part, slot.at.date()].append(slot)
        for met in landing.values():
            latest = max(met, key=lambda slot: (slot.at, slot.nominal))
            if submitted_at is None or submitted_at > latest.at:
                earlier = sorted({slot.nominal for slot in met} - {latest.nominal})
                yield replace(self._firing(week, unit, latest, practice), superseded=tuple(earlier))

    def _firing(self, week: Week, unit: str, slot: Slot, practice: Practice) -> Firing:
        day, step = slot.at.date(), slot.step
        facts = {"week": week.name, "due": f"{week.due_at:%Y-%m-%d %H:%M}"}
        facts |= {"step": step.colour, "missed": str(step.missed)} if step else {}
        code = "report_step" if step else slot.kind.value
        moved = put_off(day, slot.nominal) if slot.kind is ReminderKind.REPORT_CHASE else ""
        moved = moved or ("_moved" if day != slot.nominal else "")
        return Firing(
            rule=self.name,
            kind=slot.kind,
            subject=f"report:{unit}:{week.name}:{slot.part}",
            unit=unit,
            occasion=slot.nominal,
            at=slot.at,
            reason=Reason(code + moved, facts),
            provisional=practice.provisional(slot.nominal, day, week.due_at.date()),
            week=week.name,
            due_at=week.due_at,
            to=step.to if step else (),
        )

    def _missed(self, firing: Firing, unit: str, measures: Sequence[Measure], facts: Facts, practice: Practice) -> bool:
        """Whether so many owed reports in a row are missing as the step of this firing asks for."""
        missed = int(firing.reason.facts.get("missed", "1"))
        if missed == 1 or firing.due_at is None:
            return True
        due = firing.due_at.date()
        before = [week for week in self.weeks(Span(due - _MISSED_REACH, due), practice) if week.due_at < firing.due_at]
        owed = [week for week in before if self.owed(week, unit, measures)][1 - missed :]
        reported = (facts.reports.get((unit, week.name)) for week in owed)
        return len(owed) == missed - 1 and all(at is None or at > firing.at for at in reported)

    def _summed_up(self, week: Week, slot: Slot, owing: Iterable[str], facts: Facts, practice: Practice) -> Firing:
        """What the office is told: who had reported at that instant, who late, who not."""
        said: dict[str, list[str]] = {"received": [], "late": [], "missing": []}
        for unit in sorted(owing):
            submitted_at = facts.reports.get((unit, week.name))
            if submitted_at is None or submitted_at > slot.at:
                said["missing"].append(unit)
            else:
                said["received" if submitted_at <= week.due_at else "late"].append(unit)
        counts = {name: str(len(units)) for name, units in said.items()}
        firing = self._firing(week, OFFICE, slot, practice)
        return replace(
            firing,
            subject=f"report:{week.name}:summary",
            reason=Reason(firing.reason.code, dict(firing.reason.facts) | counts),
            to=(OFFICE,),
            about={name: _LISTED.join(units) for name, units in said.items()},
        )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        if refusal := self.refusal(measure, unit, day, practice):
            return refusal
        ahead = Span(day + ONE_DAY, day + 2 * _WEEK)
        weeks = self.weeks(Span(day - 2 * _WEEK, day + 2 * _WEEK), practice)
        coming = sorted(slot.at.date() for week in weeks for slot in self._slots(week, ahead, practice))
        return Reason("not_yet", {"next": str(coming[0]) if coming else ""})


def _in_order(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """In the order of the ledger: outlines come in none."""
    return tuple(sorted(measures, key=attrgetter("ledger", "id")))


def summed(parts: Sequence[Firing]) -> Firing:
    """What the office is told of one week, where each of `parts` says it of some of the units."""
    said = {
        name: sorted(unit for part in parts for unit in part.about[name].split(_LISTED) if unit)
        for name in parts[0].about
    }
    counts = {name: str(len(units)) for name, units in said.items()}
    first = parts[0]
    return replace(
        first,
        reason=Reason(first.reason.code, {**first.reason.facts, **counts}),
        about={name: _LISTED.join(units) for name, units in said.items()},
    )
