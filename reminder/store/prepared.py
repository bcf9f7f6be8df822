"""Statements for the hot path: compiled once for each database, and executed without being analysed again.

SQLAlchemy spends more time on finding out that a statement is the same as before than SQLite on carrying it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter, ClauseElement

Row = Mapping[str, Any]


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
    blank: list[Any] = []
    asked: list[tuple[int, str, Callable[[Any], Any] | None]] = []
    for n, name in enumerate(names):
        bound = compiled.binds[name]
        convert = _processor(bound, dialect)
        if bound.required:
            asked.append((n, bound.key, convert))
        value = bound.effective_value
        blank.append(convert(value) if convert and not bound.required else value)

    def values(row: Row) -> list[Any]:
        found = blank.copy()
        for n, name, convert in asked:
            found[n] = convert(row[name]) if convert else row[name]
        return found

    if compiled.positiontup is not None:
        return compiled.string, lambda row: tuple(values(row))
    return compiled.string, lambda row: dict(zip(names, values(row), strict=True))


def _processor(parameter: BindParameter[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return _once(convert) if convert and parameter.type.python_type is datetime else convert


def _once(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, but not anew for the instant that was the last one too: many rows are written at one."""
    known: tuple[Any, Any] = (None, convert(None))  # replaced as a whole, since threads share it

    def converted(value: Any) -> Any:
        nonlocal known
        was, told = known
        if was is not value:
            told = convert(value)
            known = value, told
        return told

    return converted
