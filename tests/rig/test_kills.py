"""kill -9 at every step: nothing is lost, no occasion is stored twice, one identity keeps its bytes.

`python -m tests.rig kills [--postgres]` runs the long form: every point 100 times and 500 random moments a channel.
"""

from __future__ import annotations

import os
import signal
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from reminder.channels.webhook import WebhookChannel
from reminder.store.engine import open_engine, writing
from reminder.store.messages import retry
from reminder.store.outbox_tables import MessageRow
from tests.rig import offices
from tests.rig.kills import Trial, at_point, at_random
from tests.rig.points import POINTS

EVERY = [(kind, point) for kind, points in POINTS.items() for point in points]
pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize(("kind", "point"), EVERY)
def test_a_kill_at_this_point_loses_nothing_and_doubles_nothing(tmp_path, peer, kind, point):
    assert at_point(lambda: Trial(tmp_path, peer, kind), point, 2, Random(point)) == (2, [])


@pytest.mark.parametrize(("kind", "point"), [pair for pair in EVERY if pair[0] == "email" or "http" in pair[1]])
def test_the_same_on_postgresql(tmp_path, peer, kind, point, postgres_url):
    assert at_point(lambda: Trial(tmp_path, peer, kind, postgres_url), point, 1, Random(point)) == (1, [])


@pytest.mark.parametrize("kind", POINTS)
def test_kills_at_random_moments(tmp_path, peer, kind):
    kills, wrong = at_random(lambda: Trial(tmp_path, peer, kind), 8, Random(kind))
    assert (kills >= 8, wrong) == (True, [])


def test_kills_at_random_moments_on_postgresql(tmp_path, peer, postgres_url):
    kills, wrong = at_random(lambda: Trial(tmp_path, peer, "email", postgres_url), 8, Random(2))
    assert (kills >= 8, wrong) == (True, [])


@pytest.mark.parametrize("workers", [False, True], ids=["alone", "workers"])
@pytest.mark.parametrize("kind", POINTS)
def test_kills_in_a_row_do_not_end_a_message(tmp_path, peer, kind, workers):
    """Contract §3.15: kills alone never end a message as failed before five tries of its own.

    One message after the other, each kill leaves exactly the one in its window accepted and not settled. Every second
    victim with workers has two connections: the kill is at the first to come there, and the receiver may have read the
    other's whole letter too, which is accepted once the dead client's socket is read to its end.
    """
    trial = Trial(tmp_path, peer, kind)
    trial.workers = workers
    window = "smtp: accepted, before 250" if kind == "email" else "http: accepted, before the answer"
    assert [trial.victim(trial.at(window)) for _ in range(5)] == [True] * 5
    trial.heirs()
    assert trial.verdict() == []
    further = 3 if workers else 0  # of the five the first, third and fifth have workers
    assert 5 <= trial.allowed.total() <= 5 + further


def dies_of_u1r0():
    """A message that nobody survives sending, as a fault in a C library would have it."""
    honest = WebhookChannel.send

    def send(self, payload, envelope, now):
        if b"U1R0" in payload:
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(self, payload, envelope, now)

    WebhookChannel.send = send


@pytest.mark.parametrize("connections", [1, 4])
def test_a_message_that_kills_whoever_tries_it_ends_and_the_others_go(tmp_path, peer, connections):
    """After ten deaths in a row; by hand it can be tried again. Those that were begun together with it go."""
    trial = Trial(tmp_path, peer, "webhook")
    trial.more_keys = {"connections": connections}
    died = [trial.victim(dies_of_u1r0) for _ in range(14)]
    assert sum(died) == 10
    rows = offices.rows(trial.engine, MessageRow)
    (dead,) = [row for row in rows if row.state != "sent"]
    assert (dead.recipient, dead.state, dead.why) == (
        "U1",
        "failed",
        "in each of its last 10 attempts the process died",
    )
    with writing(trial.engine) as session:
        retry(session, [dead.id], trial._next())
    trial.heirs()
    assert {row.state for row in offices.rows(trial.engine, MessageRow)} == {"sent"}


def test_a_copy_too_many_would_be_seen(tmp_path, peer):
    trial = Trial(tmp_path, peer, "email")
    assert trial.victim(trial.at("smtp: accepted, before 250"))
    trial.allowed.clear()
    trial.heirs()
    assert any("copies without a kill" in wrong for wrong in trial.verdict())


def test_the_database_is_closed_to_doubles(tmp_path, peer):
    """The unique key is the database's own, whatever the program does."""
    trial = Trial(tmp_path, peer, "email")
    trial.heirs()
    columns = "rule, kind, subject, occasion, unit, recipient, channel, at, late, provisional, instead_of, week, about"
    again = f"INSERT INTO reminder ({columns}, reason, lines) SELECT {columns}, reason, lines FROM reminder LIMIT 1"
    engine = open_engine(trial.url)
    with engine.connect() as connection:
        with pytest.raises(IntegrityError):
            connection.execute(text(again))
        connection.rollback()
    engine.dispose()
