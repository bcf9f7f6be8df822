"""Real `reminder worker` processes on one PostgreSQL: jobs planned elsewhere, one worker killed, an orderly stop.

Limits in seconds are loose here, for busy machines.
"""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from reminder.app import open_app
from reminder.cycle import enqueue
from reminder.store.engine import open_engine
from tests.rig.fleet import fleet
from tests.rig.mutants import ACCEPTED

pytest.importorskip("procrastinate", reason="the extra procrastinate is not installed")
from reminder.store import job_schema


def ready(running):
    """The database can keep jobs, as after `reminder db upgrade`."""
    engine = open_engine(running.url)
    job_schema.prepare(engine)
    engine.dispose()


def planned(running, monkeypatch):
    """Everything due stands in the outbox with its jobs, by a cycle of this process; nobody delivers yet."""
    monkeypatch.setenv("RIG_DATABASE_URL", running.url)
    ready(running)
    app = open_app(running.folder)
    assert enqueue(app.service(), datetime.now(UTC)).planned == running.due
    app.engine.dispose()


def said(running, sql):
    engine = open_engine(running.url)
    with engine.begin() as connection:
        found = connection.execute(text(sql))
        rows = [tuple(row) for row in found] if found.returns_rows else []
    engine.dispose()
    return rows


def test_workers_deliver_what_was_planned_elsewhere(tmp_path, peer, jobs_url, monkeypatch):
    with fleet(tmp_path, jobs_url, peer, units=40, jobs=True) as running:
        planned(running, monkeypatch)
        running.start("worker")
        running.start("worker")
        running.arrived(200)
        running.settled(60)
        end = time.monotonic() + 60
        while (left := said(running, "SELECT count(*) FROM procrastinate_jobs")) != [(0,)]:
            assert time.monotonic() < end, f"{left} jobs are left of messages that were sent"
            time.sleep(0.2)
        assert running.stop() == [0, 0]
        copies = running.copies()
        assert (len(copies), copies.total()) == (running.due, running.due)
        assert "reminders planned" not in running.logs()


def test_a_daemon_plans_and_a_worker_helps_it(tmp_path, peer, jobs_url):
    with fleet(tmp_path, jobs_url, peer, units=40, jobs=True) as running:
        ready(running)
        running.start("run")
        running.start("worker")
        running.arrived(200)
        running.settled(60)
        assert running.stop() == [0, 0]
        copies = running.copies()
        assert (len(copies), copies.total()) == (running.due, running.due)
        assert running.logs().count("reminders planned") == 1


def test_a_killed_worker_loses_nothing_and_doubles_at_most_what_it_was_sending(tmp_path, peer, jobs_url, monkeypatch):
    with fleet(tmp_path, jobs_url, peer, units=30, hooks=1, jobs=True) as running:
        planned(running, monkeypatch)
        victim = running.start("worker")
        peer.order(kill={"stage": ACCEPTED, "nth": 10, "pid": victim.pid})
        assert victim.wait(120) == -signal.SIGKILL
        assert said(running, "SELECT count(*) > 0 FROM procrastinate_jobs WHERE status = 'doing'") == [(True,)]
        said(running, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        said(
            running, "UPDATE message SET lease_until = now() - interval '1 s' WHERE state = 'sending'"
        )  # five minutes on
        running.daemons.clear()
        running.start("worker")
        running.settled(120)
        assert running.stop() == [0]
        copies = running.copies()
        assert len(copies) == running.due
        assert copies.total() - running.due <= 2  # as many as it had under way: two connections
        assert max(copies.values()) <= 2
        assert "is taken up again" in running.logs()


def test_a_worker_stops_soon_with_a_silent_peer(tmp_path, peer, jobs_url, monkeypatch):
    with fleet(tmp_path, jobs_url, peer, units=3, rules=1, jobs=True) as running:
        planned(running, monkeypatch)
        peer.order(faults={"at": {"u2@example.org": "accepted and silent"}})
        worker = running.start("worker")
        running.arrived(120)
        begun = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
        assert time.monotonic() - begun < 10 + 5
