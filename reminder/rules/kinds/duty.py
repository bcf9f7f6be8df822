"""`duty`: what somebody owes in every period, whether the ledger knows them or not: reminded, and chased until done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field, StrictInt

from reminder.domain.measure import Measure
from reminder.domain.owed import DutyDone
from reminder.domain.reminder import Firing, Reason, ReminderKind, put_off
from reminder.rules.again import Every, again, landing
from reminder.rules.chain import after_deadline
from reminder.rules.rule import LONGEST_REST, Ask, Facts, Practice, Rule, Span
from reminder.rules.when import Days, Distance, Due

_REACH = timedelta(days=440)  # longer than the longest period and the moves at both its ends


@dataclass(frozen=True, slots=True)
class Period:
    """One period: the instant at which it is due, and the next period's due day. No rest day moves these."""

    name: str
    due_at: datetime
    end: date


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked on a nominal day."""

    nominal: date


class DutyRule(Rule):
    """Reminders go on the next working day, those of the due day itself on the previous one."""

    kinds: ClassVar = (ReminderKind.DUTY,)
    sees: ClassVar = frozenset({"duties_done"})
    about_measures: ClassVar = False

    kind: Literal["duty"]
    what: str = Field(min_length=1, max_length=100, description="what is owed, as letters call it")
    owed_by: tuple[str, ...] = Field(min_length=1, description="units, other bodies, or office for the office itself")
    due: Due = Field(description='when: { week = "monday", hour = "17:00" }, or month, quarter, year, dates = [..]')
    quota: StrictInt = Field(default=1, ge=1, alias="min", description="how often in each period")
    remind: tuple[Days, ...] = Field(
        default=(Distance(1, working=True),), description='days before the due day, such as ["1wd"]; 0 = on the day'
    )
    chase: Every | None = Field(
        default=None, description='asked again every so often until done or the next one is due, such as "1wd"'
    )

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        return ()

    def periods(self, span: Span, practice: Practice) -> Iterator[Period]:
        """Every period of which something may go in `span`."""
        last = span.last + _REACH
        nominals = self.due.nominal_days(span.first - _REACH, last, practice.calendar)
        for nominal, following in pairwise([*nominals, last]):
            # What was due before the office or the rule started is not owed, as with reports.
            if following >= span.first and self.runs_on(nominal, practice):
                yield Period(self.due.period(nominal), practice.at(nominal, self.due.hour), following)

    def done(self, done: Iterable[DutyDone], unit: str, period: str, day: date) -> int:
        """How often `unit` had fulfilled it for `period` at the end of `day`."""
        names = (self.name, self.was)
        mine = (one for one in done if one.duty in names and (one.unit, one.period) == (unit, period))
        return sum(one.count for one in mine if one.on <= day)

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        for period in self.periods(span, practice):
            for day, met in self._days(period, span, practice):
                for unit in self.owed_by:
                    done = self.done(facts.duties_done, unit, period.name, day)
                    if done < self.quota:
                        yield self._firing(period, unit, done, (day, met), practice)

    def _days(self, period: Period, span: Span, practice: Practice) -> list[tuple[date, list[_Asked]]]:
        """The days of `span` on which something of `period` goes → what lands there."""
        due, calendar = period.due_at.date(), practice.calendar
        nominals = {step.before(due, calendar) for step in self.remind}
        nominals |= {*again(due, self.chase, min(period.end, span.last + LONGEST_REST), calendar)}

        def move(asked: _Asked) -> date:
            if asked.nominal == due:
                return practice.earlier(due)
            return (
                after_deadline(asked.nominal, due, practice) if asked.nominal > due else practice.later(asked.nominal)
            )

        found = landing(map(_Asked, nominals), move).items()
        return [(day, met) for day, met in found if day in span and day < period.end and self.runs_on(day, practice)]

    def _firing(
        self, period: Period, unit: str, done: int, landed: tuple[date, list[_Asked]], practice: Practice
    ) -> Firing:
        day, met = landed
        asked, at = met[-1], practice.at(day, self.at)
        late = day > period.due_at.date()
        moved = put_off(day, asked.nominal) if late else "_moved" if asked.nominal != day else ""
        facts = {"what": self.what, "period": period.name, "due": f"{period.due_at:%Y-%m-%d %H:%M}"}
        return Firing(
            rule=self.name,
            kind=ReminderKind.DUTY,
            subject=f"duty:{self.name}:{unit}:{period.name}",
            unit=unit,
            occasion=asked.nominal,
            at=at if late else min(at, period.due_at),
            reason=Reason(("duty_late" if late else "duty") + moved, facts),
            provisional=practice.provisional(asked.nominal, period.due_at.date(), day),
            superseded=tuple(one.nominal for one in met[:-1]),
            due_at=period.due_at,
            about={
                "what": self.what,
                "period": period.name,
                "done": str(done),
                "min": str(self.quota),
                "part": "chase" if late else "remind",
            },
        )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        return Reason("not_about_measures", {"rule": self.name})
