"""The real daemon as a real process: ready, beating, reloading, stopping in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from reminder.config.example import write_example
from reminder.store.engine import open_engine, upgrade


def command(folder):
    return [sys.executable, "-m", "reminder", "--config", str(folder), "run"]


def until(true, seconds):
    """How long it took until `true()` held; fails after `seconds`."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, (
            "it did not happen in time"
        )  # far above the five seconds promised: busy machines
        time.sleep(0.1)
    return time.monotonic() - begun


@pytest.fixture
def daemon(tmp_path):
    """A running daemon: its folder, what it logs, what it tells systemd, its process."""
    folder, log = tmp_path / "office", tmp_path / "log.txt"
    write_example(folder)
    engine = open_engine(f"sqlite:///{folder}/reminder.db")
    upgrade(engine)
    engine.dispose()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, log.open("wb") as out:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        process = subprocess.Popen(command(folder), stdout=out, stderr=out, env=environment)
        try:
            told = {systemd.recv(100), systemd.recv(100)}
            assert told == {b"READY=1", b"WATCHDOG=1"}  # ready, and one complete good cycle
            yield folder, lambda: log.read_text(encoding="utf-8"), process
        finally:
            process.kill()
            process.wait(10)


def test_a_changed_configuration_is_taken_and_a_faulty_one_is_not(daemon):
    folder, log, _ = daemon
    rules = folder / "rules.toml"
    good = rules.read_text(encoding="utf-8")
    rules.write_text(good + '\n[[rule]]\nname = "new"\nkind = "overdue"\nevery = 9\n', encoding="utf-8")
    until(lambda: "configuration reloaded: 7 rules" in log(), 15)
    rules.write_text(good + '\n[[rule]]\nname = "new"\nkind = "overdue"\nevry = 9\n', encoding="utf-8")
    until(lambda: "the last good one stays" in log() and "did you mean 'every'" in log(), 15)
    rules.write_text(good, encoding="utf-8")
    until(lambda: "configuration reloaded: 6 rules" in log(), 15)


def test_a_changed_template_is_taken_and_one_that_would_loop_for_ever_is_not(daemon):
    folder, log, _ = daemon
    own = folder / "templates" / "zh_CN" / "nudge.text.txt"
    own.parent.mkdir(parents=True)
    loops = "{% for a in who|list + who|list %}" * 14 + "{% endfor %}" * 14
    own.write_text(loops, encoding="utf-8")
    until(lambda: "the changed templates are not used" in log() and f"{own}:1: " in log(), 60)
    own.write_text("请看：{{ section.count }}\n", encoding="utf-8")
    until(lambda: "configuration reloaded" in log(), 60)


def test_hangup_reloads_and_term_stops_in_order(daemon):
    _, log, process = daemon
    process.send_signal(signal.SIGHUP)
    until(lambda: "configuration reloaded" in log(), 15)
    process.send_signal(signal.SIGTERM)
    assert until(lambda: process.poll() is not None, 10) < 10
    assert process.returncode == 0
    assert "stopped after" in log()


def test_without_a_database_it_refuses_with_one_line(tmp_path):
    write_example(tmp_path / "office")
    refused = subprocess.run(
        command(tmp_path / "office"), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert refused.returncode == 2
    assert "no database" in refused.stderr
    assert "Traceback" not in refused.stderr
