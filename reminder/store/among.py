"""A condition on a column by many values, which travel as one parameter: old builds of SQLite take 999 of them, and a
statement with as many marks as values would be written and prepared anew for each number of values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, any_, bindparam, func, literal, select
from sqlalchemy.types import TypeEngine
from sqlmodel import Session

GIVEN = "values"  # the name by which a prepared statement gets them


def among(session: Session, column: ColumnElement[Any], values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Whether `column` is one of `values`; its index is asked for each of them."""
    dialect = session.get_bind().dialect.name
    return _among(dialect, column, literal(told(dialect, values), _kind(dialect, column)))


def among_given(dialect: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same in a prepared statement, which gets as GIVEN what `told` makes of the values."""
    return _among(dialect, column, bindparam(GIVEN, type_=_kind(dialect, column)))


def told(dialect: str, values: Iterable[Any]) -> str | list[int | str]:
    """Many values as one parameter, in order: SQLite would sort them itself, one by one."""
    listed = sorted(values)
    return json.dumps(listed, ensure_ascii=False) if dialect == "sqlite" else listed


def _kind(dialect: str, column: ColumnElement[Any]) -> TypeEngine[Any]:
    return String() if dialect == "sqlite" else ARRAY(column.type)


def _among(dialect: str, column: ColumnElement[Any], values: ColumnElement[Any]) -> ColumnElement[bool]:
    if dialect == "sqlite":
        each = func.json_each(values).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(values)
