"""INSERT … ON CONFLICT DO NOTHING, which both databases have and SQLAlchemy writes for each in its own module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_into(table: Table, connection: Connection) -> sqlite.Insert | postgresql.Insert:
    """An insert into `table` that takes `on_conflict_do_nothing`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 2 MB that a daemon on SQLite would carry for years

    return postgresql.insert(table)
