"""The tables of the delivery log: what is proved of every message, and where the chain of hashes begins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from reminder.store import tables  # noqa: F401  # it names the constraints of all tables


class LogRow(SQLModel, table=True):
    """One act on a message, never changed: triggers of both databases refuse it. `position` and `hash` are given once,
    when the row is sealed; migrations must not rebuild this table, which would lose its triggers."""

    __tablename__ = "delivery_log"
    __table_args__ = (
        Index("uq_delivery_log_position", "position", unique=True),
        Index(
            "ix_delivery_log_unsealed",
            "id",
            sqlite_where=text("position IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    act: str  # fixed, sent, refused, unknown, failed, cancelled
    message_id: str
    recipient: str
    channel: str
    addresses: str = ""  # of "fixed": to whom the bytes go
    sha256: str = ""  # of "fixed": the bytes
    code: str = ""
    text: str = ""
    position: int | None = None
    hash: str | None = None


class LogBaseRow(SQLModel, table=True):
    """The last row of the delivery log that was dropped for its age: the chain goes on from its hash."""

    __tablename__ = "delivery_log_base"

    id: int = Field(default=1, primary_key=True)
    position: int
    hash: str
    dropped_at: datetime
