"""A condition on a column by many values, which travel as one parameter: old builds of SQLite take 999 of them, and a
statement with as many marks as values would be written and prepared anew for each number of values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, func, literal, select
from sqlmodel import Session


def among(session: Session, column: ColumnElement[Any], values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Whether `column` is one of `values`; its index is asked for each of them."""
    told = list(values)
    if session.get_bind().dialect.name == "sqlite":
        listed = func.json_each(json.dumps(told, ensure_ascii=False)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(literal(told, ARRAY(column.type)))
