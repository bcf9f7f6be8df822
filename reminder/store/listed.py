"""Many rows by the values of one column, read column by column: what an ORM does for each row, done once for each
statement and each value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Dialect, Label, String, TypeDecorator, cast, select, type_coerce
from sqlmodel import Session

from reminder.store.among import GIVEN, among_given, told
from reminder.store.prepared import Prepared

Tuples = Sequence[Sequence[Any]]
"""Rows in the driver's own words."""
Selected = Column[Any] | Label[Any]
"""What is read of each row, under its name."""


class _Document(TypeDecorator[Any]):
    """JSON read as its text. PostgreSQL's driver makes a value of each cell before we see it, which takes as long as
    all other columns of a measure together; here equal texts become one value, once."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Listed:
    """The rows in which `key` is one of many values, and that meet `where`, as `columns`. Prepared once."""

    def __init__(self, columns: Sequence[Selected], key: Column[Any], *where: ColumnElement[bool]) -> None:
        self.columns, self._key, self._where = [_unparsed(column) for column in columns], key, where
        self._statements: dict[str, Prepared] = {}

    def rows(self, session: Session, values: Iterable[int] | Iterable[str], **given: Any) -> Tuples:
        """In no order. `given` are the parameters of `where`."""
        connection = session.connection()
        dialect = connection.dialect.name
        if dialect not in self._statements:
            asked = select(*self.columns).where(among_given(dialect, self._key), *self._where)
            self._statements[dialect] = Prepared(asked)
        return self._statements[dialect].tuples(connection, {GIVEN: told(dialect, values), **given})


def _unparsed(column: Selected) -> Selected:
    """The column as the driver gives it at once."""
    if not isinstance(column.type, JSON):
        return column
    return type_coerce(cast(column, String), _Document()).label(column.name)


def read(columns: Sequence[Selected], rows: Tuples, dialect: Dialect) -> dict[str, Sequence[Any]]:
    """The columns of at least one row by name, each value as Python has it."""
    values = zip(columns, zip(*rows, strict=True), strict=True)
    return {column.name: _read(_reader(column, dialect), cells) for column, cells in values}


def _read(reader: Callable[[Any], Any] | None, cells: Sequence[Any]) -> Sequence[Any]:
    if reader is None:
        return cells
    known = {cell: None if cell is None else reader(cell) for cell in set(cells)}
    return list(map(known.__getitem__, cells))


@cache
def _reader(column: Selected, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a column's values of what the driver says; None where they are the same."""
    reader: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return reader
