"""`overdue`: again and again after a deadline has passed, until the measure is written off; see also `escalation`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from reminder.domain.measure import Measure
from reminder.domain.reminder import Firing, Line, Reason, ReminderKind, put_off
from reminder.rules.calendar import ONE_DAY
from reminder.rules.chain import after_deadline
from reminder.rules.kinds.escalation import EscalatingRule
from reminder.rules.rule import LONGEST_REST, Ask, Facts, Practice, Span, subject_of
from reminder.rules.when import Days, Distance


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _or_one(schema: dict[str, Any]) -> None:
    """In the schema too, one distance may stand without its brackets."""
    schema["anyOf"] = [schema["items"], {"type": schema.pop("type"), "items": schema.pop("items")}]


class OverdueRule(EscalatingRule):
    """Fires at each distance of `every` after the deadline; a reminder on a rest day goes on the next working day."""

    kinds: ClassVar = (ReminderKind.OVERDUE, ReminderKind.ESCALATION)

    kind: Literal["overdue"]
    every: Annotated[tuple[Days, ...], BeforeValidator(_as_list)] = Field(
        description='days after the deadline: 3, "2wd" or [1, 3, 7, 14]', json_schema_extra=_or_one
    )

    @field_validator("every")
    @classmethod
    def _rising(cls, every: tuple[Distance, ...]) -> tuple[Distance, ...]:
        steps = [step.n for step in every]
        if not steps or steps[0] < 1 or steps != sorted(set(steps)):
            raise PydanticCustomError("every_rising", "expected rising numbers from 1 on, such as 3 or [1, 3, 7, 14]")
        if len({step.working for step in every}) > 1:
            raise PydanticCustomError(
                "every_mixed", 'expected either days or working days in one list, not both ("1wd" and 3)'
            )
        return every

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        yield Ask(span.first, date.min, span.last - ONE_DAY)

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        for measure in facts.measures:
            deadline = measure.deadline.counted_down
            if deadline is None or deadline >= span.last:
                continue
            for day, reached in self._days(deadline, span, practice).items():
                if day in span and self.runs_on(day, practice) and measure.chased_on(day):
                    for unit in self.units(measure, facts, day):
                        yield self._firing(measure, unit, day, reached, practice)
        yield from self.escalations(facts, span, practice)

    def _days(self, deadline: date, span: Span, practice: Practice) -> dict[date, list[tuple[int, date]]]:
        """The days on which something goes → the (distance, nominal day) that land there."""
        landing: dict[date, list[tuple[int, date]]] = defaultdict(list)
        for distance, nominal in self._nominals(deadline, span.first - LONGEST_REST, practice):
            if nominal > span.last + LONGEST_REST:
                break
            landing[after_deadline(nominal, deadline, practice)].append((distance, nominal))
        return landing

    def _nominals(self, deadline: date, first: date, practice: Practice) -> Iterator[tuple[int, date]]:
        """(distance, nominal day) from about `first` on, without end; earlier ones may come too."""
        steps = [step.n for step in self.every]
        gap = steps[-1] - steps[-2] if len(steps) > 1 else steps[0]
        if self.every[0].working:
            yield from self._working_nominals(deadline, steps, gap, practice)
            return
        skip = max(0, (first - deadline).days - steps[-1]) // gap
        for n in steps if not skip else ():
            yield n, Distance(n).after(deadline, practice.calendar)
        for k in count(skip or 1):
            n = steps[-1] + k * gap
            yield n, Distance(n).after(deadline, practice.calendar)

    @staticmethod
    def _working_nominals(deadline: date, steps: list[int], gap: int, practice: Practice) -> Iterator[tuple[int, date]]:
        day, passed = deadline, 0
        for n in steps:
            day, passed = practice.calendar.add(day, n - passed), n
            yield passed, day
        while True:
            day, passed = practice.calendar.add(day, gap), passed + gap
            yield passed, day

    def _firing(
        self, measure: Measure, unit: str, day: date, reached: list[tuple[int, date]], practice: Practice
    ) -> Firing:
        deadline, nominal = measure.deadline.counted_down or date.max, reached[0][1]
        facts = {"deadline": str(deadline), "days": "+".join(str(n) for n, _ in reached)}
        return Firing(
            rule=self.name,
            kind=ReminderKind.OVERDUE,
            subject=subject_of(measure),
            unit=unit,
            occasion=nominal,
            at=practice.at(day, self.at),
            lines=(Line(measure, tuple(n for n, _ in reached)),),
            reason=Reason("overdue" + put_off(day, nominal), facts),
            provisional=practice.provisional(deadline, reached[-1][1], day),
            nominals=tuple(on for _, on in reached),
        )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        deadline = measure.deadline.counted_down
        if deadline is None:
            return Reason("not_counted_down", {"deadline": measure.deadline.text})
        if refusal := self.refusal(measure, unit, day, practice):
            return refusal
        if day <= deadline:
            return Reason("not_overdue", {"deadline": str(deadline)})
        if put_off := self.why_no_step(measure, unit, day, practice):
            return put_off
        later = Span(day + ONE_DAY, day + LONGEST_REST)
        coming = [to for to in sorted(self._days(deadline, later, practice)) if to > day]
        step = self.next_step(measure, unit, day, practice)
        if step and coming and step.on <= coming[0]:
            return Reason("not_yet_step", {"next": str(step.on), "step": step.steps[-1].colour})
        return Reason("not_yet", {"next": str(coming[0]) if coming else ""})
