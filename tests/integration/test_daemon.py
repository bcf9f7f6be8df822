"""The real daemon as a real process: ready, beating, reloading, stopping in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from sqlmodel import Session, select

from reminder.config.example import write_example
from reminder.store.engine import open_engine, upgrade
from reminder.store.service_tables import NoticeRow


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


def test_sandbox_runtime_434_a_changed_configuration_is_taken_and_a_faulty_one_is_not(daemon):
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


def test_the_office_is_told_once_of_each_fault_and_again_after_it_was_mended(daemon):
    folder, log, _ = daemon
    rules = folder / "rules.toml"
    good = rules.read_text(encoding="utf-8")
    engine = open_engine(f"sqlite:///{folder}/reminder.db")

    def noted(lasting):
        with Session(engine) as session:
            rows = session.exec(select(NoticeRow).where(NoticeRow.code == "configuration_refused")).all()
        return sum((row.over_at is None) == lasting for row in rows)

    def write(text, told):
        before = log().count(told)
        rules.write_text(text, encoding="utf-8")
        until(lambda: log().count(told) > before, 30)

    refused, reloaded = "the last good one stays", "configuration reloaded"
    write(good + '\n[[rule]]\nname = "a"\nkind = "overdue"\nevry = 9\n', refused)
    write(good + '\n[[rule]]\nname = "a"\nkind = "overdue"\nevry = 9\n\n', refused)  # saved again, no better
    until(lambda: noted(lasting=True) == 1, 30)
    write(good + '\n[[rule]]\nname = "a"\nkind = "overdu"\nevery = 9\n', refused)
    until(lambda: noted(lasting=True) == 2, 30)
    write(good, reloaded)
    until(lambda: (noted(lasting=True), noted(lasting=False)) == (0, 2), 30)
    write(good + '\n[[rule]]\nname = "a"\nkind = "overdue"\nevry = 9\n', refused)
    until(lambda: noted(lasting=True) == 1, 30)
    engine.dispose()


def test_a_second_daemon_with_another_configuration_stands_by_and_begins_when_the_first_ends(daemon, tmp_path):
    folder, _, process = daemon
    other = tmp_path / "other"
    write_example(other)
    with (other / "reminder.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[ledger.book."2022"]\ndated = 2022-03-01\n')
    text = (other / "reminder.toml").read_text(encoding="utf-8")
    (other / "reminder.toml").write_text(
        text.replace('"sqlite:///reminder.db"', f'"sqlite:///{folder}/reminder.db"'), encoding="utf-8"
    )
    script = "import reminder.daemon; reminder.daemon.HEARTBEAT_SECONDS = 1; from reminder.cli import app; app()"
    log = tmp_path / "other.txt"
    with log.open("wb") as out:
        newcomer = subprocess.Popen(
            [sys.executable, "-c", script, "--config", str(other), "run"], stdout=out, stderr=out
        )
    try:
        until(lambda: f"standing by: process {process.pid} on" in log.read_text(encoding="utf-8"), 60)
        status = [sys.executable, "-m", "reminder", "--config", str(folder), "status", "--json"]
        told = subprocess.run(status, capture_output=True, text=True, encoding="utf-8", check=False)
        assert any(f"({newcomer.pid})" in problem for problem in json.loads(told.stdout)["problems"])
        process.terminate()
        until(lambda: "reminder.daemon: working" in log.read_text(encoding="utf-8"), 60)
    finally:
        newcomer.kill()
        newcomer.wait(10)


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
