"""What a table holds, in two figures by which databases of either kind compare: its rows, and a SHA-256 of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, String, Table, collate
from sqlmodel.sql.sqltypes import AutoString

_ROWS = 1000
_FILES = 20  # rows that may each hold a file of some megabytes
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows, and the SHA-256 over their canonical encoding in the order of the primary key."""

    rows: int
    digest: str


def rows_of(connection: Connection, table: Table) -> Iterator[list[Row]]:
    """Every row in the order of its key, in portions: a table may be larger than the memory."""
    ordered = table.select().order_by(*(_by_bytes(connection, key) for key in table.primary_key))
    files = any(isinstance(column.type, LargeBinary) for column in table.columns)
    found = connection.execute(ordered, execution_options={"yield_per": _FILES if files else _ROWS})
    for part in found.mappings().partitions():
        yield [dict(row) for row in part]


def content(
    connection: Connection, table: Table, become: Callable[[Row], Row], watch: Callable[[int], None]
) -> Content:
    """The figures of `table` with each row as `become` makes it; `watch` is told how many rows were read."""
    digest, count = sha256(), 0
    for part in rows_of(connection, table):
        for row in part:
            digest.update(_encoded(become(row)))
        count += len(part)
        watch(len(part))
    return Content(count, digest.hexdigest())


def _by_bytes(connection: Connection, key: ColumnElement[Any]) -> ColumnElement[Any]:
    """PostgreSQL sorts text by the rules of a language, SQLite by its bytes."""
    named = isinstance(key.type, String | AutoString)
    return collate(key, "C") if named and connection.dialect.name == "postgresql" else key


def _encoded(row: Row) -> bytes:
    values = {name: _canonical(value) for name, value in row.items()}
    line = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return line.encode("utf-8", "surrogatepass") + b"\n"


def _canonical(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case bytes() | memoryview():
            return sha256(value).hexdigest()
        case _:
            return value
