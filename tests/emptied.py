"""A database without a row, as if it were new: also without those rows that its triggers refuse to drop."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlmodel import SQLModel


def empty(connection: Connection) -> None:
    """Deletes every row of every table, within the caller's transaction; numbers begin with 1 again."""
    if connection.dialect.name == "postgresql":
        tables = ", ".join(SQLModel.metadata.tables)
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # triggers rest
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        connection.execute(text("SET LOCAL session_replication_role = DEFAULT"))
        return
    triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    for name, _ in triggers:
        connection.execute(text(f"DROP TRIGGER {name}"))
    _delete(connection)
    for _, sql in triggers:
        connection.execute(text(sql))


def _delete(connection: Connection) -> None:
    for table in reversed(SQLModel.metadata.sorted_tables):
        connection.execute(table.delete())
