"""The second half of a cycle: claim, prepare, deliver, settle, message by message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from reminder import outbox
from reminder.channels.base import Channel
from reminder.cycle.prepare import Ended, Ready, log, prepare
from reminder.cycle.service import Service
from reminder.deliver import deliver
from reminder.domain.message import Outcome
from reminder.outbox import Claimed
from reminder.store.engine import writing

BATCH = 50


def deliver_due(service: Service, clock: Callable[[], datetime], stop: Callable[[], bool]) -> Counter[str]:
    """Delivers what may be tried now; returns the messages by the state they were left in.

    A broken channel is left alone for the rest of the cycle.
    """
    counts: Counter[str] = Counter()
    channels = _Channels(service)
    try:
        while not stop():
            with writing(service.engine) as session:
                claimed = outbox.claim(session, clock(), BATCH, skip=channels.broken)
            if not claimed:
                return counts
            for message in claimed:
                if stop() or message.channel in channels.broken:
                    with writing(service.engine) as session:
                        outbox.release(session, message)
                else:
                    counts[_one(service, channels, message, clock())] += 1
    finally:
        channels.close()
    return counts


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
