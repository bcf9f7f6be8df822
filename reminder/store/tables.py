"""The tables. Datetimes are aware and stored as UTC; dates are the office's local days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

# Named constraints, or SQLite's batch migrations could not drop them; set before the first table is defined.
SQLModel.metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# Rows come from the database or from our own code, never from outside: SQLModel does not validate tables. The
# validators pydantic would build for them all the same weigh on every daemon and are never asked.
SQLModel.model_config["defer_build"] = True

# Partial indexes are partial on PostgreSQL too, as the migrations make them: to say so here would load its dialect,
# 2 MB, into every daemon on SQLite.
# Literals, not parameters: SQLite uses a partial index only where it sees the literal in the statement.
_OPEN = ("not_started", "in_progress", "phase_complete")
OPEN_STATUSES = f"status IN {_OPEN}"
# Of a list SQLite makes a table, in which each row is looked up: where all rows are looked at, comparisons are faster.
OPEN_EACH = f"({' OR '.join(f'status = {one!r}' for one in _OPEN)})"
CLOSED_STATUSES = f"NOT ({OPEN_STATUSES})"
ASIDE = "status IN ('claimed', 'suspended', 'declined')"
UNCOUNTED = "(deadline_on IS NULL OR NOT deadline_confirmed OR deadline_kind NOT IN ('date', 'immediate'))"
# Said otherwise than OPEN_STATUSES: SQLite would take that one's index, which holds all that is open.
OPEN_UNCOUNTED = f"status NOT IN ('claimed', 'written_off', 'suspended', 'declined') AND {UNCOUNTED}"
TAGGED = "CAST(tags AS TEXT) <> '[]'"
MOVED = "status IS NOT NULL"
ASKED_ABOUT_UNIT = ("pass_on", "keep_unit", "hand_over")
ASKED = "act IN ('ask_extension', 'refuse_extension', 'extend', 'pass_on', 'keep_unit', 'hand_over', 'suspend')"


class MeasureRow(SQLModel, table=True):
    """One measure of a ledger. `imported` holds its cells as the last import read them, by field."""

    __tablename__ = "measure"
    __table_args__ = (
        UniqueConstraint("ledger", "code"),
        Index(
            "ix_measure_open_deadline",
            "deadline_on",
            "status",
            sqlite_where=text(OPEN_STATUSES),
        ),
        Index("ix_measure_closed_on", "closed_on"),
        Index("ix_measure_in_order", "ledger", "id"),
        Index("ix_measure_aspect", "aspect", "ledger", "id"),
        Index("ix_measure_problem", "problem", "ledger", "id"),
        Index("ix_measure_leader", "leader", "ledger", "id"),
        Index("ix_measure_code", "code"),
        Index("ix_measure_deadline_on", "deadline_on"),
        Index("ix_measure_progress_on", text("progress_on DESC"), "id"),
        Index("ix_measure_aside", "status", "ledger", "id", sqlite_where=text(ASIDE)),
        Index("ix_measure_uncounted", "ledger", "id", sqlite_where=text(OPEN_UNCOUNTED)),
        Index(
            "ix_measure_unseen",
            "seen_at",
            sqlite_where=text("seen_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    ledger: str = ""
    code: str
    text: str
    problem: str = ""
    problem_text: str = ""
    aspect: str = ""
    goal: str = ""
    leader: str | None = None
    deadline_kind: str
    deadline_on: date | None = None
    deadline_rule: str | None = None
    deadline_text: str = ""
    deadline_confirmed: bool = True
    deadline_computed: bool = False
    then_ongoing: bool = False
    dated_on: date | None = None  # the day from which its time runs, see Measure.dated_on
    deadline_read_on: date | None = None  # the day from which relative wording was read; kept while the wording is
    status: str
    percent: int | None = None
    progress: str = ""
    progress_on: date | None = None
    closed_on: date | None = None  # the day of the latest closing; None while open
    standing: bool = False
    blocked_by: str = ""
    parent: str | None = None
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    imported: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    edited: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    row: int | None = None
    known_on: date
    seen_at: datetime | None = None  # the first cycle that knew it
    vanished_on: date | None = None


class MeasureUnitRow(SQLModel, table=True):
    """A unit of a measure; `role` is "responsible" or "supporting", `position` its place in the cell."""

    __tablename__ = "measure_unit"
    __table_args__ = (Index("ix_measure_unit_unit", "unit", "role", "measure_id"),)

    measure_id: int = Field(sa_column=Column(ForeignKey("measure.id", ondelete="CASCADE"), primary_key=True))
    role: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    unit: str


class EventRow(SQLModel, table=True):
    """An act on a measure: what, on which day, by whom, why. Never changed, never deleted."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_moved", "measure_id", "on", "id", "status", sqlite_where=text(MOVED)),
        Index("ix_event_asked", "measure_id", "id", sqlite_where=text(ASKED)),
    )

    id: int | None = Field(default=None, primary_key=True)
    measure_id: int = Field(sa_column=Column(ForeignKey("measure.id", ondelete="CASCADE"), index=True, nullable=False))
    act: str
    on: date
    status: str | None = None  # where the measure stands from that day on, where the act moves it
    by: str = ""
    because: str = ""
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    recorded_at: datetime


class ReportRow(SQLModel, table=True):
    """A weekly report as submitted; amendments are further rows. `week` is the ISO week, as 2021-W17."""

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("unit", "week", "submitted_at"),
        Index("ix_report_week", "week", "unit", "submitted_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    unit: str
    week: str
    submitted_at: datetime
    note: str = ""
    sent: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))  # by whom, through what


class LetterRow(SQLModel, table=True):
    """An official letter to one addressee, and when the reply came."""

    __tablename__ = "letter"
    __table_args__ = (
        Index(
            "ix_letter_waiting",
            "sent_on",
            sqlite_where=text("replied_on IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    addressee: str
    about: str
    sent_on: date
    reply_by: date | None = None
    replied_on: date | None = None
    by: str = ""
    replied_by: str = ""  # who recorded the reply
    because: str = ""  # what the reply said, or why the wait is over
    recorded_at: datetime


class DutyRow(SQLModel, table=True):
    """A duty fulfilled: by whom, for which period, how often."""

    __tablename__ = "duty_done"
    __table_args__ = (Index("ix_duty_done_duty", "duty", "period", "unit"),)

    id: int | None = Field(default=None, primary_key=True)
    duty: str
    unit: str
    period: str
    count: int = 1
    on: date
    by: str = ""
    recorded_at: datetime


class SilenceRow(SQLModel, table=True):
    """No reminders for a unit, a measure or a rule from `since` to `until`, both included; `ended_on` ends it early."""

    __tablename__ = "silence"

    id: int | None = Field(default=None, primary_key=True)
    unit: str | None = None
    measure_id: int | None = None
    rule: str | None = None
    since: date
    until: date
    ended_on: date | None = None
    because: str
    by: str = ""
    recorded_at: datetime


class ImportRow(SQLModel, table=True):
    """One import of a ledger, for the record."""

    __tablename__ = "ledger_import"

    id: int | None = Field(default=None, primary_key=True)
    ledger: str = ""
    file: str
    sha256: str
    sheet: str
    as_of: date
    imported_at: datetime
    summary: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class ConfigurationRow(SQLModel, table=True):
    """Rules, calendar and outside units as a cycle found them, from `since` until the next row."""

    __tablename__ = "configuration"

    id: int | None = Field(default=None, primary_key=True)
    since: datetime
    digest: str
    record: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class FrozenChainRow(SQLModel, table=True):
    """A chain of escalation as it stood when its first step was taken; see `domain.frozen`."""

    __tablename__ = "frozen_chain"

    measure_id: int = Field(sa_column=Column(ForeignKey("measure.id", ondelete="CASCADE"), primary_key=True))
    rule: str = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    deadline: date = Field(primary_key=True)
    leader: str | None = None
    principal: str | None = None
    steps: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    frozen_at: datetime
