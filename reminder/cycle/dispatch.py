"""The second half of a cycle: claim and prepare for each destination that has room; attempt, settle.

`deliver_due` does it message by message in the calling thread; `engine` with workers for each destination.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Event, Lock

from reminder import outbox
from reminder.cycle.astray import Astray
from reminder.cycle.commits import Commits, Order
from reminder.cycle.lanes import Job, Lane
from reminder.cycle.opener import Opener
from reminder.cycle.prepare import Batch, Left, leave, prepare
from reminder.cycle.service import Service
from reminder.deliver import deliver, on_probation
from reminder.domain.message import Outcome
from reminder.outbox import Claimed, Settled, Start
from reminder.store import destinations
from reminder.store.engine import reading

STALE_SECONDS = 0.8  # what was looked at longer ago is looked at again just before it goes
ILL_SECONDS = 2.0  # how long to wait where the database answered with an error
_MOST_TRIES_TO_SETTLE = 100  # within the lease: afterwards somebody else has the message
Clock = Callable[[], datetime]
log = logging.getLogger("reminder.cycle")


def deliver_due(service: Service, clock: Clock, stop: Callable[[], bool]) -> Counter[str]:
    """Delivers what may be tried now, one message after another; returns them by the state they were left in."""
    dispatch = Dispatch(service, clock)
    carrier = Carrier(dispatch)
    try:
        while not stop() and dispatch.feed(look=True):
            for lane in list(dispatch.lanes.values()):
                while not stop() and (job := lane.take(clock())):
                    carrier.carry(lane, job)
                carrier.settle_last()
                dispatch.give_back(lane)
    finally:
        carrier.close()
        dispatch.astray.fetch()
        for lane in dispatch.lanes.values():
            dispatch.give_back(lane)
    return dispatch.counts


class Dispatch:
    """The lanes of one service, and what feeds them. `counts` are the messages by the state they were left in."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service, self.clock = service, clock
        self.commits = Commits(service.engine)
        self.lanes: dict[str, Lane] = {}
        self.counts: Counter[str] = Counter()
        self._counting = Lock()
        self.astray = Astray(self.commits)
        self._feeding = Lock()  # one claims and writes at a time
        self._opener = Opener(service)  # for rendering; the workers connect with their own

    def feed(self, *, look: bool) -> bool:
        """Claims and prepares for the lanes with room; whether anything was claimed. With `look` all that is due is
        looked for, else only what lanes are known to lack."""
        self.astray.fetch()
        now = self.clock()
        if look:
            with reading(self.service.engine) as session:
                for name in outbox.due_channels(session, now):
                    self.lane(name).hungry = True
        for lane in list(self.lanes.values()):
            if lane.blocked(now):
                self.give_back(lane)
        filled = [self._fill(lane, now) for lane in list(self.lanes.values()) if lane.wants(now)]
        return any(filled)

    def fetch_astray(self) -> None:
        """Gives back what an error has left behind, where nobody feeds by and by."""
        with self._feeding:
            self.astray.fetch()

    def feed_for(self, key: int) -> Lane | None:
        """Somebody says that this message may be due: the lane it goes by, fed where it is and the lane has room; None
        where there is no such message."""
        now = self.clock()
        with reading(self.service.engine) as session:
            way = outbox.way_of(session, key, now)
        if way is None:
            return None
        lane = self.lane(way[0])
        with self._feeding:
            self.astray.fetch()
            lane.hungry = lane.hungry or way[1]
            if way[1] and lane.wants(now):
                self._fill(lane, now)
        return lane

    def lane(self, name: str) -> Lane:
        """The lane of the channel called `name`. Channels to one destination share one."""
        channel = self._opener(name)
        destination = channel.destination if channel else name
        if destination not in self.lanes:
            connections = channel.connections if channel else 1
            self.lanes[destination] = Lane(destination, channel.rate if channel else (), connections)
        lane = self.lanes[destination]
        lane.names.add(name)
        return lane

    def _fill(self, lane: Lane, now: datetime) -> bool:
        token = outbox.new_token()
        with self.astray.unless_done(token):
            return self._filled(lane, now, self._claim(lane, now, token))

    def _filled(self, lane: Lane, now: datetime, claimed: Sequence[Claimed]) -> bool:
        if not claimed:
            return False
        batch = Batch(claimed, now, lane.under_way())
        with reading(self.service.engine) as session:
            decided = prepare(self.service, self._opener, session, batch)
        if lane.standing.disabled_at:
            why = f"{lane.destination} wants no more since {lane.standing.disabled_at:%Y-%m-%d}: {lane.standing.why}"
            decided = [one if isinstance(one, Left) else Left(one.message, "failed", why) for one in decided]
        self._leave([one for one in decided if isinstance(one, Left)], now)
        looked_at = time.monotonic()
        lane.put([Job(one, looked_at) for one in decided if isinstance(one, Start)])
        return True

    def _claim(self, lane: Lane, now: datetime, token: str) -> list[Claimed]:
        with self.commits.alone() as session:
            lane.standing = destinations.standing(session, lane.destination)
            most = 0 if self._must_rest(lane, now) else lane.portion()
            if on_probation(lane.standing):
                most = 0 if lane.busy() else min(most, 1)
            if lane.rate and most:
                free, lane.rests_until = destinations.free_room(session, lane.destination, lane.rate, now)
                most = min(most, free)
            claimed = outbox.claim(session, now, most, lane.names, token=token) if most else []
        lane.hungry = len(claimed) == most
        return claimed

    @staticmethod
    def _must_rest(lane: Lane, now: datetime) -> bool:
        lane.rests_until = None if lane.standing.disabled_at else lane.standing.paused_until
        return lane.resting(now)

    def _leave(self, left: Sequence[Left], now: datetime) -> None:
        if not left:
            return
        with self.commits.alone() as session:
            for one in left:
                leave(session, one, now)
        for one in left:
            self.count(one.state)

    def again(self, start: Start, opener: Opener) -> Start | None:
        """The message looked at once more, just before it goes; None where nothing goes now."""
        now = self.clock()
        with reading(self.service.engine) as session:
            (decided,) = prepare(self.service, opener, session, Batch([start.message], now))
        if isinstance(decided, Left):
            self._leave([decided], now)
            return None
        return decided

    def give_back(self, lane: Lane) -> None:
        """Gives back what is claimed for a lane and not tried."""
        starts = lane.drained()
        if starts:
            with self.astray.unless_tried([start.message for start in starts]), self.commits.alone() as session:
                for start in starts:
                    outbox.release(session, start.message)

    def count(self, state: str) -> None:
        """Counts a message by the state it is left in."""
        with self._counting:
            self.counts[state] += 1

    def close(self) -> None:
        """Closes what rendering opened."""
        self._opener.close()


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
            order = self._begun(lane, start)
            if order.key is None:
                self._not_begun(lane, start, order)
                return
        now = self._dispatch.clock()
        payload, attempts = start.written.payload, start.message.attempts + 1
        outcome = deliver(channel, payload, start.envelope, attempts, now, doubted=start.doubted)
        self._settle(lane, Settled(start.message, order.key, self._within_hours(outcome), self._dispatch.clock()))

    def _looked_at(self, job: Job) -> Start | None:
        """The message as it stands; looked at once more where that was too long ago."""
        if time.monotonic() - job.looked_at <= STALE_SECONDS:
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
