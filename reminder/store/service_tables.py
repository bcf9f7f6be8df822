"""The tables of the service itself: what it remembers of its cycles, whom it told of what, which daemons run."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from reminder.store import tables  # noqa: F401  # it names the constraints of all tables


class NoticeRow(SQLModel, table=True):
    """Something the office is told once. `key` is what makes it the same thing while it lasts (`over_at` is None);
    `told_in` is the `own` of the message that tells it. `about` is the message it is about, if any, and `not_by` the
    channel it is better not told by."""

    __tablename__ = "notice"
    __table_args__ = (
        Index(
            "uq_notice_key",
            "key",
            unique=True,
            sqlite_where=text("over_at IS NULL"),
        ),
        Index("ix_notice_told_in", "told_in"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str
    code: str
    facts: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    about: int | None = None
    not_by: str = ""
    recorded_at: datetime
    told_in: str = ""
    over_at: datetime | None = None


class DaemonRow(SQLModel, table=True):
    """A daemon that runs on this database: which configuration it accepted and when, and when it last said so."""

    __tablename__ = "daemon"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    configuration: str
    accepted_at: datetime
    seen_at: datetime
    standby: bool = False


class CycleRow(SQLModel, table=True):
    """The daemon's memory: one row. `known` are the parts of the configuration that the last cycle knew.

    `marked`: the instant of each cycle is also kept outside the database. `held_since` and `held_why`: a guard
    holds all sending. `looked_on` is the last morning on which the office's own message was considered, `told_at`
    when one was last made.
    """

    __tablename__ = "cycle"

    id: int | None = Field(default=1, primary_key=True)
    last_at: datetime | None = None
    known: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    marked: bool = False
    held_since: datetime | None = None
    held_why: str = ""
    looked_on: date | None = None
    told_at: datetime | None = None
