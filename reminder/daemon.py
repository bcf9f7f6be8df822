"""The daemon: a heartbeat, hot reload, signals, an orderly stop. No policy: what is due is the cycle's affair."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from reminder import cycle
from reminder.app import App, faulty_templates, now, open_app
from reminder.compose import forget_templates
from reminder.cycle.engine import Engine
from reminder.errors import ReminderError

HEARTBEAT_SECONDS = 30
_LOOK_SECONDS = 2.0  # how often the configuration's files are looked at
_GRACE_SECONDS = 6.0  # attempts under way may end in their own time for so long; then their connections are cut
_LATEST_STOP_SECONDS = 9.0  # SIGTERM stops within 10 s; what is being delivered then is found again by its lease
_DEAD_SECONDS = 60.0  # a delivery that has not looked at the outbox for so long is dead
Serve = Callable[
    [Callable[[], App]], Callable[[], None]
]  # begins to serve the current application; returns how to stop
log = logging.getLogger("reminder.daemon")


class Daemon:
    """Runs cycles until it is told to stop. A faulty new configuration is reported; the last good one stays."""

    def __init__(self, folder: Path, serve: Serve) -> None:
        self._folder = folder
        self._serve = serve
        self._app: App = open_app(folder)
        self._service = self._app.service()
        self._engine = Engine(self._service, now)
        self._seen = _stamps(folder)
        self._stopping = threading.Event()
        self._wanted = threading.Event()  # a reload was asked for by SIGHUP
        self._beats = 0

    def run(self) -> None:
        """Blocks until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._ask_reload)
        scheduler = _scheduler()
        scheduler.add_job(self._beat, "interval", seconds=HEARTBEAT_SECONDS, next_run_time=now(), id="heartbeat")
        scheduler.start()
        stop_serving = self._serve(lambda: self._app)
        notify("READY=1")
        log.info("running with %d rules from %s", len(self._service.rules), self._folder)
        while not self._stopping.wait(_LOOK_SECONDS):
            self._look()
        notify("STOPPING=1")
        stop_serving()
        self._shut_down(scheduler)

    def _beat(self) -> None:
        planned = cycle.enqueue(self._service, now()).planned
        self._engine.start()  # not before the first cycle: its guards may hold all sending
        cycle.upkeep(self._service, now())
        self._beats += 1
        if self._engine.alive(_DEAD_SECONDS):
            notify("WATCHDOG=1")  # only a complete good cycle, and a delivery that goes on, are signs of health
        if planned:
            log.info("cycle: %d reminders planned", planned)

    def _look(self) -> None:
        """Takes a changed configuration over, as a whole or not at all."""
        stamps = _stamps(self._folder)
        if stamps == self._seen and not self._wanted.is_set():
            return
        self._seen = stamps
        self._wanted.clear()
        try:
            app = open_app(self._folder)
            service = app.service()
            faults = [fault for fault in faulty_templates(app.configuration) if not fault.warning]
        except ReminderError as error:
            log.error("the changed configuration is not used; the last good one stays:\n%s", error)
            return
        if faults:
            told = "\n".join(map(str, faults))
            log.error("the changed templates are not used; the last good configuration stays:\n%s", told)
            return
        self._app, self._service = app, service
        forget_templates()
        self._engine.retire()
        self._engine = Engine(service, now)
        if self._beats:
            self._engine.start()
        log.info("configuration reloaded: %d rules", len(service.rules))

    def _shut_down(self, scheduler: BackgroundScheduler) -> None:
        waiting = threading.Thread(target=scheduler.shutdown, daemon=True)
        waiting.start()
        ended = self._engine.stop(_GRACE_SECONDS)
        waiting.join(_LATEST_STOP_SECONDS - _GRACE_SECONDS)
        log.info("stopped after %d cycles", self._beats)
        if waiting.is_alive() or not ended:
            log.warning("something is still running; its message is taken up again when its lease has run out")
            logging.shutdown()
            os._exit(0)  # the pool's thread would keep the interpreter waiting

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _ask_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted.set()


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


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells a changed file: its time and size, for the TOML files and the office's own templates."""
    found = {}
    for path in [*folder.glob("*.toml"), *(folder / "templates").rglob("*.*")]:
        try:
            stat = path.stat()
        except OSError:
            continue  # an editor replaces files by renaming
        found[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return found


def notify(state: str) -> None:
    """Tells systemd (sd_notify(3)); does nothing where the service was not started by it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            channel.sendall(state.encode())
    except OSError as error:
        log.warning("cannot notify systemd: %s", error)
