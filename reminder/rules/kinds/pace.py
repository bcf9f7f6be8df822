"""`pace`: a measure whose reported progress lies behind its elapsed time (序时进度), or that has not moved for long.

Only what is counted down has a time to lie behind; what goes on without a date can stand still all the same.
When it fired before follows from the facts as they stand: the days of `on` are walked from the day the measure was
dated. Only the last reported percent is known, so it counts from the day it was reported; before that day there is no
verdict about it. After a new report the days before it therefore no longer hold back a reminder by `repeat`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from reminder.domain.measure import Measure
from reminder.domain.reminder import Firing, Line, Reason, ReminderKind, put_off
from reminder.rules.calendar import ONE_DAY, Calendar
from reminder.rules.rule import Ask, Facts, Practice, Rule, Span, landings, subject_of
from reminder.rules.when import Days, Distance, OnDays

_AHEAD = timedelta(days=100)  # how far the next day of `on` is looked for: a quarterly one is found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong on a day: `expected` percent by then, where that is too far ahead of the reported percent; since
    when there was no progress, where that is too long ago."""

    expected: int | None = None
    stale_since: date | None = None

    def __bool__(self) -> bool:
        return self.expected is not None or self.stale_since is not None


class PaceRule(Rule):
    """Compares on the days of `on`; one that falls on a rest day goes on the next working day."""

    kinds: ClassVar = (ReminderKind.PACE,)

    kind: Literal["pace"]
    on: OnDays = Field(description="the days on which progress is compared")
    behind: int | None = Field(
        default=None, ge=1, le=100, description="points under the straight line from the plan's day to the deadline"
    )
    stale: Days | None = Field(default=None, description='or so long without progress: 30 or "30wd"')
    repeat: Days | None = Field(default=None, description="not again for a measure within this distance")

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if self.behind is None and self.stale is None:
            raise PydanticCustomError("pace_nothing", "expected behind, stale or both")
        return self

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        if self._days(span, practice):
            # Without a date nothing can lie behind, but it can stand still.
            yield Ask(span.first) if self.stale else Ask(span.first, date.min, date.max)

    def _days(self, span: Span, practice: Practice) -> dict[date, list[date]]:
        found = landings(self.on, span, practice)
        return {day: nominals for day, nominals in found.items() if self.runs_on(day, practice)}

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        asked = self._days(span, practice)
        if not asked:
            return
        begins = min((begun for measure in facts.measures if (begun := begun_on(measure))), default=span.first)
        walked = sorted(self._days(Span(min(begins, span.first), span.last), practice))
        for measure in facts.measures:
            units = list(self.units(measure, facts))
            if units and any(self.verdict(measure, day, practice) for day in asked):
                for day, verdict in self._told(measure, walked, practice):
                    for unit in units if day in asked else ():
                        if not self.matches(measure, unit, day):
                            continue
                        yield self._firing(measure, unit, verdict, (day, asked[day]), practice)

    def verdict(self, measure: Measure, day: date, practice: Practice) -> Verdict:
        """What is wrong with a measure on `day`; nothing where it is closed or claimed."""
        if not measure.chased_on(day):
            return Verdict()
        expected, moved = expected_on(measure, day, practice.calendar), moved_on(measure, day)
        stale = bool(self.stale and moved and _after(self.stale, moved, practice.calendar) <= day)
        return Verdict(expected if self._behind(measure, day, expected) else None, moved if stale else None)

    def _behind(self, measure: Measure, day: date, expected: int | None) -> bool:
        known_on = measure.progress_on or measure.dated_on
        if self.behind is None or expected is None or measure.percent is None or known_on is None:
            return False
        return day >= known_on and expected - measure.percent >= self.behind

    def _told(self, measure: Measure, walked: Sequence[date], practice: Practice) -> Iterator[tuple[date, Verdict]]:
        """The days of `walked` on which it is told of, each with its verdict: not again within `repeat`."""
        again = begun_on(measure) or date.max
        for day in walked:
            if day >= again and (verdict := self.verdict(measure, day, practice)):
                again = _after(self.repeat, day, practice.calendar) if self.repeat else day
                yield day, verdict

    def _firing(
        self, measure: Measure, unit: str, verdict: Verdict, landed: tuple[date, list[date]], practice: Practice
    ) -> Firing:
        day, nominals = landed
        deadline, begins = measure.deadline.counted_down or day, measure.dated_on or day
        facts: dict[str, str] = {}
        if verdict.expected is not None:
            facts |= {"deadline": str(deadline), "expected": str(verdict.expected), "percent": str(measure.percent)}
        if verdict.stale_since:
            facts |= {"since": str(verdict.stale_since)}
        code = "pace" if verdict.expected is not None else "pace_stale"
        through = (begins, deadline) if verdict.expected is not None else (verdict.stale_since or day,)
        return Firing(
            rule=self.name,
            kind=ReminderKind.PACE,
            subject=subject_of(measure),
            unit=unit,
            occasion=nominals[-1],
            at=practice.at(day, self.at),
            lines=(Line(measure),),
            reason=Reason(code + put_off(day, nominals[-1]), facts),
            provisional=practice.provisional(nominals[-1], day, *through),
            superseded=tuple(nominals[:-1]),
            about={name: value for name, value in facts.items() if name != "deadline"},
        )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        if measure.deadline.counted_down is None and self.stale is None:
            return Reason("not_counted_down", {"deadline": measure.deadline.text})
        if refusal := self.refusal(measure, unit, day, practice):
            return refusal
        if self._days(Span(day, day), practice):
            return self._why_content(measure, day, practice)
        coming = min(self._days(Span(day + ONE_DAY, day + _AHEAD), practice), default=None)
        return Reason("not_yet", {"next": str(coming or "")})

    def _why_content(self, measure: Measure, day: date, practice: Practice) -> Reason:
        """Why nothing is said on a day of `on`: told of lately, no percent known, or on pace."""
        if self.verdict(measure, day, practice):
            walked = sorted(self._days(Span(begun_on(measure) or day, day - ONE_DAY), practice))
            told = [on for on, _ in self._told(measure, walked, practice)]
            return Reason("pace_told", {"on": str(told[-1]) if told else ""})
        expected = expected_on(measure, day, practice.calendar)
        if self.behind is None or measure.deadline.counted_down is None:
            return Reason("not_stale", {"since": str(moved_on(measure, day) or "")})
        if measure.percent is None or expected is None:
            return Reason("pace_unknown")
        return Reason("on_pace", {"expected": str(expected), "percent": str(measure.percent)})


def expected_on(measure: Measure, day: date, calendar: Calendar) -> int | None:
    """The percent that a straight line in working days, from the day it was dated to its deadline, reaches on `day`."""
    begins, deadline = measure.dated_on, measure.deadline.counted_down
    if begins is None or deadline is None:
        return None
    if day >= deadline:
        return 100
    return 100 * _between(begins, day, calendar) // max(_between(begins, deadline, calendar), 1)


def begun_on(measure: Measure) -> date | None:
    """From where its days are walked: the day it was dated, else its first progress."""
    return measure.dated_on or min(measure.answers, default=measure.progress_on)


def moved_on(measure: Measure, day: date) -> date | None:
    """The day of its latest progress up to `day`, else the day it was dated."""
    progress = (*measure.answers, *([measure.progress_on] if measure.progress_on else []))
    return max((on for on in progress if on <= day), default=measure.dated_on)


# One day's questions about thousands of measures come down to a few hundred pairs of days.


@lru_cache(maxsize=20_000)
def _after(distance: Distance, since: date, calendar: Calendar) -> date:
    return distance.after(since, calendar)


@lru_cache(maxsize=20_000)
def _between(first: date, last: date, calendar: Calendar) -> int:
    return calendar.between(first, last)
