"""A PostgreSQL that was started anew while nobody worked: who comes next works on, and notices nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from reminder.store import engine as opened
from reminder.store.engine import open_engine, reading


@pytest.fixture
def office(postgres_url):
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def backend(engine):
    with reading(engine) as session:
        return session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()


def hung_up_on(url, *backends):
    beside = create_engine(open_engine(url).url)
    with beside.connect() as connection:
        for one in backends:
            assert connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": one}).scalar_one()
    beside.dispose()


def test_a_connection_that_rested_is_asked_and_opened_anew(office, postgres_url, monkeypatch):
    before = backend(office)
    hung_up_on(postgres_url, before)
    passed = opened.time.monotonic() + 2
    monkeypatch.setattr(opened.time, "monotonic", lambda: passed)
    assert backend(office) != before


def test_all_that_rested_are_opened_anew_at_once(office, postgres_url, monkeypatch):
    with office.connect() as one, office.connect() as other:
        pids = {connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (one, other)}
    hung_up_on(postgres_url, *pids)
    passed = opened.time.monotonic() + 2
    monkeypatch.setattr(opened.time, "monotonic", lambda: passed)
    with office.connect() as one, office.connect() as other:
        fresh = {connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (one, other)}
    assert len(fresh) == 2
    assert not fresh & pids


def test_a_connection_that_was_used_just_now_is_not_asked(office, postgres_url, monkeypatch):
    """Its transaction fails then, and the next one works."""
    now = opened.time.monotonic()
    monkeypatch.setattr(opened.time, "monotonic", lambda: now)
    before = backend(office)
    hung_up_on(postgres_url, before)
    with pytest.raises(OperationalError):
        backend(office)
    assert backend(office) != before
