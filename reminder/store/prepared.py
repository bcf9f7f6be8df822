"""Statements for the hot path: compiled once for each database, and executed without being analysed again.

SQLAlchemy spends more time on finding out that a statement is the same as before than SQLite on carrying it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter, ClauseElement
from sqlmodel.sql.sqltypes import UTCDateTime

Row = Mapping[str, Any]
_UNTIL_OFFSET = len("2026-03-02 01:00:00.000000")


class Prepared:
    """One statement whose parameters are given by name, row by row."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._known: dict[str, tuple[str, Callable[[Row], Any]]] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> CursorResult[Any]:
        """Executes it for each row; `rowcount` counts them all."""
        sql, bound = self._for(connection.dialect)
        return connection.exec_driver_sql(sql, [bound(row) for row in rows])

    def all(self, connection: Connection, row: Row) -> Sequence[Any]:
        """Executes it once; the rows it returns."""
        sql, bound = self._for(connection.dialect)
        return connection.exec_driver_sql(sql, bound(row)).all()

    def tuples(self, connection: Connection, row: Row) -> Sequence[Sequence[Any]]:
        """The same in the driver's own words, without a Row made of each."""
        sql, bound = self._for(connection.dialect)
        result = connection.exec_driver_sql(sql, bound(row))
        found: Sequence[Sequence[Any]] = result.cursor.fetchall()
        result.close()
        return found

    def _for(self, dialect: Dialect) -> tuple[str, Callable[[Row], Any]]:
        if dialect.name not in self._known:
            self._known[dialect.name] = _compiled(self._statement, dialect)
        return self._known[dialect.name]


def _compiled(statement: Executable, dialect: Dialect) -> tuple[str, Callable[[Row], Any]]:
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    names = (
        compiled.positiontup if compiled.positiontup is not None else list(compiled.params)
    )  # `binds` has inner names too
    binds = compiled.binds
    given = [name for name in names if binds[name].required]
    constant = [name for name in names if not binds[name].required]
    processors = {name: _processor(binds[name], dialect) for name in names}
    kept = ((binds[name].effective_value, processors[name]) for name in constant)
    fixed = tuple([convert(value) if convert else value for value, convert in kept])
    read = _of_keys([binds[name].key for name in given])
    arrange = _of_keys([[*given, *constant].index(name) for name in names])
    converted = [(n, convert) for n, name in enumerate(names) if name in given and (convert := processors[name])]

    def values(row: Row) -> tuple[Any, ...]:
        found = arrange(read(row) + fixed)
        if not converted:
            return found
        changed = list(found)
        for n, convert in converted:
            changed[n] = convert(changed[n])
        return tuple(changed)

    if compiled.positiontup is not None:
        return compiled.string, values
    return compiled.string, lambda row: dict(zip(names, values(row), strict=True))


def _of_keys(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes the values of these keys out of something."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda row: tuple(row[key] for key in keys)


def _processor(parameter: BindParameter[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    if convert and dialect.name == "sqlite" and isinstance(parameter.type, UTCDateTime):
        return partial(_instant, convert)
    return convert


def _instant(convert: Callable[[Any], Any], value: datetime | None) -> Any:
    """An instant as SQLAlchemy writes it for SQLite."""
    return _in_utc(value) if value is not None and value.tzinfo is UTC else convert(value)


@lru_cache(maxsize=256)  # many rows are written at one instant, and of one instant each tells in more than one place
def _in_utc(instant: datetime) -> str:
    return instant.isoformat(" ", "microseconds")[:_UNTIL_OFFSET]
