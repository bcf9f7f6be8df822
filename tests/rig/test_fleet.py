"""Real daemons: two on one PostgreSQL, a server that cuts its clients off, restarts, stuck leases, orderly stops.

`python -m tests.rig fleet` runs the long form: 10,000 due, two and four daemons, zombies beyond their real lease.
Limits in seconds are loose here, for busy machines; the long form prints what was measured.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from reminder.store import engine
from reminder.store.engine import open_engine
from reminder.store.outbox_tables import DeliveryRow
from tests.rig import offices
from tests.rig.fleet import fleet, terminate_backends
from tests.rig.kills import Trial
from tests.rig.mutants import ACCEPTED


def test_alertmanager_4108_2222_4152_2447_two_daemons_send_each_message_once(tmp_path, peer, postgres_url):
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


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_zombie_that_has_begun_and_not_tried_finds_its_message_taken_over_and_refrains(
    tmp_path, peer, request, database, warm
):
    """No copy at all: between the beginning's commit and the first byte it looks whose the message is."""
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else None
    trial = Trial(tmp_path, peer, "webhook", url)
    asleep = trial.sleeper("bytes committed, not sent")
    begun = time.monotonic()
    trial.heirs()
    time.sleep(max(0.0, begun + 1.5 - time.monotonic()))
    trial.revive(asleep)
    assert trial.verdict() == []
    assert max(Counter(line.key for line in peer.accepted()).values()) == 1
    told = [row for row in offices.rows(trial.engine, DeliveryRow) if row.text.startswith("not tried")]
    assert [row.outcome for row in told] == ["refused"]


FROZEN_MS = 2_000


def lets_go_soon():
    """Two minutes in real life."""
    engine._FROZEN_MS = FROZEN_MS


@pytest.mark.parametrize("point", ["claimed, not committed", "bytes fixed, not committed", "settled, not committed"])
def test_a_daemon_frozen_within_a_transaction_loses_its_locks_and_does_no_harm(
    tmp_path, peer, postgres_url, point, warm
):
    """It loses its locks, its messages go by another one, and what it says when it thaws is refused."""
    trial = Trial(tmp_path, peer, "webhook", postgres_url)
    asleep = trial.sleeper(point, also=lets_go_soon)
    frozen = [state for state in states(trial) if state != "sent"]
    assert frozen
    time.sleep(2 * FROZEN_MS / 1000)
    trial.allowed.update(line.key for line in peer.accepted() if trial._states()[line.key] != "sent")
    trial.heirs()
    assert set(states(trial)) == {"sent"}
    after = trial._states()
    trial.revive(asleep)
    assert trial._states() == after
    assert trial.verdict() == []


@pytest.mark.parametrize("point", ["bytes fixed, not committed"])
def test_locks_that_are_not_let_go_of_keep_everybody_from_the_message(tmp_path, peer, postgres_url, point, warm):
    """What the limit is for: the same daemon without it."""
    trial = Trial(tmp_path, peer, "webhook", postgres_url)
    asleep = trial.sleeper(point)
    trial.victim(lambda: peer.order(kill={}) and None)
    waiting = [state for state in states(trial) if state != "sent"]
    os.kill(asleep, signal.SIGKILL)
    os.waitpid(asleep, 0)
    assert waiting
    trial.heirs()
    assert trial.verdict() == []


def states(trial):
    return list(trial._states().values())


def test_a_daemon_sends_soon_after_its_start_and_stops_soon_with_a_silent_peer(tmp_path, peer):
    with fleet(tmp_path, None, peer, units=3, rules=1) as running:
        peer.order(faults={"at": {"u2@example.org": "accepted and silent"}})
        daemon = running.start()
        assert running.arrived(60) < 60
        begun = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        assert time.monotonic() - begun < 10 + 5


def test_river_1258_what_a_dead_worker_left_is_rescued_when_its_lease_ends(tmp_path, peer):
    with fleet(tmp_path, None, peer, units=3, rules=1) as running:
        running.start()
        running.arrived(60)
        running.settled(30)
        stuck = (
            "UPDATE message SET state = 'sending', lease_token = 'dead', lease_until = :until, next_attempt_at = :now"
        )
        opened, now = open_engine(running.url), datetime.now(UTC)
        with opened.begin() as connection:
            connection.execute(text(stuck), {"until": now + timedelta(seconds=3), "now": now})
        opened.dispose()
        assert running.arrived(3 + 10 + 20, wanted=2 * running.due) > 2
