"""Real daemons: two on one PostgreSQL, a server that cuts its clients off, restarts, stuck leases, orderly stops.

`python -m tests.rig fleet` runs the long form: 10,000 due, two and four daemons, zombies beyond their real lease.
Limits in seconds are loose here, for busy machines; the long form prints what was measured.
"""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from reminder.store.engine import open_engine
from tests.rig.fleet import fleet, terminate_backends
from tests.rig.kills import Trial
from tests.rig.mutants import ACCEPTED


def test_two_daemons_send_each_message_once(tmp_path, peer, postgres_url):
    with fleet(tmp_path, postgres_url, peer, units=100) as running:
        running.start()
        running.start()
        running.arrived(200)
        running.settled(60)
        assert running.stop() == [0, 0]
        copies = running.copies()
        assert (len(copies), copies.total()) == (running.due, running.due)
        assert running.logs().count("reminders planned") == 1  # the other daemon found nothing left to plan


def test_a_server_that_cuts_its_clients_off_costs_nothing(tmp_path, peer, postgres_url):
    with fleet(tmp_path, postgres_url, peer, units=50) as running:
        running.start()
        running.start()
        running.arrived(200, wanted=10)
        cut = 0
        for _ in range(6):
            cut += terminate_backends(postgres_url)
            time.sleep(0.3)
        running.settled(60)
        copies = running.copies()
        assert len(copies) == running.due
        assert copies.total() - running.due <= cut  # what was accepted while its connection was cut may come again
        assert max(copies.values()) <= 2


@pytest.mark.parametrize("stop", ["and answered", "and hung up on"])
def test_a_zombie_beyond_its_lease_is_fenced(tmp_path, peer, postgres_url, stop, warm):
    """At most one copy more for a zombie, and what it says when it wakes up changes nothing."""
    trial = Trial(tmp_path, peer, "webhook", postgres_url)
    asleep = trial.zombie(ACCEPTED, stop)
    trial.victim(lambda: peer.order(kill={}) and None)
    before = trial._states()
    trial.revive(asleep)
    assert {**trial._states(), **before} == trial._states()
    trial.allowed.update({peer.accepted()[0].key: 1})
    trial.heirs()
    assert trial.verdict() == []


def test_a_daemon_sends_soon_after_its_start_and_stops_soon_with_a_silent_peer(tmp_path, peer):
    with fleet(tmp_path, None, peer, units=3, rules=1) as running:
        peer.order(faults={"at": {"u2@example.org": "accepted and silent"}})
        daemon = running.start()
        assert running.arrived(60) < 60
        begun = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        assert time.monotonic() - begun < 10 + 5


def test_what_a_dead_worker_left_is_rescued_when_its_lease_ends(tmp_path, peer):
    with fleet(tmp_path, None, peer, units=3, rules=1) as running:
        running.start()
        running.arrived(60)
        running.settled(30)
        stuck = (
            "UPDATE message SET state = 'sending', lease_token = 'dead', lease_until = :until, next_attempt_at = :now"
        )
        engine, now = open_engine(running.url), datetime.now(UTC)
        with engine.begin() as connection:
            connection.execute(text(stuck), {"until": now + timedelta(seconds=3), "now": now})
        engine.dispose()
        assert running.arrived(3 + 10 + 20, wanted=2 * running.due) > 2
