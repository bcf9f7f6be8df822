"""Delivery in the daemon: one thread claims and prepares, few workers for each destination carry.

A peer that hangs holds its own workers, never those of others. Workers end when nothing has come for a while, so that
an idle daemon keeps neither threads nor connections.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from reminder.channels.deadline import cut_all
from reminder.cycle.carrier import Carrier
from reminder.cycle.dispatch import ILL_SECONDS, Clock, Dispatch
from reminder.cycle.lanes import Job, Lane
from reminder.cycle.service import Delivery, Service

LOOK_SECONDS = 2.0  # how often the outbox is looked at for retries, rescues and what other machines put in
_LINGER_SECONDS = 5.0  # how long a worker keeps its connection for the next message
log = logging.getLogger("reminder.engine")


def engine_of(service: Service, clock: Clock) -> Delivery:
    """What delivers for this service, not started yet."""
    return service.transport.engine(service, clock) if service.transport else Engine(service, clock)


class Engine:
    """Delivers what is due, from `start` to `stop`."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.dispatch = Dispatch(service, clock)
        self.looked_at = time.monotonic()  # when the outbox was last looked at without an error
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._look = True  # somebody says that something new may be due
        self._feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
        self._starting = threading.Lock()
        self._workers: set[threading.Thread] = set()

    def start(self) -> None:
        """Begins to deliver; where it has begun already, says that something new may be due."""
        with self._starting:
            if not self._feeder.ident:
                self._feeder.start()
        self._look = True
        self._woken.set()

    @property
    def started(self) -> bool:
        """Whether `start` was ever called."""
        return self._feeder.ident is not None

    def alive(self, within: float) -> bool:
        """Whether the outbox was looked at within so many seconds."""
        return self._feeder.is_alive() and time.monotonic() - self.looked_at < within

    def drained(self, timeout: float) -> bool:
        """Waits until nothing is due any more; False where that took longer than `timeout` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._idle():
                before = self.looked_at
                self.start()
                while self.looked_at == before and time.monotonic() < end:
                    time.sleep(0.002)
                if self._idle():
                    return True
            time.sleep(0.01)
        return False

    def _idle(self) -> bool:
        now = self.dispatch.clock()
        return not any(lane.busy() or lane.wants(now) for lane in list(self.dispatch.lanes.values()))

    def stop(self, grace: float) -> bool:
        """Gives back what is not tried yet, lets attempts under way end within `grace` seconds and then cuts their
        connections; whether all workers ended."""
        end = time.monotonic() + grace
        self.retire()
        for more in (0.0, 0.5):  # the second time whoever says goodbye to a peer that hangs
            self._join(end + more)
            cut_all()
        self._join(end + 1.5)
        return not any(worker.is_alive() for worker in (self._feeder, *self._workers))

    def retire(self) -> None:
        """Tries nothing more; attempts under way end in their own time."""
        self._stopping.set()
        self._woken.set()
        for lane in list(self.dispatch.lanes.values()):
            lane.close()

    def _join(self, end: float) -> None:
        for thread in (self._feeder, *self._workers):
            if thread.ident:
                thread.join(max(0.0, end - time.monotonic()))

    def _feed(self) -> None:
        looked = 0.0
        while not self._stopping.is_set():
            self._woken.clear()
            look, self._look = self._look or time.monotonic() - looked >= LOOK_SECONDS, False
            looked = time.monotonic() if look else looked
            if not self._guarded(partial(self._round, look=look)):
                self._woken.wait(LOOK_SECONDS)
        for lane in list(self.dispatch.lanes.values()):
            self._guarded(partial(self.dispatch.give_back, lane))
        self._guarded(self.dispatch.astray.fetch)
        self.dispatch.close()

    def _round(self, *, look: bool) -> bool:
        taken = self.dispatch.feed(look=look)
        for lane in list(self.dispatch.lanes.values()):
            self._staff(lane)
        self.looked_at = time.monotonic()
        return taken

    def _guarded(self, step: Callable[[], object]) -> bool:
        """Runs a step; an error (a database that is ill) ends no thread, it is logged and waited out."""
        try:
            return bool(step())
        except Exception:
            log.exception("delivery cannot go on; tried again in %g s", ILL_SECONDS)
            self._stopping.wait(ILL_SECONDS)
            return False

    def _staff(self, lane: Lane) -> None:
        """As many workers as there is work for, within the destination's own limit."""
        self._workers = {worker for worker in self._workers if worker.is_alive()}
        for _ in range(lane.hire()):
            worker = threading.Thread(target=self._work, args=(lane,), name=f"to {lane.destination}", daemon=True)
            self._workers.add(worker)
            worker.start()

    def _work(self, lane: Lane) -> None:
        carrier, ended = Carrier(self.dispatch), False
        try:
            while not (ended or self._stopping.is_set()):
                jobs = lane.take(self.dispatch.clock()) or self._waited_for(lane, carrier)
                if not jobs:
                    break
                if not lane.alone() and lane.wants(self.dispatch.clock()):
                    self._woken.set()
                carrier.carry(lane, jobs)
                ended = lane.dismiss(surplus=True)
        except Exception:  # the database is ill
            log.exception("a worker for %s stops", lane.destination)
            return
        finally:
            carrier.settle_surely(self._stopping)
            if not ended:
                lane.dismiss()
            if self._stopping.is_set():  # what it has fetched since the feeder gave everything back
                self._guarded(partial(self.dispatch.give_back, lane))
            try:
                carrier.close()
            finally:
                self.dispatch.pool(lane).shrink()
        if lane.queue:  # put in when there was no room for another worker
            self._woken.set()

    def _waited_for(self, lane: Lane, carrier: Carrier) -> list[Job]:
        """What comes to an empty lane within a while. Who is alone there fetches it himself."""
        carrier.settle_last()
        while lane.alone() and self.dispatch.refill(lane):
            if jobs := lane.take(self.dispatch.clock()):
                return jobs
        if lane.wants(self.dispatch.clock()):
            self._woken.set()
        return lane.take(self.dispatch.clock(), _LINGER_SECONDS)
