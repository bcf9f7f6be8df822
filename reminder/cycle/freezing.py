"""A chain of escalation is frozen by the cycle that takes its first step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlmodel import Session

from reminder.cycle.service import Service
from reminder.domain.frozen import FrozenChain
from reminder.domain.reminder import Reminder, ReminderKind
from reminder.rules.chain import freeze
from reminder.rules.kinds.escalation import EscalatingRule
from reminder.rules.recipients import leader_of
from reminder.store.chains import keep_chains


def freeze_chains(service: Service, session: Session, taken: Iterable[Reminder], now: datetime) -> None:
    """Keeps the chains whose first step is among the reminders `taken`, in the cycle's transaction."""
    keep_chains(session, _begun(service, taken), now)


def _begun(service: Service, taken: Iterable[Reminder]) -> Iterator[tuple[int, FrozenChain]]:
    rules = {rule.name: rule for rule in service.rules if isinstance(rule, EscalatingRule)}
    seen: set[tuple[str, str]] = set()
    for firing in (reminder.firing for reminder in taken):
        first = firing.kind is ReminderKind.ESCALATION and "steps" in firing.about and "frozen" not in firing.about
        if not first or firing.rule not in rules or (firing.subject, firing.unit) in seen:
            continue
        seen.add((firing.subject, firing.unit))
        (line,) = firing.lines
        rule, measure = rules[firing.rule], line.measure
        if deadline := measure.deadline.counted_down:
            yield (
                measure.id,
                FrozenChain(
                    rule=rule.name,
                    unit=firing.unit,
                    deadline=deadline,
                    leader=leader_of(measure, firing.unit, service.directory),
                    principal=service.directory.principal,
                    steps=freeze(rule.rungs(measure, firing.unit, service.practice)),
                ),
            )
