"""A worker's way with one message after another: begun, tried, settled. `deliver_due` does all that is due and
returns; `engine` has workers for each destination and stays."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event

from reminder import outbox
from reminder.cycle.commits import Order
from reminder.cycle.dispatch import ILL_SECONDS, Clock, Dispatch
from reminder.cycle.lanes import Job, Lane, moment
from reminder.cycle.opener import Opener
from reminder.cycle.service import Service
from reminder.deliver import deliver
from reminder.domain.message import Outcome
from reminder.outbox import Settled, Start
from reminder.store import destinations

STALE_SECONDS = 0.8  # what was looked at longer ago is looked at again just before it goes
_HELD_UP_SECONDS = 1.0  # between the beginning of an attempt and its try: was this process stopped meanwhile?
_UNTRIED = Outcome("refused", "retrying", "", "not tried: somebody else had taken the message over")
_MOST_BESIDE = 64  # destinations that one cycle by hand writes to at once
_MOST_TRIES_TO_SETTLE = 100  # within the lease: afterwards somebody else has the message
log = logging.getLogger("reminder.cycle")


def deliver_due(service: Service, clock: Clock, stop: Callable[[], bool]) -> Counter[str]:
    """Delivers what may be tried now and returns it by the state it was left in. The destinations go beside each other,
    so that one that hangs holds up its own messages only; those of one destination go one after another."""
    dispatch = Dispatch(service, clock)
    try:
        while not stop() and dispatch.feed(look=True):
            _all_emptied(dispatch, stop)
    finally:
        dispatch.close()
        dispatch.astray.fetch()
        for lane in dispatch.lanes.values():
            dispatch.give_back(lane)
    return dispatch.counts


def _all_emptied(dispatch: Dispatch, stop: Callable[[], bool]) -> None:
    """Empties all lanes beside each other."""
    lanes, ended = list(dispatch.lanes.values()), Event()
    with ThreadPoolExecutor(min(len(lanes), _MOST_BESIDE), "to") as beside:
        try:
            list(beside.map(partial(_emptied, dispatch, stop=lambda: ended.is_set() or stop()), lanes))
        finally:  # an error in one of them, or somebody interrupts: the others end with what is on the way
            ended.set()


def _emptied(dispatch: Dispatch, lane: Lane, stop: Callable[[], bool]) -> None:
    """Carries all that may go there now."""
    carrier = Carrier(dispatch)
    try:
        while not stop():
            job = lane.take(dispatch.clock())
            if job:
                carrier.carry(lane, job)
                continue
            carrier.settle_last()
            if not dispatch.refill(lane):
                break
        dispatch.give_back(lane)  # what a blocked lane did not take may have to be left otherwise
    finally:
        carrier.close()


class Carrier:
    """Carries messages over connections of its own. A settlement waits for the next message's beginning, where that
    follows at once, and both are one commit."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._opener = Opener(dispatch.service)
        self._last: Order | None = None

    def carry(self, lane: Lane, job: Job) -> None:
        """One attempt, from its beginning to the settlement that is due at once or with the next message."""
        try:
            self._attempt(lane, job)
        finally:
            lane.landed()

    def _attempt(self, lane: Lane, job: Job) -> None:
        with self._dispatch.astray.unless_tried([job.start.message]):
            start = self._looked_at(job)
            channel = self._opener(job.start.message.channel)
            if start is None or channel is None:
                return
            begun_at = moment()
            order = self._begun(lane, start)
            if order.key is None:
                self._not_begun(lane, start, order)
                return
        now = self._dispatch.clock()
        if moment() - begun_at > _HELD_UP_SECONDS and not self._dispatch.still_ours(start):
            self._settle_untried(lane, Settled(start.message, order.key, _UNTRIED, now))
            return
        payload, attempts = start.written.payload, start.message.attempts + 1
        outcome = deliver(channel, payload, start.envelope, attempts, now, doubted=start.doubted)
        self._settle(lane, Settled(start.message, order.key, self._within_hours(outcome), self._dispatch.clock()))

    def _looked_at(self, job: Job) -> Start | None:
        """The message as it stands; looked at once more where that was too long ago."""
        if moment() - job.looked_at <= STALE_SECONDS:
            return job.start
        self.settle_last()
        return self._dispatch.again(job.start, self._opener)

    def _begun(self, lane: Lane, start: Start) -> Order:
        order = self._last or Order(self._dispatch.clock(), lane.destination)
        order.now, order.rate, order.start = self._dispatch.clock(), lane.rate, start
        try:
            self._dispatch.commits.carry_out(order)
        except Exception:  # the database: what waited to be settled still does
            order.start = None
            raise
        self._last = None
        return order

    def _not_begun(self, lane: Lane, start: Start, order: Order) -> None:
        """The lease was lost, and with it the message; or the limits leave no room just now."""
        if order.full:
            lane.hungry = True
            with self._dispatch.commits.alone() as session:
                outbox.release(session, start.message)
                _, lane.rests_until = destinations.free_room(session, lane.destination, lane.rate, order.now)
        else:
            self._dispatch.count("lost")

    def _settle_untried(self, lane: Lane, settled: Settled) -> None:
        """Its attempt was begun and is recorded: nothing went out in it."""
        self._dispatch.count("lost")
        self._last = Order(settled.at, lane.destination, settled=settled)
        self.settle_last()

    def _settle(self, lane: Lane, settled: Settled) -> None:
        self._dispatch.count(settled.outcome.state)
        well = settled.outcome.peer == "well"
        self._last = Order(settled.at, lane.destination, settled=settled, tells=not well or lane.standing.failures > 0)
        if self._last.tells:
            order = self.settle_last()
            if order and order.standing:
                lane.standing, lane.rests_until = order.standing, order.standing.paused_until

    def settle_last(self) -> Order | None:
        """Settles what still waits for the next beginning."""
        order = self._last
        if order:
            self._dispatch.commits.carry_out(order)
        self._last = None
        return order

    def settle_surely(self, stopping: Event) -> None:
        """The same in spite of a database that is ill for a while: what the peer accepted must not be sent again."""
        for _ in range(_MOST_TRIES_TO_SETTLE):
            try:
                self.settle_last()
                return
            except Exception:
                log.exception("an attempt cannot be settled yet")
            if stopping.wait(ILL_SECONDS):
                return

    def _within_hours(self, outcome: Outcome) -> Outcome:
        """A retry may not fall into the night: it waits for the next slot."""
        if outcome.next_attempt_at is None:
            return outcome
        service = self._dispatch.service
        return replace(outcome, next_attempt_at=service.hours.next_slot(outcome.next_attempt_at, service.practice))

    def close(self) -> None:
        """Settles what is left and hangs up."""
        try:
            self.settle_last()
        finally:
            self._opener.close()
