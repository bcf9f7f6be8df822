"""The delivery log: what it tells, who may not change it, and what its verification finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from reminder.errors import Passing, Permanent
from reminder.store import delivery_log
from reminder.store.delivery_log import Broken, Head
from reminder.store.engine import open_engine, reading, writing
from reminder.store.log_tables import LogBaseRow, LogRow
from reminder.store.marker import marker_of
from tests.integration.stage import Stage
from tests.integration.test_cycle import Faulty, with_channel
from tests.makers import at


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request, tmp_path):
    if request.param == "sqlite":
        stage = Stage(tmp_path)
        yield stage
        stage.engine.dispose()
        return
    url = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    stage = Stage(tmp_path, url)
    yield stage
    stage.engine.dispose()


def lived(stage, *errors):
    """Two units, one letter each, with these errors on the way."""
    with_channel(stage, Faulty(*errors))
    for unit in ("建设局", "财政局"):
        stage.measure(unit, "2021-06-15", [unit])
    stage.cycle("2021-06-08 09:00")
    return stage


def verified(stage, noted=None):
    with reading(stage.engine) as session:
        return delivery_log.verify(session, noted)


def head(stage):
    with reading(stage.engine) as session:
        return delivery_log.head(session)


def by_hand(stage, statement):
    """As somebody with the database's password."""
    with writing(stage.engine) as session:
        session.connection().execute(text(statement))


def unguarded(stage, statement):
    """As somebody who also knows to drop the triggers first."""
    with writing(stage.engine) as session:
        if session.connection().dialect.name == "sqlite":
            session.connection().execute(text("DROP TRIGGER delivery_log_unchanged"))
            session.connection().execute(text("DROP TRIGGER delivery_log_kept"))
        else:
            session.connection().execute(text("ALTER TABLE delivery_log DISABLE TRIGGER ALL"))
        session.connection().execute(text(statement))


def test_every_act_on_a_letter_is_told_and_sealed(stage):
    lived(stage, Passing("421 later", code="421"), Permanent("550 no such user", code="550"))
    rows = stage.rows(LogRow)
    assert sorted((row.act, row.code) for row in rows) == [
        ("fixed", ""),
        ("fixed", ""),
        ("refused", "421"),
        ("refused", "550"),
    ]
    assert [row.position for row in rows] == [1, 2, 3, 4]
    assert {row.addresses for row in rows if row.act == "fixed"} == {"建设局@example.org", "财政局@example.org"}
    stage.cycle("2021-06-08 09:05")
    assert [(row.act, row.position) for row in stage.rows(LogRow)][4:] == [("sent", 5)], "its bytes were fixed before"
    assert verified(stage) == (5, None)
    assert head(stage) == Head(5, stage.rows(LogRow)[-1].hash)


def test_what_ends_without_an_attempt_and_what_died_in_one_is_told_too(stage):
    lived(stage, Passing("later"), Passing("later"))
    stage.move("建设局", "written_off", "2021-06-08")
    by_hand(
        stage, "UPDATE message SET state = 'sending', lease_until = '2021-06-08 00:00:00' WHERE recipient = '财政局'"
    )
    by_hand(
        stage,
        "UPDATE delivery SET outcome = 'trying' WHERE message_pk = (SELECT id FROM message WHERE recipient = '财政局')",
    )
    stage.cycle("2021-06-08 09:30")
    assert sorted(row.act for row in stage.rows(LogRow)[4:]) == ["cancelled", "sent", "unknown"]
    assert verified(stage) == (7, None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE delivery_log SET text = 'never sent' WHERE position = 2",
        "UPDATE delivery_log SET hash = NULL, position = NULL WHERE position = 4",
        "UPDATE delivery_log SET position = 9 WHERE position = 4",
        "DELETE FROM delivery_log WHERE position = 1",
        "DELETE FROM delivery_log",
    ],
)
def test_both_databases_refuse_to_change_it(stage, statement):
    lived(stage)
    with pytest.raises(DatabaseError, match="append-only"):
        by_hand(stage, statement)
    assert verified(stage) == (4, None)


def test_a_row_that_is_not_sealed_yet_can_only_be_sealed(stage):
    lived(stage)
    columns = "at, act, message_id, recipient, channel, addresses, sha256, code, text"
    row = "('2021-06-08 02:00:00', 'sent', 'r', 'u', 'mail', '', '', '', '')"
    by_hand(
        stage,
        f"INSERT INTO delivery_log ({columns}) VALUES {row}",
    )
    for change in ("UPDATE delivery_log SET act = 'refused' WHERE position IS NULL", "DELETE FROM delivery_log"):
        with pytest.raises(DatabaseError, match="append-only"):
            by_hand(stage, change)
    with writing(stage.engine) as session:
        assert delivery_log.seal(session) == 1
    assert verified(stage) == (5, None)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE delivery_log SET recipient = '别处' WHERE position = 2", Broken(2, "changed")),
        ("UPDATE delivery_log SET at = '2021-06-08 00:30:00' WHERE position = 3", Broken(3, "changed")),
        ("DELETE FROM delivery_log WHERE position = 3", Broken(3, "missing")),
        ("DELETE FROM delivery_log WHERE position = 1", Broken(1, "missing")),
        ("UPDATE payload SET content = other_bytes", Broken(1, "bytes")),
    ],
)
def test_the_first_row_that_does_not_fit_is_told(stage, statement, broken):
    lived(stage)
    as_bytes = "X'00'" if stage.engine.dialect.name == "sqlite" else r"'\x00'::bytea"
    unguarded(stage, statement.replace("other_bytes", as_bytes))
    intact, found = verified(stage)
    assert (intact, replace(found, message_id="")) == (broken.position - 1, broken)


def test_a_log_that_was_cut_short_or_written_anew_is_found_by_a_head_noted_down(stage):
    lived(stage)
    noted = head(stage)
    stage.measure("3", "2021-06-16")
    stage.cycle("2021-06-09 09:00")
    assert head(stage).position > noted.position
    assert verified(stage, noted)[1] is None
    assert verified(stage, Head(noted.position, "0" * 64))[1] == Broken(noted.position, "head")
    unguarded(stage, f"DELETE FROM delivery_log WHERE position >= {noted.position}")
    assert verified(stage, noted)[1] == Broken(noted.position, "head")


def test_a_log_that_was_cut_short_is_found_by_the_letters_that_are_left(stage):
    lived(stage)
    stage.measure("3", "2021-06-16")
    stage.cycle("2021-06-09 09:00")
    assert verified(stage)[1] is None
    unguarded(stage, "DELETE FROM delivery_log WHERE position >= 5")
    assert verified(stage) == (4, Broken(5, "letters"))
    with writing(stage.engine) as session:
        session.connection().execute(
            text("DELETE FROM message WHERE recipient = '建设局' AND written_at > '2021-06-09'")
        )
    assert verified(stage)[1] is None, "what is left fits, whoever has no head noted down"


def test_the_last_cycles_head_is_kept_outside_the_database(stage):
    stage.service = replace(stage.service, marker=marker_of(stage.engine, stage.folder))
    lived(stage)
    noted = head(stage)
    stage.cycle("2021-06-08 09:01")
    assert stage.service.marker.head() == str(noted)
    assert stage.service.marker.read() == at("2021-06-08 09:01")


def test_daemons_that_seal_at_once_make_one_chain(stage):
    lived(stage)
    rows = [
        {"at": at("2021-06-09"), "act": "sent", "message_id": f"m{n}", "recipient": "u", "channel": "mail"}
        for n in range(40)
    ]
    with writing(stage.engine) as session:
        delivery_log.record(session.connection(), rows)
    if stage.engine.dialect.name == "postgresql":
        with writing(stage.engine) as one, writing(stage.engine) as other:
            assert delivery_log.seal(one, 10) == 10
            assert delivery_log.seal(other) == 0, "somebody else does so right now, and nobody waits"
    while True:
        with writing(stage.engine) as session:
            if not delivery_log.seal(session, 7):
                break
    assert verified(stage) == (44, None)


def test_what_is_old_is_dropped_and_the_chain_goes_on(stage):
    lived(stage)
    stage.service = replace(stage.service, keep_years=1)
    stage.measure("late", "2022-06-20", ["建设局"])
    stage.cycle("2022-06-01 09:00")
    before = head(stage)
    young = [message.id for message in stage.messages() if message.finished_at > at("2021-06-13")]
    stage.cycle("2022-06-13 09:00")
    kept = [message.id for message in stage.messages()]
    assert kept[: len(young)] == young
    assert {row.message_pk for row in stage.deliveries()} <= set(kept)
    assert stage.rows(LogBaseRow)[0].position == 4
    assert verified(stage)[1] is None
    assert verified(stage, before)[1] is None
    assert stage.rows(LogRow)[0].position == 5


def test_every_table_of_the_model_is_made_by_the_migrations(stage):
    """And with the same indices, which `create_all` of a test would hide."""
    made = inspect(stage.engine)
    for name in ("delivery_log", "delivery_log_base"):
        columns = {column["name"] for column in made.get_columns(name)}
        assert columns == set(SQLModel.metadata.tables[name].columns.keys())
        indices = {index["name"] for index in made.get_indexes(name)}
        assert indices == {index.name for index in SQLModel.metadata.tables[name].indexes}
