"""One database into another, table by table: from SQLite or PostgreSQL into either."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlmodel import SQLModel

from reminder.store import (  # noqa: F401 - importing them fills the metadata
    evidence_tables,
    gate_tables,
    log_tables,
    service_tables,
    tables,
    upload_tables,
)
from reminder.store.engine import reading, upgrade, writing

_ROWS = 1000


def copy_database(source: Engine, target: Engine) -> dict[str, int]:
    """Copies every row of `source`, as of one instant, into an empty `target`; returns the rows by table."""
    upgrade(target)
    counts = {}
    with reading(source) as read, writing(target) as write:
        for table in SQLModel.metadata.sorted_tables:
            rows = read.connection().execute(table.select()).mappings()
            counts[table.name] = 0
            for part in rows.partitions(_ROWS):
                write.connection().execute(table.insert(), [dict(row) for row in part])
                counts[table.name] += len(part)
    return counts
