"""One cycle, in its order: scan, plan, put into the outbox; then claim, prepare, deliver, settle.

The first half is one transaction: either every due reminder stands in the outbox, or the next cycle finds them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reminder import outbox
from reminder.cycle.dispatch import deliver_due
from reminder.cycle.service import Service
from reminder.plan import Window, answer, asks, known_parts, occasions, sees
from reminder.scan import scan, unseen_since
from reminder.store.engine import writing
from reminder.store.memory import recall, remember
from reminder.store.records import keep_record
from reminder.store.reminders import store_ended

__all__ = ["Counts", "Service", "deliver_due", "enqueue", "run"]

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Counts:
    """What a cycle did: how many reminders it planned, and its messages by the state it left them in."""

    planned: int = 0
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def needs_a_person(self) -> bool:
        """Whether it left a dead letter or a hold."""
        return bool(self.messages["failed"] or self.messages["held"])


def run(service: Service, clock: Clock, stop: Callable[[], bool] = lambda: False) -> Counts:
    """One whole cycle. `clock` is read again before each attempt; `stop` is asked between messages."""
    planned = enqueue(service, clock())
    return Counts(planned, deliver_due(service, clock, stop))


def enqueue(service: Service, now: datetime) -> int:
    """Puts everything due since the last cycle into the outbox; returns how many reminders were new."""
    practice, rules, directory = service.practice, service.rules, service.directory
    fresh = 0
    with writing(service.engine) as session:
        memory = recall(session)
        if memory.last_at is not None and now < memory.last_at:
            return 0  # the last cycle has answered for this instant already
        window = Window(last=memory.last_at, now=now, known=memory.known, new_since=unseen_since(session))
        span = window.span(rules, practice)
        if span is not None:
            facts = scan(session, asks(rules, span, practice), sees(rules), directory, span.first)
            answered = answer(occasions(facts, rules, directory, practice, span), rules, window, practice)
            store_ended(session, answered.ended)
            fresh = outbox.put(session, answered.due, now, service.domain)
        keep_record(session, now, service.record)
        remember(session, now, known_parts(rules, directory), {"planned": fresh})
    return fresh
