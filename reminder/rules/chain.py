"""How an overdue measure climbs the posts above its unit: the steps of a rule, and the days on which they are taken.

Until the first step is taken everything follows from the measure, the rule and the calendar; then the chain is frozen.
A step's nominal day is its identity: whatever is answered later, the outbox's unique key lets it go to a recipient once
for each deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from reminder.domain.frozen import FrozenStep
from reminder.domain.measure import Measure
from reminder.rules.rule import Practice, Recipient
from reminder.rules.when import Days


class Step(BaseModel):
    """One step: so long `after` the deadline it goes to the posts `to`; `colour` is its name."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    after: Days = Field(description='days after the deadline: 7 or "15wd"')
    colour: str = Field(min_length=1, max_length=20, description='the name of the step, such as "yellow"')
    to: tuple[Recipient, ...] = Field(min_length=1, description="to whom this step goes, written like a rule's to")
    unless_answered: Days | None = Field(
        default=None, description="not while the unit's latest answer since the last step is younger than this"
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """Steps that are taken on one day, the highest last; `answered` is the answer that had put it off."""

    on: date
    steps: tuple[Step, ...]
    nominals: tuple[date, ...]
    answered: date | None = None

    @property
    def to(self) -> tuple[str, ...]:
        """The posts of all its steps, each once."""
        return tuple(dict.fromkeys(entry for step in self.steps for entry in step.to))


def after_deadline(nominal: date, deadline: date, practice: Practice) -> date:
    """Where something goes that lies after a deadline: a guess moves earlier, but not onto the deadline itself."""
    day = practice.later(nominal)
    return day if day > deadline else practice.calendar.on_or_after(nominal)


@dataclass(frozen=True, slots=True)
class Rung:
    """A step with its nominal day, and the day on which it is taken where no answer puts it off."""

    step: Step
    nominal: date
    own: date


def rungs(steps: Sequence[Step], deadline: date, practice: Practice) -> list[Rung]:
    """The steps of a chain that begins after `deadline`."""
    nominals = [(step, step.after.after(deadline, practice.calendar)) for step in steps]
    return [Rung(step, nominal, after_deadline(nominal, deadline, practice)) for step, nominal in nominals]


def freeze(climbing: Iterable[Rung]) -> tuple[FrozenStep, ...]:
    """The rungs as they are kept."""
    return tuple(
        FrozenStep(
            after=str(rung.step.after),
            colour=rung.step.colour,
            to=rung.step.to,
            unless_answered=str(rung.step.unless_answered) if rung.step.unless_answered else None,
            nominal=rung.nominal,
            on=rung.own,
        )
        for rung in climbing
    )


def thaw(steps: Iterable[FrozenStep]) -> list[Rung]:
    """The rungs that were kept."""
    return [
        Rung(
            Step.model_validate(
                {"after": one.after, "colour": one.colour, "to": one.to, "unless_answered": one.unless_answered}
            ),
            one.nominal,
            one.on,
        )
        for one in steps
    ]


def chain(climbing: Iterable[Rung], measure: Measure, practice: Practice) -> list[Taken]:
    """The steps of a measure by the days on which they are taken, as long as it stays open.

    A lower step that an answer puts off up to the day of a higher one is taken together with it.
    """
    deadline, taken = measure.deadline.counted_down, list[Taken]()
    if deadline is None:
        return taken
    for rung in climbing:
        step, nominal, own = rung.step, rung.nominal, rung.own
        since = max((one.on for one in taken if one.on < own), default=deadline)
        on, answered = _put_off(step, own, [day for day in measure.answers if day > since], practice)
        joined = [one for one in taken if one.on >= on]
        earlier_steps = tuple(other for one in joined for other in one.steps)
        earlier_days = tuple(day for one in joined for day in one.nominals)
        taken = [one for one in taken if one.on < on]
        taken.append(Taken(on, (*earlier_steps, step), (*earlier_days, nominal), answered))
    return taken


def _put_off(step: Step, on: date, answers: Sequence[date], practice: Practice) -> tuple[date, date | None]:
    """The day of a step after `answers`, and the one that put it off. What is answered on its day comes too late."""
    reason: date | None = None
    while step.unless_answered and (latest := max((day for day in answers if day < on), default=None)):
        runs_out = practice.later(step.unless_answered.after(latest, practice.calendar))
        if runs_out <= on:
            break
        on, reason = runs_out, latest
    return on, reason
