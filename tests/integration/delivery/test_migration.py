"""The schema's step to destinations, with messages in flight."""

from __future__ import annotations

import json
import warnings

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from reminder.store.engine import open_engine, reading
from reminder.store.memory import recall

MESSAGE = """INSERT INTO message (message_id, state, channel, recipient, alone, due_at, created_at, attempts, late, why,
    addresses, thread_ids, subject) VALUES ('r-1@example.org', 'retrying', 'mail', '建设局', '',
    '2021-06-08 01:00:00', '2021-06-08 01:00:00', 1, :late, '', '[]', '[]', '')"""
DELIVERY = """INSERT INTO delivery (message_pk, at, outcome, code, text)
    VALUES (1, '2021-06-08 01:00:00', 'refused', '451', 'later')"""


def stands_at(engine, revision):
    config = Config()
    config.set_main_option("script_location", "reminder/store/migrations")
    config.attributes["engine"] = engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        command.upgrade(config, revision)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        yield open_engine(f"sqlite:///{tmp_path}/reminder.db")
        return
    url = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    yield engine
    engine.dispose()


def test_offsets_that_were_remembered_before_they_told_days_from_working_days_are_known_still(engine):
    stands_at(engine, "0012")
    known = ["reach:建设局:mail", "rule:到期:14", "rule:逾期", "rule:逾期:escalate:7"]
    with engine.begin() as connection:
        cycle = "INSERT INTO cycle (id, known, counts, marked, held_why) VALUES (1, :known, '{}', :marked, '')"
        connection.execute(text(cycle), {"known": json.dumps(known), "marked": False})
    stands_at(engine, "head")
    with reading(engine) as session:
        assert recall(session).known == {*known, "rule:到期:14wd"}
    engine.dispose()


def test_messages_in_flight_keep_their_attempts_and_go_by_the_day_they_were_due(engine):
    stands_at(engine, "0004")
    with engine.begin() as connection:
        connection.execute(text(MESSAGE), {"late": False})
        connection.execute(text(DELIVERY))
    stands_at(engine, "head")
    with engine.connect() as connection:
        assert [str(day) for (day,) in connection.execute(text("SELECT nearest_on FROM message"))] == ["2021-06-08"]
        assert connection.execute(text("SELECT count(*) FROM delivery")).scalar() == 1
    engine.dispose()
