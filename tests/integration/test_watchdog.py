"""A heart that hangs ends the process; the page outside is called after good cycles only, and never waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reminder.config.example import write_example
from reminder.daemon.ping import Ping
from reminder.daemon.pulse import Pulse
from reminder.store.engine import open_engine, upgrade
from tests.integration.test_daemon import until

SECRET = "canary-5c1f0b"


@contextmanager
def page(answer=200, silent=False):
    """A page outside; yields its URL, which is a secret, and the paths that were called."""
    called, ended = [], threading.Event()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            called.append(self.path)
            if silent:
                ended.wait(30)
            self.send_response(answer)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{SECRET}", called
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


def office(tmp_path, more=""):
    folder = tmp_path / "office"
    write_example(folder)
    engine = open_engine(f"sqlite:///{folder}/reminder.db")
    upgrade(engine)
    engine.dispose()
    with (folder / "reminder.toml").open("a", encoding="utf-8") as settings:
        settings.write(more)
    return folder


def daemon(folder, log, script="", **environment):
    """The real daemon as a process of its own, after `script` has changed something in it."""
    run = f"{script}\nfrom reminder.cli import app\napp(['--config', {str(folder)!r}, 'run'])"
    with log.open("wb") as out:
        return subprocess.Popen([sys.executable, "-c", run], stdout=out, stderr=out, env={**os.environ, **environment})


QUICK = """
import reminder.daemon, reminder.daemon.pulse
reminder.daemon.HEARTBEAT_SECONDS = 1
reminder.daemon.Pulse = lambda limit: reminder.daemon.pulse.Pulse(limit, look=0.2)
"""


@pytest.mark.parametrize(
    "ill",
    [
        "import time; reminder.daemon.cycle.enqueue = lambda *_: time.sleep(60)",  # the cycle hangs
        "reminder.daemon.BackgroundScheduler._process_jobs = lambda self: 1 / 0",  # the scheduler's thread dies
    ],
    ids=["hangs", "apscheduler_1132_dies"],
)
def test_r19_apscheduler_1132_1083_109_django_apscheduler_19_140_a_heart_that_hangs_or_is_dead_ends_the_process(
    tmp_path, ill
):
    log = tmp_path / "log.txt"
    process = daemon(office(tmp_path), log, QUICK + ill)
    try:
        assert process.wait(60) == 1
        assert "no heartbeat for" in log.read_text(encoding="utf-8")
    finally:
        process.kill()


def test_cycles_that_fail_do_not_end_the_process_and_are_no_ping(tmp_path):
    log = tmp_path / "log.txt"
    with page() as (url, called):
        folder = office(tmp_path, '\n[watchdog]\nping_url = { env = "PING" }\n')
        ill = QUICK + "reminder.daemon.cycle.enqueue = lambda *_: 1 / 0"
        process = daemon(folder, log, ill, PING=url)
        try:
            until(lambda: log.read_text(encoding="utf-8").count("the cycle failed") > 4, 60)
            assert process.poll() is None
            assert called == []
        finally:
            process.kill()
            process.wait()


def test_the_page_is_called_after_good_cycles_and_its_url_is_in_no_log(tmp_path):
    log = tmp_path / "log.txt"
    with page(answer=302) as (url, called):
        folder = office(tmp_path, '\n[watchdog]\nping_url = { env = "PING" }\n')
        process = daemon(folder, log, QUICK, PING=url)
        try:
            until(lambda: len(called) > 2, 60)
            assert set(called) == {f"/{SECRET}"}
        finally:
            process.terminate()
            assert process.wait(20) == 0
    assert SECRET not in log.read_text(encoding="utf-8")


def test_a_page_that_never_answers_is_not_waited_for_nor_called_twice_at_once():
    with page(silent=True) as (url, called):
        ping = Ping(lambda: url)
        begun = time.monotonic()
        for _ in range(5):
            ping.send()
        assert time.monotonic() - begun < 1
        until(lambda: called, 10)
        assert len(called) == 1


def test_a_page_that_cannot_be_called_is_told_once_without_its_url(caplog):
    ping = Ping(lambda: f"http://127.0.0.1:9/{SECRET}")
    for _ in range(3):
        ping.send()
        until(lambda: ping._calling.acquire(blocking=False) and (ping._calling.release() or True), 10)
    assert len(caplog.records) == 1
    assert SECRET not in caplog.text


def test_a_process_that_was_stopped_for_long_is_no_heart_that_hangs():
    dead = []
    pulse = Pulse(limit=5.0, dead=lambda: dead.append(1), look=0.05)
    waited = pulse._stopping.wait
    clock = [0.0]

    def sleeps(seconds):
        clock[0] += 600.0  # SIGSTOP, or the machine slept
        return waited(seconds)

    pulse._stopping.wait = sleeps
    original, time.monotonic = time.monotonic, lambda: original() + clock[0]
    try:
        pulse.start()
        original_sleep = threading.Event().wait
        original_sleep(0.4)
    finally:
        pulse.stop()
        time.monotonic = original
    assert dead == []
