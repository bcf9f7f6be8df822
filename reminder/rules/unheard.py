"""Steps of an escalation whose day came while nobody was reminded of the measure: claimed, suspended or closed.

Such a step is not made good when the measure is chased again: each goes on its own day, once, and a change is no
downtime to catch up with. Somebody has to be told, or the post above would never hear of it and nobody would know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reminder.domain.measure import Measure
from reminder.domain.people import OFFICE, Directory
from reminder.domain.reminder import Firing
from reminder.rules.kinds.escalation import EscalatingRule
from reminder.rules.recipients import answered_for, recipients
from reminder.rules.rule import Facts, Practice, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """The `step` (its name) of `rule` for `unit` that would have gone to the posts `to` on the day `on`.

    `in_digest`: the rule has a digest for leaders, in which those posts will read of the measure.
    """

    rule: str
    unit: str
    step: str
    on: date
    to: tuple[str, ...]
    in_digest: bool


def unheard(
    rules: Sequence[Rule], measure: Measure, until: datetime, directory: Directory, practice: Practice
) -> Iterator[Unheard]:
    """The steps after the measure's present deadline that passed up to `until` unsent, with the posts above the unit
    that no other step has told; the office, which is told now, is none of them."""
    outside = frozenset(name for name, unit in directory.units.items() if unit.outside)
    for rule in (rule for rule in rules if isinstance(rule, EscalatingRule)):
        for unit in rule.units(measure, Facts(outside=outside)):
            told, silent = set[str](), list[tuple[Firing, tuple[str, ...]]]()
            for firing in rule.steps(measure, unit, practice):
                if firing.at <= until and rule.runs_on(firing.at.date(), practice):
                    to = _posts(rule, firing, directory)
                    if rule.chases(measure, unit, firing.at.date()):
                        told.update(to)
                    else:
                        silent.append((firing, to))
            for firing, to in silent:
                if left := tuple(name for name in to if name not in {*told, unit, OFFICE}):
                    step, on = firing.about[f"step:{measure.id}"], firing.at.date()
                    digest = rule.leaders_on is not None
                    yield Unheard(rule=rule.name, unit=unit, step=step, on=on, to=left, in_digest=digest)


def _posts(rule: Rule, firing: Firing, directory: Directory) -> tuple[str, ...]:
    """Whom it was meant for, also where somebody else answers for him."""
    found = recipients(rule, firing, directory)
    return tuple(name for one in found for name in answered_for(one.instead_of) or [one.name])
