"""Many rows at once, by the driver's own means: what an ORM does for each row, done once for each column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any

from sqlalchemy import JSON, Connection, Table

_ROWS = 2000  # at a time: what is held in memory
_MARKS = 999  # in one statement; old builds of SQLite take no more
Rows = list[tuple[Any, ...]]


def insert_many(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Inserts `rows`, each in the order of `columns`; those whose unique key is taken already are left out.

    What is JSON comes as the value or, where many rows are made, as the text of it.
    """
    parts = told(connection, table, columns, rows)
    first = next(parts, [])
    every = chain([first] if first else [], parts)
    if connection.dialect.name == "postgresql" and len(first) == _ROWS:
        _copied(connection, table, columns, every)
        return
    # SQLite takes a fifth less for fifty rows in one statement; psycopg sends thousands of statements together anyhow
    together = max(1, _MARKS // len(columns)) if connection.dialect.name == "sqlite" else 1
    for part in every:
        whole = len(part) - len(part) % together
        joined = [tuple(chain.from_iterable(part[n : n + together])) for n in range(0, whole, together)]
        for at_once, values in ((together, joined), (1, part[whole:])):
            if values:
                connection.exec_driver_sql(insertion(connection, table, columns, at_once), values)


def insertion(connection: Connection, table: Table, columns: Sequence[str], at_once: int = 1) -> str:
    """The statement that inserts one row of `told`, or several."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    row = f"({', '.join([mark] * len(columns))})"
    rows = ", ".join([row] * at_once)
    return f"INSERT INTO {table.name} ({_named(connection, columns)}) VALUES {rows} ON CONFLICT DO NOTHING"


def _copied(connection: Connection, table: Table, columns: Sequence[str], parts: Iterable[Rows]) -> None:
    """By COPY into a table of this transaction, and from there: COPY itself knows no ON CONFLICT, but takes thousands
    of rows in a third of the time."""
    named, staged = _named(connection, columns), f"staged_{table.name}"
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {staged} ON COMMIT DROP AS SELECT {named} FROM {table.name} WITH NO DATA"
    )
    with connection.connection.cursor() as cursor, cursor.copy(f"COPY {staged} ({named}) FROM STDIN") as copy:  # type: ignore[attr-defined]  # psycopg's own
        for row in chain.from_iterable(parts):
            copy.write_row(row)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({named}) SELECT {named} FROM {staged} ON CONFLICT DO NOTHING"
    )
    connection.exec_driver_sql(f"TRUNCATE {staged}")


def _named(connection: Connection, columns: Iterable[str]) -> str:
    return ", ".join(connection.dialect.identifier_preparer.quote(name) for name in columns)


def told(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Rows]:
    """The rows as the driver takes them, some at a time."""
    bound = [_bound(connection, table, name) for name in columns]
    left = iter(rows)
    while part := list(islice(left, _ROWS)):
        ready = map(_column, bound, zip(*part, strict=True))
        yield list(zip(*ready, strict=True))


def _column(bind: Callable[[Any], Any] | None, column: Sequence[Any]) -> Sequence[Any]:
    """A column's values as the driver takes them: texts as they are, JSON's too; None is NULL, also where JSON would
    write `null`."""
    if bind is None or set(map(type, column)) == {str}:
        return column
    if isinstance(column[0], date):  # thousands of rows speak of the same few days
        said = {value: None if value is None else bind(value) for value in set(column)}
        return [said[value] for value in column]
    if column.count(column[0]) == len(column):  # as with what new rows have in common
        return [None if column[0] is None else bind(column[0])] * len(column)
    return [None if value is None else bind(value) for value in column]


def _bound(connection: Connection, table: Table, name: str) -> Callable[[Any], Any] | None:
    """How the values of a column are told to the driver; None where they are told as they are."""
    kind = table.c[name].type
    bind = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    if bind and isinstance(kind, JSON):
        return lambda value: value if isinstance(value, str) else bind(value)
    return bind
