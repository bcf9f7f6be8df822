"""Escalation: what a rule tells the posts above a unit. Each step once, on its own day; from then on a digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from reminder.domain.frozen import FrozenChain
from reminder.domain.measure import Measure
from reminder.domain.reminder import Firing, Line, Reason, ReminderKind, put_off
from reminder.rules.chain import Rung, Step, Taken, after_deadline, chain, rungs, thaw
from reminder.rules.rule import Facts, Practice, Rule, Span, landings, subject_of
from reminder.rules.when import Distance, OnDays

_THE_UNITS_OWN = frozenset({"unit", "supporting"})  # they have reminders of their own; digests go to posts above them
_DAYS_A_WORKING_DAY = 1.4  # seven for five: enough to compare a step in days with one in working days


class EscalatingRule(Rule):
    """A rule that, beside its own reminders, tells the posts above a unit: each step once, then in a digest."""

    escalate: tuple[Step, ...] = Field(default=(), description="the steps by which posts above the unit are told")
    leaders_on: OnDays | None = Field(default=None, description="when they get the digest of what is still open")

    @field_validator("escalate")
    @classmethod
    def _climbing(cls, escalate: tuple[Step, ...]) -> tuple[Step, ...]:
        length = [step.after.n * (_DAYS_A_WORKING_DAY if step.after.working else 1) for step in escalate]
        if escalate and (length[0] < 1 or any(later <= earlier for earlier, later in pairwise(length))):
            got = [str(step.after) if step.after.working else step.after.n for step in escalate]
            expected = "expected steps whose after rises from 1 on, got {got}"
            raise PydanticCustomError("escalate_rising", expected, {"got": got})
        return escalate

    def entries(self) -> tuple[str, ...]:
        return (*self.to, *(entry for step in self.escalate for entry in step.to))

    def parts(self) -> frozenset[str]:
        return super().parts() | {self._part(step.after) for step in self.escalate}

    def parts_of(self, firing: Firing) -> frozenset[str]:
        if firing.kind is not ReminderKind.ESCALATION or not firing.about.get("steps") or firing.about.get("frozen"):
            return super().parts()
        return frozenset(f"rule:{self.name}:escalate:{after}" for after in firing.about["steps"].split("+"))

    def _part(self, after: Distance) -> str:
        return f"rule:{self.name}:escalate:{after}"

    def colour(self, measure: Measure, day: date, practice: Practice) -> str:
        """The name of the highest step that an open measure has reached on `day`; "" where none is."""
        if not measure.open_on(day):
            return ""
        taken = self.taken(measure, next(iter(measure.units), ""), practice)
        return next((one.steps[-1].colour for one in reversed(taken) if one.on <= day), "")

    def taken(self, measure: Measure, unit: str, practice: Practice) -> list[Taken]:
        """The steps of a measure for a unit: as they were when the chain began, else as the rule has them now."""
        return chain(self.rungs(measure, unit, practice), measure, practice)

    def rungs(self, measure: Measure, unit: str, practice: Practice) -> list[Rung]:
        """The same before any answer puts one off; none where nothing is counted down."""
        if frozen := self.frozen(measure, unit):
            return thaw(frozen.steps)
        deadline = measure.deadline.counted_down
        return rungs(self.escalate, deadline, practice) if deadline else []

    def frozen(self, measure: Measure, unit: str) -> FrozenChain | None:
        """The chain of this rule that has begun after the measure's present deadline."""
        asked = (unit, measure.deadline.counted_down)
        mine = (one for one in measure.chains if one.rule in (self.name, self.was))
        return next((one for one in mine if (one.unit, one.deadline) == asked), None)

    def steps(self, measure: Measure, unit: str, practice: Practice) -> list[Firing]:
        """Every step of a measure for a unit, whether or not it is chased on that day."""
        return [self._step(measure, unit, one, practice) for one in self.taken(measure, unit, practice)]

    def escalations(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        """The steps that are taken on days of `span`, and the digests."""
        climbed: list[tuple[Measure, str, list[Taken]]] = []
        for measure in facts.measures:
            deadline = measure.deadline.counted_down
            if deadline is None or deadline >= span.last or not (self.escalate or measure.chains):
                continue
            usual = chain(rungs(self.escalate, deadline, practice), measure, practice)
            for unit in self.units(measure, facts):
                frozen = self.frozen(measure, unit)
                climbed.append((measure, unit, chain(thaw(frozen.steps), measure, practice) if frozen else usual))
        for measure, unit, taken in climbed:
            for one in taken:
                if one.on in span and self.runs_on(one.on, practice) and self.chases(measure, unit, one.on):
                    yield self._step(measure, unit, one, practice)
        yield from self._digests(climbed, span, practice)

    def _step(self, measure: Measure, unit: str, one: Taken, practice: Practice) -> Firing:
        deadline, nominal, step = measure.deadline.counted_down or date.max, one.nominals[-1], one.steps[-1]
        facts = {"deadline": str(deadline), "days": "+".join(str(of.after.n) for of in one.steps), "step": step.colour}
        moved = "_answered" if one.answered else put_off(one.on, nominal)
        return Firing(
            rule=self.name,
            kind=ReminderKind.ESCALATION,
            # with the deadline: an extension begins a new chain, whose steps may fall on days of the old one
            subject=f"{subject_of(measure)}:escalation:{deadline}",
            unit=unit,
            occasion=nominal,
            at=practice.at(one.on, self.at),
            lines=(Line(self._as_begun(measure, unit), tuple(sorted({of.after.n for of in one.steps}))),),
            reason=Reason("escalation" + moved, facts | ({"answered": str(one.answered)} if one.answered else {})),
            provisional=practice.provisional(deadline, nominal, one.on),
            superseded=one.nominals[:-1],
            to=one.to,
            about={
                f"step:{measure.id}": step.colour,
                "steps": "+".join(str(of.after) for of in one.steps),
                **({"frozen": "yes"} if self.frozen(measure, unit) else {}),
                **self._principal(measure, unit),
            },
        )

    def _digests(
        self, climbed: Sequence[tuple[Measure, str, list[Taken]]], span: Span, practice: Practice
    ) -> Iterator[Firing]:
        """On each day of `leaders_on`, for each unit and post, the measures of earlier steps to that post."""
        if self.leaders_on is None:
            return
        for day, nominals in landings(self.leaders_on, span, practice).items():
            if not self.runs_on(day, practice):
                continue
            listed: dict[tuple[str, str], list[tuple[Measure, str]]] = defaultdict(list)
            for measure, unit, taken in climbed:
                for entry in _told(taken, day) if self.chases(measure, unit, day) else ():
                    colour = next(one.steps[-1].colour for one in reversed(taken) if one.on <= day)
                    listed[unit, entry].append((measure, colour))
            for whom, found in listed.items():
                yield self._digest(whom, found, day, nominals, practice)

    def _as_begun(self, measure: Measure, unit: str) -> Measure:
        """The measure with the leader of its chain, if that has begun. The rule's `match` looks at it as it is now."""
        frozen = self.frozen(measure, unit)
        return measure._replace(leader=frozen.leader) if frozen and frozen.leader else measure

    def _principal(self, measure: Measure, unit: str) -> dict[str, str]:
        """What a firing says of a chain that has begun: who the principal was then."""
        frozen = self.frozen(measure, unit)
        return {f"principal:{measure.id}": frozen.principal} if frozen and frozen.principal else {}

    def _digest(
        self,
        whom: tuple[str, str],
        found: list[tuple[Measure, str]],
        day: date,
        nominals: Sequence[date],
        practice: Practice,
    ) -> Firing:
        unit, entry = whom
        found.sort(key=lambda one: (one[0].deadline.counted_down or date.max, one[0].ledger, one[0].id))
        occasion = nominals[-1]
        facts = {"count": str(len(found)), "occasion": str(occasion)}
        about = {f"step:{measure.id}": colour for measure, colour in found}
        for measure, _ in found:
            about |= self._principal(measure, unit)
        return Firing(
            rule=self.name,
            kind=ReminderKind.ESCALATION,
            subject=f"digest:{entry}",
            unit=unit,
            occasion=occasion,
            at=practice.at(day, self.at),
            lines=tuple(Line(self._as_begun(measure, unit)) for measure, _ in found),
            reason=Reason("digest" + put_off(day, occasion), facts),
            provisional=practice.provisional(occasion, day),
            superseded=tuple(nominals[:-1]),
            to=(entry,),
            about=about,
        )

    def next_step(self, measure: Measure, unit: str, day: date, practice: Practice) -> Taken | None:
        """The first step after `day`."""
        return next((one for one in self.taken(measure, unit, practice) if one.on > day), None)

    def why_no_step(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason | None:
        """Why the step that would have been taken by `day` is not; None where nothing puts one off."""
        coming = self.next_step(measure, unit, day, practice)
        if coming is None or coming.answered is None or coming.answered >= day:
            return None
        deadline = measure.deadline.counted_down or date.max
        if after_deadline(coming.nominals[-1], deadline, practice) > day:
            return None
        facts = {"step": coming.steps[-1].colour, "answered": str(coming.answered), "next": str(coming.on)}
        return Reason("escalation_put_off", facts)


def _told(taken: Sequence[Taken], day: date) -> list[str]:
    """The posts that were told of a measure before `day`, without those that a step of that very day tells."""
    told = dict.fromkeys(entry for one in taken if one.on < day for entry in one.to if entry not in _THE_UNITS_OWN)
    today = {entry for one in taken if one.on == day for entry in one.to}
    return [entry for entry in told if entry not in today]
