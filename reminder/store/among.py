"""A condition on a column by many values, which travel as one parameter: old builds of SQLite take 999 of them, and a
statement with as many marks as values would be written and prepared anew for each number of values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, any_, bindparam, cast, func, literal, select
from sqlalchemy.types import NullType, TypeEngine
from sqlmodel import Session

GIVEN = "values"  # the name by which a prepared statement gets them


def among(session: Session, column: ColumnElement[Any], values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Whether `column` is one of `values`; its index is asked for each of them."""
    dialect = session.get_bind().dialect.name
    return _among(dialect, column, literal(told(dialect, values), _kind(dialect)))


def among_given(dialect: str, column: ColumnElement[Any], name: str = GIVEN) -> ColumnElement[bool]:
    """The same in a prepared statement, which gets by that name what `told` makes of the values."""
    return _among(dialect, column, bindparam(name, type_=_kind(dialect)))


def told(dialect: str, values: Iterable[Any]) -> str:
    """Many values as one parameter, in order: SQLite would sort them itself, one by one."""
    listed = sorted(values)
    if dialect == "sqlite":
        return json.dumps(listed, ensure_ascii=False)
    as_item = str if listed and isinstance(listed[0], int) else _quoted
    return f"{{{','.join(map(as_item, listed))}}}"  # of a list psycopg examines each number: as long as the query takes


def _quoted(value: str) -> str:
    """As it stands in an array. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO"""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _kind(dialect: str) -> TypeEngine[Any]:
    # PostgreSQL reads a parameter of no type at once as what it is cast to. One that was a text before would be no
    # constant, and be read again for each row where no index is asked.
    return String() if dialect == "sqlite" else NullType()


def _among(dialect: str, column: ColumnElement[Any], values: ColumnElement[Any]) -> ColumnElement[bool]:
    if dialect == "sqlite":
        each = func.json_each(values).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(cast(values, ARRAY(column.type)))
