"""The daemon: a heartbeat, hot reload, signals, an orderly stop. No policy: what is due is the cycle's affair."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from reminder import cycle
from reminder.app import App, now, open_app
from reminder.compose import forget_templates
from reminder.cycle import Watch
from reminder.cycle.engine import engine_of
from reminder.daemon.ping import Ping
from reminder.daemon.pulse import Pulse
from reminder.daemon.reload import Refused, stamps, taken
from reminder.daemon.standby import Post
from reminder.daemon.systemd import notify
from reminder.store.notices import CONFIGURATION, TEMPLATE

HEARTBEAT_SECONDS = 30
_LOOK_SECONDS = 2.0  # how often the configuration's files are looked at
_GRACE_SECONDS = 6.0  # attempts under way may end in their own time for so long; then their connections are cut
_LATEST_STOP_SECONDS = 9.0  # SIGTERM stops within 10 s; what is being delivered then is found again by its lease
_DEAD_SECONDS = 60.0  # a delivery that has not looked at the outbox for so long is dead
_MISSED_BEATS = 3  # so many in a row end the process
Serve = Callable[
    [Callable[[], App]], Callable[[], None]
]  # begins to serve the current application; returns how to stop
log = logging.getLogger("reminder.daemon")


class Daemon:
    """Runs cycles until it is told to stop. A faulty new configuration is reported; the last good one stays.

    Without `plans` it only delivers: other daemons on the same database plan, and guard.
    """

    def __init__(self, folder: Path, serve: Serve, *, plans: bool = True) -> None:
        self._folder = folder
        self._serve = serve
        self._plans = plans
        self._app: App = open_app(folder)
        self._service = self._app.service()
        self._pulse = Pulse(HEARTBEAT_SECONDS * _MISSED_BEATS)
        self._watch = Watch(now, _steady, self._pulse.felt)
        self._engine = engine_of(self._service, self._watch.clock)
        self._post = Post(self._app, now())
        self._ping = Ping(self._ping_url)
        self._scheduler = _scheduler()
        self._seen = stamps(folder)
        self._stopping = threading.Event()
        self._wanted = threading.Event()  # a reload was asked for by SIGHUP
        self._beats = 0

    def run(self) -> None:
        """Blocks until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._ask_reload)
        self._scheduler.add_job(self._beat, "interval", seconds=HEARTBEAT_SECONDS, next_run_time=now(), id="heartbeat")
        self._scheduler.start()
        self._pulse.start()
        stop_serving = self._serve(lambda: self._app)
        notify("READY=1")
        log.info("running with %d rules from %s", len(self._service.rules), self._folder)
        while not self._stopping.wait(_LOOK_SECONDS):
            self._look()
        notify("STOPPING=1")
        self._pulse.stop()
        stop_serving()
        self._shut_down()

    def _beat(self) -> None:
        self._pulse.felt()
        try:
            self._one_beat()
        finally:
            self._pulse.felt()

    def _one_beat(self) -> None:
        if not self._post.works(now()):
            self._stand_by()
            return
        first = cycle.enqueue(self._service, now(), self._watch) if self._plans else cycle.Enqueued()
        self._engine.start()  # not before the first cycle: its guards may hold all sending
        if self._plans and not cycle.clock_doubted(first.guard):  # by a clock years ahead all would be old
            cycle.upkeep(self._service, now())
        self._beats += 1
        if self._engine.alive(_DEAD_SECONDS):
            notify("WATCHDOG=1")  # only a complete good cycle, and a delivery that goes on, are signs of health
            if not first.guard:
                self._ping.send()
        if first.planned:
            log.info("cycle: %d reminders planned", first.planned)

    def _stand_by(self) -> None:
        """Another daemon's configuration was accepted before ours: it works, and we wait for the same one."""
        if self._engine.started:
            self._engine.retire()
            self._engine = engine_of(self._service, self._watch.clock)
        notify("WATCHDOG=1")

    def _look(self) -> None:
        """Takes a changed configuration over, as a whole or not at all."""
        found = stamps(self._folder)
        if found == self._seen and not self._wanted.is_set():
            return
        self._seen = found
        self._wanted.clear()
        try:
            app, service = taken(self._folder)
        except Refused as refused:
            log.error("the changed %s not used; the last good one stays:\n%s", refused.what, refused)
            self._post.tell(CONFIGURATION, str(refused), now())
            return
        self._post.over((CONFIGURATION, TEMPLATE), now())
        self._app, self._service = app, service
        self._post.accept(app, now())
        forget_templates()
        self._engine.retire()
        self._engine = engine_of(service, self._watch.clock)
        self._scheduler.modify_job("heartbeat", next_run_time=now())  # it says whether we work or stand by
        log.info("configuration reloaded: %d rules", len(service.rules))

    def _shut_down(self) -> None:
        waiting = threading.Thread(target=self._scheduler.shutdown, daemon=True)
        waiting.start()
        ended = self._engine.stop(_GRACE_SECONDS)
        waiting.join(_LATEST_STOP_SECONDS - _GRACE_SECONDS)
        self._post.leave()
        log.info("stopped after %d cycles", self._beats)
        if waiting.is_alive() or not ended:
            log.warning("something is still running; its message is taken up again when its lease has run out")
            logging.shutdown()
            os._exit(0)  # the pool's thread would keep the interpreter waiting

    def _ping_url(self) -> str:
        return self._app.ping_url()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _ask_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted.set()


def _steady() -> float:
    """Seconds on a clock that nobody can set, and that goes on while the machine sleeps where the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _scheduler() -> BackgroundScheduler:
    """Wakes the cycle, in memory and in UTC; late beats run late, and many late ones run once."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_listener(_report, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    return scheduler


def _report(event: JobExecutionEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        log.warning("a cycle takes longer than the heartbeat of %d s", HEARTBEAT_SECONDS)
    else:
        log.error("the cycle failed and is tried again in %d s: %s", HEARTBEAT_SECONDS, event.exception)
