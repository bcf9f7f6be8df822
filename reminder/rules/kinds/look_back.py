"""`look_back`: so long after a measure was written off, and again until it is recorded whether it held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field

from reminder.domain.measure import Measure, Status
from reminder.domain.reminder import Firing, Line, Reason, ReminderKind, put_off
from reminder.rules.again import Every, again, landing
from reminder.rules.calendar import ONE_DAY
from reminder.rules.rule import LONGEST_REST, Ask, Facts, Practice, Recipient, Rule, Span, subject_of
from reminder.rules.when import Days, Distance

_GIVEN_UP = timedelta(days=730)  # after the last look-back: by then nobody will record it any more


@dataclass(frozen=True, slots=True)
class _Asked:
    """The look-back of the day `due`, so long `after` the write-off, is asked for on the day `nominal`."""

    nominal: date
    due: date
    after: Distance


class LookBackRule(Rule):
    """Fires at each distance of `after`; what falls on a rest day goes on the next working day."""

    kinds: ClassVar = (ReminderKind.LOOK_BACK,)

    kind: Literal["look_back"]
    after: tuple[Days, ...] = Field(min_length=1, description="days after the write-off, such as [90, 180]")
    to: tuple[Recipient, ...] = Field(default=("office",), min_length=1, description="to whom it goes, as in any rule")
    chase: Every | None = Field(default=None, description='asked again every so often until recorded, such as "10wd"')

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        farthest = max(offset.n * (3 if offset.working else 1) for offset in self.after)
        yield Ask(span.first - timedelta(days=farthest) - _GIVEN_UP - LONGEST_REST, closed=True)

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        days: dict[date, dict[date, list[_Asked]]] = {}  # by the day of the write-off, which many measures share
        for measure in facts.closed:
            for since in _write_offs(measure, span.last):
                if since not in days:
                    days[since] = self._days(since, span, practice)
                for day, met in days[since].items():
                    if self._asks_on(day, measure, since, met[-1], practice):
                        for unit in self.units(measure, facts, day):
                            yield self._firing(measure, unit, day, met, practice)

    def _asks_on(self, day: date, measure: Measure, since: date, asked: _Asked, practice: Practice) -> bool:
        standing = _written_off_since(measure, day) == since
        return standing and self.runs_on(day, practice) and not looked_back(measure, asked.due, day)

    def _days(self, since: date, span: Span, practice: Practice) -> dict[date, list[_Asked]]:
        """The days of `span` on which something goes → what lands there."""
        first = span.first - LONGEST_REST
        asked = (one for one in self._asked(since, span, practice) if one.nominal >= first)
        days = landing(asked, lambda one: practice.later(one.nominal))
        return {day: met for day, met in days.items() if day in span}

    def _asked(self, since: date, span: Span, practice: Practice) -> Iterator[_Asked]:
        """Each look-back on its day and then again, until the next one is asked for; whatever was recorded."""
        steps = sorted({(after.after(since, practice.calendar), after) for after in self.after})
        ends = [*(due for due, _ in steps[1:]), steps[-1][0] + _GIVEN_UP]
        for (due, after), end in zip(steps, ends, strict=True):
            # One that was due before the office or the rule started is not owed, as with reports.
            if end < span.first - LONGEST_REST or due > span.last + LONGEST_REST:
                continue
            if not self.runs_on(practice.later(due), practice):
                continue
            yield _Asked(due, due, after)
            for nominal in again(due, self.chase, min(end, span.last + LONGEST_REST), practice.calendar):
                yield _Asked(nominal, due, after)

    def _firing(self, measure: Measure, unit: str, day: date, met: list[_Asked], practice: Practice) -> Firing:
        asked, since = met[-1], _written_off_since(measure, day) or day
        again_ = "_again" if asked.nominal != asked.due else ""
        moved = put_off(day, asked.nominal)
        return Firing(
            rule=self.name,
            kind=ReminderKind.LOOK_BACK,
            subject=subject_of(measure),
            unit=unit,
            occasion=asked.nominal,
            at=practice.at(day, self.at),
            lines=(Line(measure, (asked.after.n,)),),
            reason=Reason(
                f"look_back{again_}{moved}",
                {"closed_on": str(since), "days": str(asked.after.n), "due": str(asked.due)},
            ),
            provisional=practice.provisional(since, asked.nominal, day),
            superseded=tuple(sorted({one.nominal for one in met[:-1]} - {asked.nominal})),
            due_at=practice.at(practice.later(asked.due), self.at),
            offsets=(str(asked.after),),
            about={"closed_on": str(since), "due_on": str(asked.due)},
        )

    def parts(self) -> frozenset[str]:
        return frozenset(f"rule:{self.name}:{offset}" for offset in self.after)

    def parts_of(self, firing: Firing) -> frozenset[str]:
        return frozenset(f"rule:{self.name}:{offset}" for offset in firing.offsets)

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        if not self.matches(measure, unit, day):
            return Reason("not_matched", {"rule": self.name})
        since = _written_off_since(measure, day)
        if since is None:
            return Reason("not_written_off", {"status": measure.status_on(day).value})
        if not self.runs_on(day, practice):
            return Reason("outside_days", {"rule": self.name})
        days = self._days(since, Span(day + ONE_DAY, day + timedelta(days=400)), practice)
        coming = [to for to, met in sorted(days.items()) if not looked_back(measure, met[-1].due, day)]
        result = max((one.on for one in measure.look_backs if since <= one.on <= day), default=None)
        if not coming and result:
            return Reason("looked_back", {"on": str(result)})
        return Reason("not_yet", {"next": str(coming[0]) if coming else ""})


def looked_back(measure: Measure, due: date, day: date) -> bool:
    """Whether, as of `day`, a result was recorded for the look-back of the day `due`."""
    return any(due <= one.on <= day for one in measure.look_backs)


def _write_offs(measure: Measure, last: date) -> list[date]:
    """The days up to `last` on which it was written off; several where it was opened again in between."""
    days = [last, *(before.on - ONE_DAY for _, before in pairwise(measure.changes) if before.on <= last)]
    found = {_written_off_since(measure, day) for day in days}
    return sorted(day for day in found if day is not None)


def _written_off_since(measure: Measure, day: date) -> date | None:
    """Since when it stands written off, as of `day`; None where it does not."""
    if measure.status_on(day) is not Status.WRITTEN_OFF:
        return None
    since = measure.closed_on
    for change in reversed([change for change in measure.changes if change.on <= day]):
        if change.status is not Status.WRITTEN_OFF:
            break
        since = change.on
    return since
