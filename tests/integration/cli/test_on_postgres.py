"""The same commands on PostgreSQL."""

import pytest
from sqlmodel import Session

from reminder.store.engine import open_engine
from tests.emptied import empty


@pytest.fixture
def served(bare, postgres_url, monkeypatch):
    """A desk whose database is on a server; emptied, because all tests of a process share it."""
    monkeypatch.setenv("REMINDER_DATABASE_URL", postgres_url)
    bare.append("reminder.toml", '[store]\nurl = { env = "REMINDER_DATABASE_URL" }\n')
    assert bare("db", "upgrade").code == 0
    engine = open_engine(postgres_url)
    with Session(engine) as session, session.begin():
        empty(session.connection())
    engine.dispose()
    return bare


def test_look_at_the_outbox_and_act_on_it(served):
    served.measure("73", "2021-06-10")
    served.cycle("2021-06-07 09:00")
    served.measure("74", "2021-06-10", "财政局")
    served.cycle("2021-06-07 19:00")
    assert [line["state"] for line in served("outbox", "--json").lines] == ["sent", "held"]
    held = served("outbox", "--state", "held", "--json").lines[0]["id"]
    assert served("outbox", "release").code == 0
    assert served("outbox", "cancel", held).code == 0
    assert served("outbox", "retry", held).code == 2
    states = {line["state"] for line in served("explain", "73", "--on", "2021-06-07", "--json").lines}
    assert states == {"sent", "not_fired"}
    assert served("status", "--json").lines[0]["outbox"]["cancelled"] == 1
    assert served("check", "--json").lines[0]["measures"] == 2


def test_a_database_on_a_server_is_not_copied_as_a_file(served, tmp_path):
    said = served("db", "backup", tmp_path / "copy.db")
    assert said.code == 2
    assert "pg_dump" in said.err
    assert not (tmp_path / "copy.db").exists()
