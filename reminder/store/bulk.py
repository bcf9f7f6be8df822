"""Many rows at once, by the driver's own executemany: what an ORM does for each row, done once for each column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table

_ROWS = 2000  # at a time: what is held in memory


def insert_many(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Inserts `rows`, each in the order of `columns`; those whose unique key is taken already are left out."""
    dialect = connection.dialect
    quoted = ", ".join(dialect.identifier_preparer.quote(name) for name in columns)
    marks = ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * len(columns))
    statement = f"INSERT INTO {table.name} ({quoted}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    bound = [_bound(connection, table, name) for name in columns]
    left = iter(rows)
    while part := list(islice(left, _ROWS)):
        ready = map(_told, bound, zip(*part, strict=True))
        connection.exec_driver_sql(statement, list(zip(*ready, strict=True)))


def _told(bind: Callable[[Any], Any] | None, column: Sequence[Any]) -> Sequence[Any]:
    """A column's values as the driver takes them; None is NULL, also where JSON would write `null`."""
    if bind is None:
        return column
    if all(value is column[0] for value in column):  # as with what new rows have in common
        return [None if column[0] is None else bind(column[0])] * len(column)
    return [None if value is None else bind(value) for value in column]


def _bound(connection: Connection, table: Table, name: str) -> Callable[[Any], Any] | None:
    """How the values of a column are told to the driver; None where they are told as they are."""
    kind = table.c[name].type
    bind = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    # thousands of rows speak of the same few days
    return lru_cache(maxsize=1024)(bind) if bind and issubclass(kind.python_type, date) else bind
