"""A migration killed at each of its statements: no half schema, nothing lost of what was under way."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event, inspect, text

from reminder.store import engine as store
from reminder.store.engine import open_engine, upgrade
from tests.rig.points import die

VERSIONS = sorted(path.name[:4] for path in (Path(store.__file__).parent / "migrations/versions").glob("[0-9]*.py"))
STATES = ("pending", "held", "retrying", "sending", "unknown", "sent", "failed", "cancelled")


def to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    command.upgrade(config, revision)


MESSAGE = """
    INSERT INTO message (id, message_id, state, channel, recipient, alone, due_at, created_at, attempts, late, why,
        addresses, thread_ids, subject, payload)
    VALUES (:key, :id, :state, 'mail', '建设局', '', '2021-06-08 09:00:00', '2021-06-08 09:00:00', 1, false, '',
        '[]', '[]', '提醒', :bytes)"""
REMINDER = """
    INSERT INTO reminder (id, rule, kind, subject, occasion, unit, recipient, channel, at, late, provisional,
        instead_of, week, about, reason, lines, message_pk)
    VALUES (:key, 'r', 'due', :id, '2021-06-08', '建设局', '建设局', 'mail', '2021-06-08 09:00:00', false, false,
        '', '', '{}', '{}', '[]', :key)"""
DELIVERY = """
    INSERT INTO delivery (id, message_pk, at, outcome, code, text)
    VALUES (:key, :key, '2021-06-08 09:00:00', 'trying', '', '')"""


def in_flight(engine: Engine) -> None:
    """Rows as the first version left them: a message in each state, with its reminder and an attempt."""
    with engine.begin() as connection:
        for key, state in enumerate(STATES, 1):
            values = {"key": key, "id": f"r-{key}@example.org", "state": state, "bytes": b"bytes"}
            for statement in (MESSAGE, REMINDER, DELIVERY):
                connection.execute(text(statement), values)


def kept(engine: Engine) -> list[tuple[object, ...]]:
    """What must be there whatever the schema has become."""
    apart = inspect(engine).has_table("payload")
    content = "(SELECT content FROM payload WHERE message_pk = message.id)" if apart else "payload"
    together = text(
        f"SELECT message.id, message_id, message.state, {content}, rule, reminder.subject, delivery.outcome"
        " FROM message JOIN reminder ON reminder.message_pk = message.id"
        " JOIN delivery ON delivery.message_pk = message.id"
        " ORDER BY message.id"
    )
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(together)]


def shape(engine: Engine) -> dict[str, object]:
    """Tables with their columns, keys and indices."""
    with engine.connect() as connection:  # one for all: asked of an engine, each question is a transaction of its own
        seen = inspect(connection)
        return {
            table: (
                sorted((c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(table)),
                sorted(str(sorted(i["column_names"])) for i in seen.get_indexes(table)),
                sorted(str(sorted(u["column_names"])) for u in seen.get_unique_constraints(table)),
                sorted(str(f["constrained_columns"]) for f in seen.get_foreign_keys(table)),
            )
            for table in sorted(seen.get_table_names())
        }


def begun(engine: Engine, begin: str | None) -> None:
    """What the upgrade begins from, unless the database is a copy of it already."""
    if begin and not inspect(engine).has_table("message"):
        to(engine, begin)
        in_flight(engine)


def written(engine: Engine) -> Hashable:
    """All that is in a SQLite database: its schema as it was told, and each row. Read from a copy, since whoever opens
    what a killed process has left also cleans up after it."""
    left = Path(engine.url.database or "")
    copy = left.with_name(f"copy of {left.name}")
    for journal in ("", "-wal", "-journal"):
        if Path(f"{left}{journal}").exists():
            shutil.copyfile(f"{left}{journal}", f"{copy}{journal}")
    with closing(sqlite3.connect(copy)) as database:
        return tuple(database.iterdump())


def killed_upgrade(engine: Engine, nth: int) -> bool:
    """Upgrades in a process that dies before its `nth` statement; whether it died."""
    child = os.fork()
    if not child:
        try:
            left = [nth]

            def passing(*_arguments: object) -> None:
                left[0] -= 1
                if not left[0]:
                    die()

            event.listen(Engine, "before_cursor_execute", passing)
            upgrade(engine)
            os._exit(0)
        finally:
            os._exit(1)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


Left = Callable[[Engine], Hashable]
Database = Callable[[int], str]  # a new one of that number, and its URL


def check(begin: str | None, database: Database, step: int = 1, left: Left | None = None) -> int:
    """Kills the upgrade from `begin` (None: from nothing) at every `step`th statement; how many kills there were.

    With `left`, which tells what is in a database, an upgrade is taken up once from each different thing that a kill
    leaves: from the same it would do the same.
    """
    engine = open_engine(database(0))
    upgrade(engine)
    wanted, known = shape(engine), set[Hashable]()
    engine.dispose()
    for nth in count(1, step):
        engine = open_engine(database(nth))
        begun(engine, begin)
        before = kept(engine) if begin else []
        engine.dispose()
        died = killed_upgrade(engine, nth)
        state = left(engine) if left else nth
        if state not in known:
            known.add(state)
            upgrade(engine)
            assert shape(engine) == wanted, f"killed at statement {nth}"
            assert not begin or kept(engine) == before, f"killed at statement {nth}"
        engine.dispose()
        if not died:
            return nth // step
    raise AssertionError


BEGINNINGS = [None, *VERSIONS[:1]] if len(VERSIONS) > 1 else [None]  # from nothing, and with rows of the first version


def copies(folder: Path, begin: str | None) -> Database:
    """SQLite databases that stand at `begin`: made once, since making one takes longer than most kills of it."""
    first = folder / "first.db"
    engine = open_engine(f"sqlite:///{first}")
    begun(engine, begin)
    engine.dispose()  # the last connection takes its journal in

    def copied(nth: int) -> str:
        if begin and nth:  # number 0 is made from nothing
            shutil.copyfile(first, folder / f"{nth}.db")
        return f"sqlite:///{folder}/{nth}.db"

    return copied


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_an_upgrade_killed_at_each_statement_is_taken_up_again(tmp_path, begin):
    assert check(begin, copies(tmp_path, begin), left=written) >= 5


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_an_upgrade_killed_at_each_statement_is_taken_up_again_each_time(tmp_path, begin):
    assert check(begin, copies(tmp_path, begin)) >= 5


def schema_of(url: str, nth: int) -> str:
    """A new schema of its own for each kill, because DDL of one database cannot be told apart otherwise."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS s{nth} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA s{nth}"))
    engine.dispose()
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3Ds{nth}"


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_an_upgrade_of_postgresql_killed_at_some_statements(begin, postgres_url):
    assert check(begin, lambda nth: schema_of(postgres_url, nth), step=5) >= 2


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_an_upgrade_of_postgresql_killed_at_each_statement(begin, postgres_url):
    assert check(begin, lambda nth: schema_of(postgres_url, nth)) >= 5
