"""One database into another, table by table: from SQLite or PostgreSQL into either, as of one instant and as a whole.

Three things are not the same in the copy, because they belong to the place: leases have run out, so that whatever was
being sent is taken over at once as after a death of its worker; no cycle was marked outside the database, or the new
place would look restored; and the daemons that run on the source do not run on the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import JSON, Connection, Engine, Table, func, inspect, literal, null, select, table
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from reminder.errors import UsageError
from reminder.store import (  # noqa: F401 - importing them fills the metadata
    evidence_tables,
    gate_tables,
    log_tables,
    outbox_tables,
    service_tables,
    tables,
    upload_tables,
)
from reminder.store.contents import Content, Row, content, rows_of
from reminder.store.engine import reading, shown, upgrade, writing

_LAPSED = datetime(1970, 1, 1, tzinfo=UTC)
Watch = Callable[[int, int], None]  # of how many rows in all, to be copied and compared, how many more are done


def copy_database(source: Engine, target: Engine) -> None:
    """Copies every row of `source` into `target`, which holds none."""
    upgrade(target)
    with _one_state(source) as read, writing(target) as session:
        for one in _tables():
            _fill(read, session.connection(), one, lambda _: None)


def move(source: Engine, target: Engine, watch: Watch) -> dict[str, Content]:
    """Copies `source` into the empty `target` and compares both, table by table; returns what each table holds.

    It is one transaction: what was interrupted, or does not compare, leaves a target without a row.

    Raises:
        UsageError: the target is not empty, cannot be written, or would not hold what the source does.
    """
    try:
        _refuse_held(target)
        upgrade(target)
        with _one_state(source) as read, writing(target) as session:
            write = session.connection()
            _refuse_rows(write, target)
            return _moved(read, write, watch)
    except DBAPIError as fault:
        why = str(fault.orig).partition("\n")[0]
        raise UsageError(
            f"没有复制到 {shown(target)}，两边都没有改动 · nothing was copied, both are as they were: {why}"
        ) from fault


def _moved(read: Connection, write: Connection, watch: Watch) -> dict[str, Content]:
    total = 3 * sum(read.execute(select(func.count()).select_from(one)).scalar_one() for one in _tables())
    told = partial(watch, total)
    for one in _tables():
        _fill(read, write, one, told)
    found = {}
    for one in _tables():
        expected = content(read, one, partial(_at_its_new_place, one.name), told)
        found[one.name] = content(write, one, dict, told)
        if found[one.name] != expected:
            _refuse_unequal(one.name, expected, found[one.name])
    return found


def _tables() -> list[Table]:
    """In the order in which they can be filled."""
    return [one for one in SQLModel.metadata.sorted_tables if one.name != "daemon"]


@contextmanager
def _one_state(engine: Engine) -> Iterator[Connection]:
    """SQLite's transactions see one state anyhow; PostgreSQL's see a new one with each statement unless told."""
    postgres = engine.dialect.name == "postgresql"
    seen = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) if postgres else engine
    with reading(seen) as session:
        yield session.connection()


def _fill(read: Connection, write: Connection, one: Table, told: Callable[[int], None]) -> None:
    documents = [item.name for item in one.columns if isinstance(item.type, JSON)]
    for part in rows_of(read, one):
        rows = [_at_its_new_place(one.name, row) for row in part]
        write.execute(one.insert(), [row | {name: null() for name in documents if row[name] is None} for row in rows])
        told(len(rows))
    key = one.autoincrement_column
    if key is not None and write.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(f'"{one.name}"', key.name)
        write.execute(select(func.setval(sequence, func.max(key))))


def _at_its_new_place(name: str, row: Row) -> Row:
    if name == "message" and row["state"] == "sending":
        return row | {"lease_token": None, "lease_until": _LAPSED}
    return row | {"marked": False} if name == "cycle" else row


def _refuse_held(target: Engine) -> None:
    """Before anything is changed in it: it may be the database of something else."""
    file = target.url.database
    if target.dialect.name == "sqlite" and not (file and Path(file).is_file()):
        return
    with reading(target) as session:
        _refuse_rows(session.connection(), target)


def _refuse_rows(connection: Connection, target: Engine) -> None:
    for name in inspect(connection).get_table_names():
        any_row = select(literal(1)).select_from(table(name)).limit(1)
        if name != "alembic_version" and not name.startswith("measure_words") and connection.execute(any_row).first():
            raise UsageError(
                f"{shown(target)} 不是空的（表 {name} 里有数据），没有复制，请另给一个空的数据库 · "
                f"it is not empty, table {name} holds rows: nothing was copied, name an empty database"
            )


def _refuse_unequal(name: str, expected: Content, found: Content) -> None:
    raise UsageError(
        f"表 {name} 复制后不一致，副本已撤回，原库没有改动 · table {name} differs in the copy, which was taken back: "
        f"{expected.rows} ({expected.digest[:12]}) ≠ {found.rows} ({found.digest[:12]})"
    )
