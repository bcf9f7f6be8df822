"""When something is said of one week's report: reminders before it is due, chases and steps upward while it is missing,
and what the office gets to know. Days and instants only; who owes what is the rule's affair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from reminder.domain.reminder import ReminderKind
from reminder.rules.again import Every
from reminder.rules.rule import Practice, Recipient
from reminder.rules.when import WEEKDAYS, Days, Distance, WeekClock, WeekTime

_LONGEST = 14  # days after the due day that a step can be taken; of working days ten, which are as long


class Chase(BaseModel):
    """When a missing report is asked for: once, or again `every` so often `until` a weekday of the chase's week."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    start: WeekClock = Field(alias="from")
    every: Every | None = None
    until: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = None


class ReportStep(BaseModel):
    """So long `after` the due day, while the report is missing, it goes to the posts `to`; with `missed` only where so
    many owed reports in a row are missing."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    after: Days = Field(description='days after the due day: 3 or "2wd"; at most 14 or "10wd"')
    colour: str = Field(min_length=1, max_length=20, description='the name of the step, such as "yellow"')
    to: tuple[Recipient, ...] = Field(min_length=1, description="to whom this step goes, written like a rule's to")
    missed: int = Field(default=1, ge=1, le=4, description="only where so many reports in a row are missing")

    @field_validator("after")
    @classmethod
    def _soon(cls, after: Distance) -> Distance:
        if not 1 <= after.n <= (10 if after.working else _LONGEST):
            expected = 'expected 1 to 14 days or "1wd" to "10wd", got {got}'
            raise PydanticCustomError("report_step", expected, {"got": str(after)})
        return after


@dataclass(frozen=True, slots=True)
class Week:
    """One week's report: `name` is the ISO week of its nominal due day; `due_at` its moved due instant."""

    name: str
    nominal: date
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """One instant at which something is said of a week; `part` is what: remind, chase, a step, the summary."""

    part: str
    kind: ReminderKind
    nominal: date
    at: datetime
    step: ReportStep | None = None


def week_name(day: date) -> str:
    """The ISO week of `day`, as `2021-W17`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def reminds(week: Week, entries: Sequence[WeekTime], practice: Practice) -> Iterator[Slot]:
    """On or before the due day, which they move with; without entries one at the due hour."""
    if not entries:
        yield Slot("remind", ReminderKind.REPORT_DUE, week.nominal, week.due_at)
    for entry in entries:
        nominal = entry.in_week_of(week.nominal)
        day = practice.earlier(nominal)
        if week_name(day) != week.name:  # a rest day early in the week: still this week, and before it is due
            day = practice.later(nominal)
        day = min(day, week.due_at.date())
        yield Slot("remind", ReminderKind.REPORT_DUE, nominal, min(practice.at(day, entry.at), week.due_at))


def chases(week: Week, chase: Chase | None, practice: Practice) -> Iterator[Slot]:
    """After the due day, on working days."""
    if chase is None:
        return
    nominal = chase.start.after(week.nominal)
    last = _last_chase(week, chase)
    for _ in range(7):
        at = practice.at(practice.later(nominal), chase.start.at)
        yield Slot("chase", ReminderKind.REPORT_CHASE, nominal, at)
        nominal = (chase.every or Distance(7)).after(nominal, practice.calendar)
        if nominal > last:
            return


def _last_chase(week: Week, chase: Chase) -> date:
    if chase.every is None:
        return date.min
    start = chase.start.after(week.nominal)
    if chase.until is None:
        return start + timedelta(days=6 - start.weekday())
    return start + timedelta(days=(WEEKDAYS.index(chase.until) - start.weekday()) % 7)


def steps(week: Week, escalate: Sequence[ReportStep], hour: time, practice: Practice) -> Iterator[Slot]:
    """The days on which a missing report is told to posts above the unit."""
    due = week.due_at.date()
    for step in escalate:
        nominal = step.after.after(due, practice.calendar)
        day = practice.later(nominal)
        day = day if day > due else practice.calendar.on_or_after(nominal)  # a guess may be early, but not this early
        yield Slot(f"step:{step.colour}", ReminderKind.REPORT_CHASE, nominal, practice.at(day, hour), step)


def summary(week: Week, when: WeekTime | None, practice: Practice) -> Iterator[Slot]:
    """When the office is told who has reported: on the first such weekday from the due day on, not before it is due."""
    if when is None:
        return
    nominal = week.nominal + timedelta(days=(when.weekday - week.nominal.weekday()) % 7)
    day = practice.earlier(nominal) if nominal == week.nominal else practice.later(nominal)
    yield Slot("summary", ReminderKind.REPORT_SUMMARY, nominal, max(practice.at(day, when.at), week.due_at))
