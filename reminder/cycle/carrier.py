"""A worker's way with one message after another: begun, tried, settled. `deliver_due` does all that is due and
returns; `engine` has workers for each destination and stays."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

from reminder import outbox
from reminder.cycle.commits import Order
from reminder.cycle.dispatch import ILL_SECONDS, Clock, Dispatch
from reminder.cycle.lanes import TOGETHER_SECONDS, Job, Lane, moment
from reminder.cycle.opener import Opener, Ways
from reminder.cycle.row import UNTRIED, Ended, Row, untried
from reminder.cycle.service import Service
from reminder.cycle.starting import Asked, answered
from reminder.outbox import Start
from reminder.store import destinations

STALE_SECONDS = 0.8  # what was looked at longer ago is looked at again just before it goes
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
            jobs = lane.take(dispatch.clock())
            if jobs:
                carrier.carry(lane, jobs)
                continue
            carrier.settle_last()
            if not dispatch.refill(lane):
                break
        dispatch.give_back(lane)  # what a blocked lane did not take may have to be left otherwise
    finally:
        carrier.close()
        dispatch.pool(lane).hang_up()


class Carrier:
    """Carries messages over connections of their lane. A settlement waits for the next messages' beginning, where that
    follows at once, and both are one commit."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._opener = Opener(dispatch.service)  # for rendering
        self._last: list[Order] = []
        self._first_at = 0.0  # since when the first of them may be accepted

    def carry(self, lane: Lane, jobs: Sequence[Job]) -> None:
        """One attempt for each, from its beginning to the settlement that is due at once or with the next ones."""
        try:
            self._attempt(lane, jobs)
        finally:
            lane.landed(len(jobs))

    def _attempt(self, lane: Lane, jobs: Sequence[Job]) -> None:
        with self._dispatch.astray.unless_tried([job.start.message for job in jobs]):
            starts = [start for job in jobs if (start := self._looked_at(job))]
            begun_at = moment()
            orders = self._begun(lane, starts) if starts else []
            for order in orders:
                if order.key is None:
                    self._not_begun(lane, order)
        if any(order.key is not None for order in orders):
            with self._dispatch.pool(lane).taken() as ways:
                self._go(lane, ways, orders, begun_at)

    def _go(self, lane: Lane, ways: Ways | None, orders: Sequence[Order], begun_at: float) -> None:
        """Tries what has begun; leaves it for another attempt where there is no connection."""
        if ways is None:
            for one in untried(orders, self._dispatch.clock()):
                self._keep(lane, one)
            return
        self._try_all(lane, Row(self._dispatch, lane, ways, orders, begun_at))
        if ways.spared(lane):
            self.settle_last()
            ways.give_back()

    def _try_all(self, lane: Lane, row: Row) -> None:
        """Whatever an error breaks off here, the answers that are still to come are kept."""
        try:
            for one in row.ended():
                self._settle(lane, one)
        finally:
            for one in row.left():
                self._keep(lane, one)

    def _looked_at(self, job: Job) -> Start | None:
        """The message as it stands; looked at once more where that was too long ago, or no scribe has written it."""
        if moment() - job.looked_at <= STALE_SECONDS:
            start = answered(job.start) if isinstance(job.start, Asked) else job.start
            if start:
                return start
        self.settle_last()
        return self._dispatch.again(job.start, self._opener)

    def _begun(self, lane: Lane, starts: Sequence[Start]) -> list[Order]:
        """The orders by which these attempts began, together with what was left to be settled."""
        now = self._dispatch.clock()
        fresh = [Order(now, lane.destination) for _ in range(len(starts) - len(self._last))]
        orders = [*self._last, *fresh]
        for order, start in zip(orders, starts, strict=False):
            order.now, order.rate, order.start = now, lane.rate, start
        try:
            self._dispatch.commits.carry_out(orders)
        except Exception:  # the database: what waited to be settled still does
            for order in orders:
                order.start = None
            raise
        self._last = []
        return orders[: len(starts)]

    def _not_begun(self, lane: Lane, order: Order) -> None:
        """The lease was lost, and with it the message; or the limits leave no room just now."""
        assert order.start is not None
        if order.full:
            lane.hungry = True
            with self._dispatch.commits.alone() as session:
                outbox.release(session, order.start.message)
                _, lane.rests_until = destinations.free_room(session, lane.destination, lane.rate, order.now)
        else:
            self._dispatch.count("lost")

    def _settle(self, lane: Lane, one: Ended) -> None:
        """Leaves it to be settled with the next ones, unless it is news of the peer or has waited long enough."""
        tells = self._keep(lane, one)
        if not tells and moment() - self._first_at < TOGETHER_SECONDS:
            return
        orders = self._last
        self.settle_last()
        for order in orders:
            if order.standing:
                lane.standing, lane.rests_until = order.standing, order.standing.paused_until

    def _keep(self, lane: Lane, one: Ended) -> bool:
        """It waits to be settled; whether it tells something new of the peer."""
        outcome = one.settled.outcome
        self._dispatch.count("lost" if outcome is UNTRIED else outcome.state)
        self._first_at = min(self._first_at, one.since) if self._last else one.since
        tells = bool(outcome.peer) and (outcome.peer != "well" or lane.standing.failures > 0)
        self._last.append(Order(one.settled.at, lane.destination, settled=one.settled, tells=tells))
        return tells

    def settle_last(self) -> None:
        """Settles what still waits for the next beginning."""
        if self._last:
            self._dispatch.commits.carry_out(self._last)
        self._last = []

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

    def close(self) -> None:
        """Settles what is left."""
        try:
            self.settle_last()
        finally:
            self._opener.close()
