"""What is dropped when it is older than `store.keep_years`: letters with their bytes, attempts and reminders, and the
delivery log behind them. Measures and what was done to them are never dropped."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from reminder.store import delivery_log
from reminder.store.outbox_tables import MessageRow, ReminderRow

MOST = 500  # at a time: nobody waits for long behind it


def prune(session: Session, before: datetime, now: datetime) -> int:
    """Drops up to MOST of each kind of row from before that instant; returns how many rows of them all."""
    connection = session.connection()
    done = select(MessageRow.id).where(col(MessageRow.finished_at) < before)
    ids = [key for key in session.exec(done.order_by(col(MessageRow.finished_at)).limit(MOST)) if key is not None]
    dropped = 0
    if ids:
        dropped += connection.execute(delete(ReminderRow).where(col(ReminderRow.message_pk).in_(ids))).rowcount
        dropped += connection.execute(delete(MessageRow).where(col(MessageRow.id).in_(ids))).rowcount
    alone = select(ReminderRow.id).where(col(ReminderRow.message_pk).is_(None), col(ReminderRow.at) < before)
    ids = [key for key in session.exec(alone.order_by(col(ReminderRow.at)).limit(MOST)) if key is not None]
    if ids:
        dropped += connection.execute(delete(ReminderRow).where(col(ReminderRow.id).in_(ids))).rowcount
    return dropped + delivery_log.drop(session, before, now, MOST)


def old(session: Session, before: datetime) -> bool:
    """Whether there is anything to drop."""
    oldest = (
        select(MessageRow.id).where(col(MessageRow.finished_at) < before).limit(1),
        select(ReminderRow.id).where(col(ReminderRow.message_pk).is_(None), col(ReminderRow.at) < before).limit(1),
    )
    return any(session.exec(each).first() is not None for each in oldest) or delivery_log.begins_before(session, before)
