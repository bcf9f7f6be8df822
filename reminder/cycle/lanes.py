"""A lane for each destination: what is ready to go there, who is on the way, and how much to fetch next.

One destination never waits for another: each has its own queue and its own few workers.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from threading import Condition, RLock

from reminder.cycle.starting import Asked
from reminder.domain.destination import Rate, Standing
from reminder.outbox import Start

MOST_CLAIMED = 256  # letters of fifty kilobytes may wait in memory
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; clock_gettime(2)
_AHEAD_SECONDS = 0.4  # so much work is claimed at once: what is claimed is rendered, and should go at once
_SHORT_SECONDS = 0.25  # to a peer whose tries take longer, what a commit takes makes no difference
TOGETHER_SECONDS = 0.02  # what a peer has accepted waits for no longer than this for what is settled with it
_SLOWER, _FASTER = 0.5, 0.2  # the latest try's share in what one is known to take; a single slow one was mostly our own


def moment() -> float:
    """Seconds since some instant, which also pass while the machine sleeps or this process is stopped."""
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


@dataclass(frozen=True, slots=True)
class Job:
    """A message ready for its attempt, and at which `moment` it was looked at."""

    start: Start | Asked
    looked_at: float


class Lane:
    """The way to one destination. Its condition guards all that several threads touch.

    To a peer that answers at once a worker carries several messages in a row, which begin and are settled together: a
    commit and a change of threads cost more than such a try. There are fewer workers then, so that never more than
    `connections` messages are tried and not settled: that many may go twice where this process dies. To a peer that
    takes its time, yet not long, there are a quarter more workers than connections: while some begin and settle, the
    others try. So many more may go twice then.

    Never are more than `connections` of them open: `open` are those that workers have in turn, `further` ones those
    that a worker has borrowed besides, and those that are being hung up.
    """

    def __init__(self, destination: str, rate: Rate, connections: int) -> None:
        self.destination, self.rate, self.connections = destination, rate, connections
        self.names: set[str] = set()
        lock = RLock()
        self.changed, self.freed = Condition(lock), Condition(lock)  # its queue has; a connection is for others
        self.queue: deque[Job] = deque()
        self.workers = self.open = self.further = self.idle = self.flying = 0
        self.hungry = True  # there may be more to claim
        self.closed = False
        self.standing = Standing()
        self.rests_until: datetime | None = None
        self._size = 2 * connections
        self._fed_at = 0.0
        self._try_seconds = TOGETHER_SECONDS

    def resting(self, now: datetime) -> bool:
        """Whether nothing may go there for a while."""
        return self.rests_until is not None and self.rests_until > now

    def blocked(self, now: datetime) -> bool:
        """Whether nothing may be tried now: it rests, or it wants no more."""
        return self.closed or self.standing.disabled_at is not None or self.resting(now)

    def wants(self, now: datetime) -> bool:
        """Whether more should be claimed for it."""
        with self.changed:
            return self.hungry and not self.resting(now) and len(self.queue) <= self.connections

    def portion(self) -> int:
        """How many to claim: as much as is delivered in a moment, no more than twice the last portion, and without a
        rest that would begin and be settled by itself."""
        moment = time.monotonic()
        passed, self._fed_at = moment - self._fed_at, moment
        delivered = int(self._size * _AHEAD_SECONDS / max(passed, 0.001))
        self._size = max(self.connections, min(delivered, 2 * self._size, MOST_CLAIMED))
        return self._size - self._size % self.connections

    def under_way(self) -> Counter[tuple[str, str]]:
        """What is about to go, by recipient and channel."""
        with self.changed:
            waiting = [job.start.message for job in self.queue]
        return Counter((one.recipient, one.channel) for one in waiting if not one.attempts)

    def put(self, jobs: list[Job]) -> None:
        """Queues jobs."""
        with self.changed:
            self.queue.extend(jobs)
            self.changed.notify(len(jobs))

    def take(self, now: datetime, wait: float = 0.0) -> list[Job]:
        """The next jobs for one worker; none where none come within `wait` seconds or nothing may go there now."""
        with self.changed:
            if wait and not (self.queue or self.closed):
                self.idle += 1
                self.changed.wait(wait)
                self.idle -= 1
            if self.blocked(now):
                return []
            jobs = self._in_a_row()
            self.flying += len(jobs)
            return jobs

    def _in_a_row(self) -> list[Job]:
        """The next ones. What may have been the death of a process before goes alone: those behind it would be taken
        for its cause as well."""
        share = max(1, self.connections // max(self.workers, 1))
        most = min(self._quick(), share, self.connections + self._spare() - self.flying)
        jobs: list[Job] = []
        while self.queue and len(jobs) < most and not (jobs and self.queue[0].start.doubted):
            jobs.append(self.queue.popleft())
            if jobs[-1].start.doubted:
                break
        return jobs

    def tried(self, seconds: float) -> None:
        """A try took so long, or counts for so long where the peer is not well: to such a one nothing goes in a row.
        What is slow is believed at once, what gets slower soon, what gets faster by and by."""
        with self.changed:
            known = self._try_seconds
            share = 1.0 if seconds >= TOGETHER_SECONDS else _SLOWER if seconds > known else _FASTER
            self._try_seconds = known + share * (seconds - known)

    def quick(self) -> bool:
        """Whether the peer is one to which several messages go in a row."""
        with self.changed:
            return self._quick() > 1

    def _quick(self) -> int:
        """How many one worker may carry together: one thread is faster than two that wait for the interpreter."""
        return max(1, min(int(TOGETHER_SECONDS / max(self._try_seconds, 0.0001)), self.connections))

    def _most_workers(self) -> int:
        return max(1, self.connections // self._quick()) + self._spare()

    def _spare(self) -> int:
        """How many workers there are more than connections."""
        return self.connections // 4 if TOGETHER_SECONDS < self._try_seconds <= _SHORT_SECONDS else 0

    def alone(self) -> bool:
        """Whether one worker does all there is to do: it also fetches what it lacks, since two threads would wait for
        the interpreter, and for each other to wake up."""
        with self.changed:
            return self.workers == 1 and self._quick() == self.connections and not self.closed

    def hire(self) -> int:
        """How many more workers there is work for; they count from now on."""
        with self.changed:
            free = self.connections + self._spare() - self.workers - self.further
            missing = max(0, min(len(self.queue) - self.idle, self._most_workers() - self.workers, free))
            self.workers += missing
            return missing

    def dismiss(self, *, surplus: bool = False) -> bool:
        """A worker ends; with `surplus` only where there are too many. Whether it ends."""
        with self.changed:
            ends = not surplus or self.workers > self._most_workers()
            self.workers -= ends
            return ends

    def admits(self) -> bool:
        """Whether one more connection may be opened; it counts from now on."""
        with self.changed:
            admits = self.open + self.further < self.connections
            self.open += admits
            return admits

    def leaves(self) -> None:
        """A connection is about to be hung up."""
        with self.changed:
            self.open -= 1
            self.further += 1

    def lend(self) -> bool:
        """Whether a worker that carries messages in a row may open a second connection."""
        with self.changed:
            kept = max(self.open, min(self.workers, self.connections), 1)  # each worker may want one
            lends = self._quick() > 1 and kept + self.further < self.connections
            self.further += lends
            return lends

    def hung_up(self) -> None:
        """A further connection is closed."""
        with self.changed:
            self.further -= 1
            self.freed.notify()

    def close(self) -> None:
        """Nothing more is taken from it."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
            self.freed.notify_all()

    def landed(self, many: int) -> None:
        """So many attempts are over."""
        with self.changed:
            self.flying -= many

    def busy(self) -> bool:
        """Whether anything is queued or on the way."""
        with self.changed:
            return bool(self.queue or self.flying)

    def drained(self) -> list[Start | Asked]:
        """Everything queued, taken out: it is to be given back."""
        with self.changed:
            jobs, self.queue = list(self.queue), deque()
        return [job.start for job in jobs]
