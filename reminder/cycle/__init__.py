"""One cycle, in its order: scan, plan, put into the outbox; then claim, prepare, deliver, settle.

The first half is one transaction: either every due reminder stands in the outbox, or the next cycle finds them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from reminder import outbox
from reminder.briefing import tell
from reminder.cycle.carrier import deliver_due
from reminder.cycle.freezing import freeze_chains
from reminder.cycle.guard import Watch, clock_doubted, guarded
from reminder.cycle.service import Service
from reminder.cycle.upkeep import upkeep
from reminder.plan import Answer, Window, answer, asks, known_parts, occasions_by_parts, sees, without
from reminder.scan import portions, unseen_since
from reminder.store import delivery_log
from reminder.store.engine import writing
from reminder.store.garbage import uncollected
from reminder.store.holding import merge, set_aside, set_aside_count
from reminder.store.memory import Memory, recall, remember
from reminder.store.notices import HELD, Notice, note
from reminder.store.provisional import told_by_guess
from reminder.store.records import keep_record
from reminder.store.reminders import store_ended

__all__ = ["Counts", "Enqueued", "Service", "Watch", "clock_doubted", "deliver_due", "enqueue", "run", "upkeep"]

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


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The first half of a cycle: how many reminders were new, which guard holds, and how many messages it holds."""

    planned: int = 0
    guard: str = ""
    held: int = 0


def run(service: Service, clock: Clock, stop: Callable[[], bool] = lambda: False, watch: Watch | None = None) -> Counts:
    """One whole cycle. `clock` is read again before each attempt; `stop` is asked between messages.

    `watch` is the daemon's: it guards against a clock that jumps or stands behind the last cycle.
    """
    first = enqueue(service, clock(), watch)
    messages = deliver_due(service, clock, stop)
    messages["held"] += first.held
    if not clock_doubted(first.guard):
        upkeep(service, clock())
    return Counts(first.planned, +messages)


def enqueue(service: Service, now: datetime, watch: Watch | None = None) -> Enqueued:
    """Puts everything due since the last cycle into the outbox, unless a guard holds."""
    done = _enqueued(service, now, watch)
    if watch:
        watch.note(now)
    return done


def _enqueued(service: Service, now: datetime, watch: Watch | None) -> Enqueued:
    with writing(service.engine) as session:
        memory = recall(session, alone=True)
        why = guarded(session, memory, now, service.marker, watch)
        if not why and memory.last_at is not None and now < memory.last_at:
            return Enqueued()  # the last cycle has answered for this instant already
        doubted = clock_doubted(why)
        going_on = watch.going_on if watch else _nothing
        planned = 0 if doubted else _put(service, session, memory, now, going_on)
        held = _hold(service, session, memory, why, now) if why else 0
        merge(session, now)
        if service.message_at:
            tell(session, service.briefing, memory, now, notices_only=doubted)
        if service.transport:
            service.transport.defer(session, now)
        head = delivery_log.head(session)
    if service.marker and not doubted:
        service.marker.write(now, str(head))
    return Enqueued(planned, why, held)


def _nothing() -> None:
    """Nobody asks whether a cycle by hand goes on."""


@uncollected()
def _put(service: Service, session: Session, memory: Memory, now: datetime, going_on: Callable[[], None]) -> int:
    fresh = 0
    for planned in _answered(service, session, memory, now):
        going_on()
        answered = without(planned, told_by_guess(session, planned.due))
        store_ended(session, answered.ended)
        freeze_chains(service, session, [*answered.due, *(one.reminder for one in answered.ended)], now)
        fresh += outbox.put(session, answered.due, now, service.domain)
    keep_record(session, now, service.record)
    parts = known_parts(service.rules, service.directory)
    remember(session, now, parts, {"planned": fresh}, marked=service.marker is not None)
    return fresh


def _answered(service: Service, session: Session, memory: Memory, now: datetime) -> Iterator[Answer]:
    """What this cycle has to answer, in parts that fit into memory."""
    practice, rules, directory = service.practice, service.rules, service.directory
    window = Window(last=memory.last_at, now=now, known=memory.known, new_since=unseen_since(session))
    span = window.span(rules, practice)
    if span is None:
        return
    facts = portions(session, asks(rules, span, practice), sees(rules), directory, span.first)
    for planned in occasions_by_parts(facts, rules, directory, practice, span):
        yield answer(planned, rules, window, practice)


def _hold(service: Service, session: Session, memory: Memory, why: str, now: datetime) -> int:
    """Sets everything aside that waits, and tells the office once how much that is."""
    set_aside(session)
    held = waiting = set_aside_count(session)
    if not memory.held_why:
        if clock_doubted(why):  # not planned, but it would go at once if the clock were believed
            due = (one for answered in _answered(service, session, memory, now) for one in answered.due)
            waiting += len({(reminder.recipient, reminder.channel, reminder.alone) for reminder in due})
        at = now.astimezone(service.practice.zone).isoformat(timespec="minutes")
        note(session, Notice(key=HELD, code=HELD, facts={"why": why, "n": str(waiting), "at": at}), now)
    return held
