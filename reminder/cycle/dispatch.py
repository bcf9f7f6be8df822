"""The second half of a cycle: claim and prepare for each destination that has room; `carrier` attempts and settles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from threading import Lock

from reminder import outbox
from reminder.compose import templates
from reminder.cycle.astray import Astray
from reminder.cycle.commits import Commits
from reminder.cycle.lanes import Job, Lane, moment
from reminder.cycle.opener import Opener
from reminder.cycle.pool import Pool
from reminder.cycle.prepare import Batch, leave, prepare
from reminder.cycle.service import Service
from reminder.cycle.starting import Asked, Left
from reminder.deliver import on_probation
from reminder.outbox import Claimed, Start
from reminder.render.scribe import Scribe
from reminder.store import destinations
from reminder.store.engine import reading

ILL_SECONDS = 2.0  # how long to wait where the database answered with an error
Clock = Callable[[], datetime]


class Dispatch:
    """The lanes of one service, and what feeds them. `counts` are the messages by the state they were left in; with
    `pairs` messages in a row go over two connections in turn."""

    def __init__(self, service: Service, clock: Clock, *, pairs: bool = True) -> None:
        self.service, self.clock = service, clock
        self.commits = Commits(service.engine)
        self.lanes: dict[str, Lane] = {}
        self._pools: dict[str, Pool] = {}
        self._pairs = pairs
        self.counts: Counter[str] = Counter()
        self._counting = Lock()
        self.astray = Astray(self.commits)
        self._feeding = Lock()  # one claims and writes at a time
        self._opener = Opener(service)  # for rendering; the workers connect with their own
        self._scribe = Scribe(service.locale, partial(templates, service.templates, service.locale))

    def feed(self, *, look: bool) -> bool:
        """Claims and prepares for the lanes with room; whether anything was claimed. With `look` all that is due is
        looked for, else only what lanes are known to lack."""
        with self._feeding:
            return self._fed(look=look)

    def _fed(self, *, look: bool) -> bool:
        self.astray.fetch()
        self._scribe.rest()
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

    def refill(self, lane: Lane) -> bool:
        """Claims and prepares more for a lane that has come to its end; whether there was anything."""
        now = self.clock()
        with self._feeding:
            self.astray.fetch()
            return lane.wants(now) and self._fill(lane, now)

    def lane(self, name: str) -> Lane:
        """The lane of the channel called `name`. Channels to one destination share one."""
        channel = self._opener(name)
        destination = channel.destination if channel else name
        if destination not in self.lanes:
            connections = channel.connections if channel else 1
            lane = Lane(destination, channel.rate if channel else (), connections)
            self._pools[destination] = Pool(self.service, lane, pairs=self._pairs)
            self.lanes[destination] = lane
        lane = self.lanes[destination]
        lane.names.add(name)
        return lane

    def pool(self, lane: Lane) -> Pool:
        """The connections of a lane."""
        return self._pools[lane.destination]

    def _fill(self, lane: Lane, now: datetime) -> bool:
        token = outbox.new_token()
        with self.astray.unless_done(token):
            return self._filled(lane, now, self._claim(lane, now, token))

    def _filled(self, lane: Lane, now: datetime, claimed: Sequence[Claimed]) -> bool:
        if not claimed:
            return False
        batch = Batch(claimed, now, lane.under_way())
        scribe = self._scribe if self._scribe.ready(sum(one.payload is None for one in claimed)) else None
        with reading(self.service.engine) as session:
            decided = prepare(self.service, self._opener, session, batch, scribe)
        if lane.standing.disabled_at:
            why = f"{lane.destination} wants no more since {lane.standing.disabled_at:%Y-%m-%d}: {lane.standing.why}"
            decided = [one if isinstance(one, Left) else Left(one.message, "failed", why) for one in decided]
        self._leave([one for one in decided if isinstance(one, Left)], now)
        looked_at = moment()
        lane.put([Job(one, looked_at) for one in decided if not isinstance(one, Left)])
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

    def again(self, start: Start | Asked, opener: Opener) -> Start | None:
        """The message looked at once more, just before it goes; None where nothing goes now."""
        now = self.clock()
        with reading(self.service.engine) as session:
            (decided,) = prepare(self.service, opener, session, Batch([start.message], now))
        if isinstance(decided, Left):
            self._leave([decided], now)
        return decided if isinstance(decided, Start) else None

    def still_ours(self, start: Start) -> bool:
        """Whether a message is still under our lease."""
        with reading(self.service.engine) as session:
            return outbox.is_ours(session, start.message)

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
        with self._feeding:
            self._opener.close()
            self._scribe.close()
