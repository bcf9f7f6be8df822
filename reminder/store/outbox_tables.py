"""The tables of what is sent: messages, the reminders that travel in them, each attempt, and how destinations stand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from reminder.store import tables  # noqa: F401 - constraints are named as it says

PROVISIONAL = "provisional"
# By comparisons: of a list of more than two SQLite makes a table anew for each row it writes into a partial index.
WAITING_STATES = "state <> 'sent' AND state <> 'failed' AND state <> 'cancelled'"
FREE_STATES = "state IN ('pending', 'held', 'retrying', 'unknown')"
CANCELLED = "state = 'cancelled'"
DEAD = "state = 'failed'"
OWN = "own <> ''"


class MessageRow(SQLModel, table=True):
    """One message of the outbox. Identity, addresses and bytes are fixed at the first attempt. It is written anew at
    each step of its way, hence its bytes stand elsewhere."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("message_id"),
        Index(
            "ix_message_waiting",
            "next_attempt_at",
            sqlite_where=text(WAITING_STATES),
        ),
        Index("ix_message_recipient", "recipient", "finished_at", "channel"),
        Index("ix_message_finished", "finished_at", sqlite_where=text("finished_at IS NOT NULL")),
        Index("uq_message_own", "own", "channel", unique=True, sqlite_where=text(OWN)),
        Index("ix_message_failed", "finished_at", sqlite_where=text(DEAD)),
        Index("ix_message_cancelled", "id", sqlite_where=text(CANCELLED)),
        Index(
            "ix_message_claim",
            "channel",
            "nearest_on",
            "next_attempt_at",
            "id",
            sqlite_where=text(WAITING_STATES),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    message_id: str
    state: str = "pending"
    channel: str
    recipient: str
    alone: str = ""
    own: str = ""  # the occasion of a message to the office that carries no reminders: "morning:2021-05-06", "notice:7"
    due_at: datetime  # the earliest instant its reminders were to go
    nearest_on: date = date(1970, 1, 1)  # the nearest deadline in it: those go first, the office's own before all
    created_at: datetime
    next_attempt_at: datetime | None = None
    attempts: int = 0
    lease_token: str | None = None
    lease_until: datetime | None = None
    late: bool = False
    why: str = ""  # why it is held, failed or cancelled
    written_at: datetime | None = None  # the first attempt
    addresses: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    thread_ids: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    subject: str = ""
    finished_at: datetime | None = None


class PayloadRow(SQLModel, table=True):
    """What goes over the wire, the same on every attempt: there since the first one."""

    __tablename__ = "payload"

    message_pk: int = Field(
        sa_column=Column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    )
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ReminderRow(SQLModel, table=True):
    """One occasion and what became of it: its message's state, or `outcome` where it never got a message."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("rule", "subject", "occasion", "unit", "recipient", "channel", name="uq_reminder_occasion"),
        Index("ix_reminder_subject", "subject"),
        Index(
            "ix_reminder_provisional",
            "subject",
            sqlite_where=text(PROVISIONAL),
        ),
        Index(
            "ix_reminder_alone",
            "at",
            sqlite_where=text("message_pk IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    rule: str
    kind: str
    subject: str
    occasion: date
    unit: str
    recipient: str
    channel: str
    at: datetime
    late: bool = False
    provisional: bool = False
    instead_of: str = ""
    week: str = ""
    report_due_at: datetime | None = None
    about: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    reason: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    message_pk: int | None = Field(
        default=None, sa_column=Column(ForeignKey("message.id", ondelete="SET NULL"), index=True, nullable=True)
    )
    outcome: str | None = None  # superseded, cancelled, skipped
    outcome_reason: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))


DIED = "the process died during this attempt"  # the `text` of a delivery that nobody could close


class DeliveryRow(SQLModel, table=True):
    """One attempt to deliver a message. The row is written before the try and settled after it."""

    __tablename__ = "delivery"

    id: int | None = Field(default=None, primary_key=True)
    message_pk: int = Field(sa_column=Column(ForeignKey("message.id", ondelete="CASCADE"), index=True, nullable=False))
    at: datetime
    outcome: str = "trying"  # sent, refused, unknown, trying
    code: str = ""
    text: str = ""


class DestinationRow(SQLModel, table=True):
    """A peer as all daemons know it: faults in a row, until when it is left alone, since when it wants no more, and
    when it was last written to (seconds since 1970), as far as its limits count that."""

    __tablename__ = "destination"

    name: str = Field(primary_key=True)
    failures: int = 0
    paused_until: datetime | None = None
    disabled_at: datetime | None = None
    why: str = ""
    recent: list[float] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
