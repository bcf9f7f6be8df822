"""Deliveries as Procrastinate jobs: an engine for an office group whose messages many machines carry (PostgreSQL only).

A job is a wake-up that carries a message's id and nothing else. What must hold stays in the outbox: whoever takes a job
claims its message there, with others that wait for the same destination, since to claim and to look at each alone would
cost several times as much; whose message is claimed already helps to deliver what is. A job that is lost with its
worker, and a message without a job, are found by the look that every engine takes again and again.
https://procrastinate.readthedocs.io
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlmodel import Session

from reminder import outbox
from reminder.channels.deadline import cut_all
from reminder.cycle.carrier import Carrier
from reminder.cycle.dispatch import Clock, Dispatch
from reminder.cycle.lanes import Lane
from reminder.cycle.service import Service
from reminder.store.engine import one_at_a_time, writing

TASK = "reminder.deliver"
OTHERS = "others"  # the queue of messages whose channel is configured no more: their jobs end them as dead letters
LOOK_SECONDS = 2.0  # how often messages without a job, and jobs without a worker, are looked for
_STALLED_SECONDS = 30.0  # a worker says that it lives every 10 s
_TIDY_SECONDS = 3600.0
_KEPT_HOURS = 24  # jobs that ended badly are kept for who wants to look; the others are dropped at once
_LINGER_SECONDS = 5.0  # how long a connection is kept for the next message
_ILL_SECONDS = 2.0
_PORTION = 1000  # jobs put in by one statement
_ACTIVE = "SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = :task"
log = logging.getLogger("reminder.jobs")


@dataclass(frozen=True, slots=True)
class Procrastination:
    """Lets the deliveries of the database at `conninfo` travel as jobs, in a queue for each of `channels`."""

    conninfo: str
    channels: Collection[str]

    def defer(self, session: Session, now: datetime, but_not: Collection[str] = ()) -> int:
        """A job for each message that may go at `now` and has none, in the caller's transaction: it is there if and
        only if the message is. Not for the channels `but_not`. Returns how many."""
        one_at_a_time(session, TASK)  # else two would find the same message without a job
        active = set(session.connection().scalars(text(_ACTIVE), {"task": TASK}))
        due = [one for one in outbox.due(session, now) if _lock(one[0]) not in active and one[1] not in but_not]
        jobs = [self._job(key, channel) for key, channel in due]
        for first in range(0, len(jobs), _PORTION):
            put(session, self.conninfo, jobs[first : first + _PORTION])
        return len(jobs)

    def _job(self, key: int, channel: str) -> Job:
        queue = channel if channel in self.channels else OTHERS
        return Job(queue=queue, lock=None, queueing_lock=_lock(key), task_name=TASK, task_kwargs={"message": key})

    def engine(self, service: Service, clock: Clock) -> Jobs:
        """What takes jobs and delivers, not started yet."""
        return Jobs(service, clock, self)


def _lock(key: int) -> str:
    """No two jobs that wait may have the same."""
    return f"message {key}"


def put(session: Session, conninfo: str, jobs: Sequence[Job]) -> None:
    """Puts jobs in, in the session's transaction. One that waits already is left out: it would abort everything, hence
    the savepoint, and where one of many is refused they are put in one by one."""
    manager = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=conninfo)).job_manager
    connection = session.connection()
    try:
        with connection.begin_nested():
            manager.batch_defer_jobs(list(jobs), connection=connection.connection.driver_connection)
    except AlreadyEnqueued:
        if len(jobs) > 1:
            for job in jobs:
                put(session, conninfo, [job])


class Jobs:
    """Takes jobs and delivers their messages, from `start` to `stop`; as many at once for each destination as it has
    connections, so that one that hangs delays no other. To its daemon it is the same as `cycle.engine.Engine`."""

    def __init__(self, service: Service, clock: Clock, source: Procrastination) -> None:
        self.dispatch = Dispatch(service, clock, pairs=False)  # connections stay open, as many as there may be
        self.looked_at = time.monotonic()  # when lost messages were last looked for without an error
        self._source = source
        self._stopping = threading.Event()
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._starting = threading.Lock()

    def start(self) -> None:
        """Begins to take jobs, once."""
        with self._starting:
            if not self._thread.ident:
                self._thread.start()

    @property
    def started(self) -> bool:
        """Whether `start` was ever called."""
        return self._thread.ident is not None

    def alive(self, within: float) -> bool:
        """Whether lost messages were looked for within so many seconds."""
        return self._thread.is_alive() and time.monotonic() - self.looked_at < within

    def retire(self) -> None:
        """Takes no more; attempts under way end in their own time."""
        self._stopping.set()
        for lane in list(self.dispatch.lanes.values()):
            lane.close()
        if self._stop:
            loop, asked = self._stop
            if not loop.is_closed():
                loop.call_soon_threadsafe(asked.set)

    def stop(self, grace: float) -> bool:
        """Lets attempts under way end within `grace` seconds and then cuts their connections: a job runs in a thread,
        which nothing can end from outside. Whether all ended."""
        self.retire()
        if not self.started:
            return True
        self._thread.join(grace)
        cut_all()
        self._thread.join(1.5)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._work())
            except Exception:  # the database is ill
                log.exception("jobs cannot be taken; tried again in %g s", _ILL_SECONDS)
                self._stopping.wait(_ILL_SECONDS)
        self._hang_up(0.0)
        try:
            self.dispatch.fetch_astray()
        except Exception:
            log.exception("what an error has left behind waits for the end of its lease")
        self.dispatch.close()

    async def _work(self) -> None:
        """A Procrastinate worker for each destination, until one ends or we are to stop."""
        lanes = {lane.destination: lane for lane in map(self.dispatch.lane, (*self._source.channels, OTHERS))}
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        pool = ThreadPoolExecutor(sum(lane.connections for lane in lanes.values()) + 1, "delivery")
        loop.set_default_executor(pool)  # the usual one has six threads on two cores, whatever the workers' number
        connector = procrastinate.PsycopgConnector(conninfo=self._source.conninfo, max_size=2 * len(lanes) + 4)
        app = procrastinate.App(connector=connector)
        app.task(name=TASK)(self._deliver)
        async with app.open_async():
            self._stop = (loop, asked)
            work: list[Coroutine[None, None, object]] = [_worker(app, lane) for lane in lanes.values()]
            running = [asyncio.ensure_future(one) for one in (*work, self._look(app), asked.wait())]
            if self._stopping.is_set():
                asked.set()
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in running:
                one.cancel()  # a worker lets its jobs end first
            await asyncio.gather(*running, return_exceptions=True)
            for one in ended:
                one.result()

    async def _deliver(self, message: int) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._deliver_one, message)

    def _deliver_one(self, message: int) -> None:
        """Delivers what is claimed for the message's destination, itself among it where it was there for us."""
        if self._stopping.is_set():
            return
        lane = self.dispatch.feed_for(message)
        if lane is None or not lane.busy():
            return
        clock, carrier = self.dispatch.clock, Carrier(self.dispatch)
        with lane.changed:
            lane.workers += 1
        try:
            while jobs := lane.take(clock()):
                carrier.carry(lane, jobs)
        finally:
            carrier.settle_surely(self._stopping)
            lane.dismiss()
            try:
                carrier.close()
            finally:
                if lane.blocked(clock()):
                    self.dispatch.give_back(lane)

    async def _look(self, app: procrastinate.App) -> None:
        """Rescue and clean-up, from the first moment on."""
        tidied = float("-inf")  # not 0: that is when the machine started
        while True:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
                log.warning("the worker of job %s is gone: it is taken up again", job.id)
                await app.job_manager.retry_job(job)
            if time.monotonic() - tidied > _TIDY_SECONDS:
                await app.job_manager.delete_old_jobs(
                    nb_hours=_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
                )
                tidied = time.monotonic()
            await asyncio.to_thread(self._find_lost)
            self.looked_at = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    def _find_lost(self) -> None:
        """Gives a job to what has become due since the last cycle, or has lost its job; not to what goes to a
        destination at rest. One that wants no more is no such thing: its messages end as dead letters."""
        self.dispatch.fetch_astray()
        now = self.dispatch.clock()
        resting = {name for lane in list(self.dispatch.lanes.values()) if lane.resting(now) for name in lane.names}
        with writing(self.dispatch.service.engine) as session:
            self._source.defer(session, now, resting)
        self._hang_up(_LINGER_SECONDS)

    def _hang_up(self, unused: float) -> None:
        """Closes the connections that nobody has used for so many seconds."""
        for lane in list(self.dispatch.lanes.values()):
            self.dispatch.pool(lane).hang_up(unused)


async def _worker(app: procrastinate.App, lane: Lane) -> None:
    await app.run_worker_async(
        queues=sorted(lane.names),
        name=lane.destination,
        concurrency=lane.connections,
        fetch_job_polling_interval=LOOK_SECONDS,  # behind PgBouncer no NOTIFY comes through
        delete_jobs="successful",
        install_signal_handlers=False,
    )
    raise RuntimeError(f"the worker for {lane.destination} has ended")  # one of its connections did
