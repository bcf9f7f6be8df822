"""One cycle, in its order: scan, plan, put into the outbox; then claim, prepare, deliver, settle.

The first half is one transaction: either every due reminder stands in the outbox, or the next cycle finds them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from reminder import outbox
from reminder.channels.base import Channel
from reminder.cycle.prepare import Ended, Ready, log, prepare
from reminder.cycle.service import Service
from reminder.deliver import deliver
from reminder.domain.message import Outcome
from reminder.outbox import Claimed
from reminder.plan import Window, answer, asks, known_parts, reminders, sees
from reminder.scan import scan, unseen_since
from reminder.store.engine import writing
from reminder.store.memory import recall, remember
from reminder.store.reminders import store_reminders

__all__ = ["Counts", "Service", "dispatch", "enqueue", "run"]

BATCH = 50
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
    counts = Counts(planned=enqueue(service, clock()))
    dispatch(service, clock, stop, counts)
    return counts


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
            answered = answer(reminders(facts, rules, directory, practice, span), rules, window, practice)
            store_reminders(session, answered.superseded, outcome="superseded")
            fresh = outbox.put(session, answered.due, now, service.domain)
        remember(session, now, known_parts(rules, directory), {"planned": fresh})
    return fresh


def dispatch(service: Service, clock: Clock, stop: Callable[[], bool], counts: Counts) -> None:
    """Delivers what may be tried now, message by message. A broken channel is left alone for the rest of the cycle."""
    channels = _Channels(service)
    try:
        while not stop():
            with writing(service.engine) as session:
                claimed = outbox.claim(session, clock(), BATCH, skip=channels.broken)
            if not claimed:
                return
            for message in claimed:
                if stop() or message.channel in channels.broken:
                    with writing(service.engine) as session:
                        outbox.release(session, message)
                else:
                    counts.messages[_one(service, channels, message, clock())] += 1
    finally:
        channels.close()


class _Channels:
    """The channels of one cycle: opened when first needed, closed together."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._open: dict[str, Channel] = {}
        self.broken: set[str] = set()

    def get(self, name: str) -> Channel | None:
        """The channel called `name`; None where the configuration has none any more."""
        name = self._service.trial_channel or name
        if name not in self._open and name in self._service.channels:
            self._open[name] = self._service.channels[name]()
        return self._open.get(name)

    def close(self) -> None:
        for channel in self._open.values():
            channel.close()


def _one(service: Service, channels: _Channels, message: Claimed, now: datetime) -> str:
    """One message to the end of one attempt; returns the state it is left in."""
    channel = channels.get(message.channel)
    ready = _prepared(service, channel, message, now)
    if isinstance(ready, Ended) or channel is None:
        return ready.state if isinstance(ready, Ended) else "failed"
    outcome = deliver(channel, ready.payload, ready.envelope, message.attempts + 1, now)
    if outcome.channel_broken:
        channels.broken.add(message.channel)
    with writing(service.engine) as session:
        outbox.settle(session, message, ready.attempt_id, _within_hours(service, outcome), now)
    return outcome.state


def _prepared(service: Service, channel: Channel | None, message: Claimed, now: datetime) -> Ready | Ended:
    """The message ready for an attempt. One that cannot be written is a dead letter; it stops only itself."""
    try:
        with writing(service.engine) as session:
            return prepare(service, session, channel, message, now)
    except SQLAlchemyError:
        raise  # the database is ill, not the message
    except Exception as error:  # whatever a letter's contents can cause
        log.exception("message %d cannot be written", message.id)
        with writing(service.engine) as session:
            outbox.fail(session, message, f"cannot be written: {error}", now)
        return Ended("failed")


def _within_hours(service: Service, outcome: Outcome) -> Outcome:
    """A retry may not fall into the night: it waits for the next slot."""
    if outcome.next_attempt_at is None:
        return outcome
    return replace(outcome, next_attempt_at=service.hours.next_slot(outcome.next_attempt_at, service.practice))
