"""Several daemons on one database: the same configuration shares the work, another one stands by and says so."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from reminder.store.daemons import Daemon, sign_off, sign_on, standing_by
from reminder.store.engine import open_engine, writing
from reminder.store.memory import recall, remember
from reminder.store.service_tables import DaemonRow
from tests.integration.stage import emptied
from tests.makers import at

NOON = at("2021-06-07 12:00")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    url = f"sqlite:///{tmp_path}/reminder.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    emptied(url)
    opened = open_engine(url)
    yield opened
    opened.dispose()


def says(engine, daemon, minutes=0.0):
    """Which daemon is ahead of it."""
    with writing(engine) as session:
        ahead = sign_on(session, daemon, NOON + timedelta(minutes=minutes))
        return ahead and ahead.id


def elsewhere(configuration, minutes, name):
    return Daemon(configuration, NOON + timedelta(minutes=minutes), id=name, host=f"host-{name}", pid=1)


def test_the_very_first_cycles_of_two_daemons_take_turns(engine):
    """Both found nothing to lock, both planned, and 400 messages were left with nothing in them."""
    found = []

    def second():
        with writing(engine) as session:
            found.append(recall(session, alone=True).last_at)

    with writing(engine) as session:
        assert recall(session, alone=True).last_at is None
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.5)
        assert found == []
        remember(session, NOON, [], {})
    waiting.join(30)
    assert found == [NOON]


def test_one_alone_works(engine):
    assert says(engine, elsewhere("x", 0, "a")) is None


def test_the_same_configuration_shares_the_work(engine):
    a, b = elsewhere("x", 0, "a"), elsewhere("x", 1, "b")
    assert says(engine, a) is None
    assert says(engine, b, 1) is None
    assert says(engine, a, 2) is None


def test_the_newcomer_with_another_configuration_stands_by_until_the_first_ends(engine):
    a, b = elsewhere("x", 0, "a"), elsewhere("y", 1, "b")
    assert says(engine, a) is None
    assert says(engine, b, 1) == "a"
    assert says(engine, a, 1) is None
    with Session(engine) as session:
        assert [row.id for row in standing_by(session, NOON + timedelta(minutes=1))] == ["b"]
    with writing(engine) as session:
        sign_off(session, a)
    assert says(engine, b, 1.5) is None
    with Session(engine) as session:
        assert standing_by(session, NOON + timedelta(minutes=1.5)) == []


def test_one_that_says_nothing_for_two_minutes_is_gone(engine):
    assert says(engine, elsewhere("x", 0, "a")) is None
    assert says(engine, elsewhere("y", 1, "b"), 1.9) == "a"
    assert says(engine, elsewhere("y", 1, "b"), 2.1) is None


def test_a_rolling_change_ends_with_both_at_work(engine):
    a, b = elsewhere("x", 0, "a"), elsewhere("x", 0.5, "b")
    says(engine, a), says(engine, b)
    a = replace(a, configuration="y", accepted_at=NOON + timedelta(minutes=1))
    assert says(engine, a, 1) == "b"
    b = replace(b, configuration="y", accepted_at=NOON + timedelta(minutes=1.1))
    assert says(engine, b, 1.1) is None
    assert says(engine, a, 1.2) is None


def test_a_daemon_of_this_machine_that_was_killed_is_gone_at_once(engine):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    killed, alive = replace(Daemon("x", NOON), pid=process.pid), replace(Daemon("x", NOON), pid=os.getpid())
    newcomer = Daemon("y", NOON + timedelta(minutes=1))
    assert says(engine, killed) is None
    assert says(engine, newcomer) == killed.id
    process.kill()
    process.wait()
    assert says(engine, newcomer) is None
    says(engine, alive)
    assert says(engine, replace(newcomer, id="another")) == alive.id
    with Session(engine) as session:
        assert {row.id for row in session.exec(select(DaemonRow))} == {newcomer.id, alive.id, "another"}


def test_a_daemon_frozen_within_a_transaction_loses_its_locks(postgres_url):
    """Seven messages of one that was stopped stayed claimed for seven minutes: nobody could touch their rows."""
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        told = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
    engine.dispose()
    assert told == "2min"
