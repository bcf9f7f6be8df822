"""What a guard holds: every waiting message set aside, counted, let go; messages merged that wait for one recipient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, text, update
from sqlmodel import Session, col, func, select

from reminder.store import memory, messages, notices
from reminder.store.outbox_tables import WAITING_STATES, MessageRow, ReminderRow

GUARD = "guard"  # the `why` of what a guard holds
_ASIDE = and_(text(WAITING_STATES), col(MessageRow.why) == GUARD)
_WAITING = and_(text(WAITING_STATES), col(MessageRow.own) == "", col(MessageRow.why) != GUARD)
_UNTRIED = and_(col(MessageRow.state).in_(("pending", "held")), col(MessageRow.attempts) == 0)


def set_aside(session: Session) -> None:
    """Holds every waiting message but the office's own: none of them has a next attempt.

    One that was tried keeps its state, since what is unknown stays unknown; one under lease is set aside when it is
    settled.
    """
    connection, aside = session.connection(), {"why": GUARD, "next_attempt_at": None}
    untried = update(MessageRow).where(_WAITING, col(MessageRow.state).in_(("pending", "held")))
    connection.execute(untried.values(state="held", **aside))
    tried = update(MessageRow).where(_WAITING, col(MessageRow.state).in_(("retrying", "unknown")))
    connection.execute(tried.values(**aside))


def set_aside_count(session: Session) -> int:
    """How many messages a guard holds."""
    return session.exec(select(func.count(col(MessageRow.id))).where(_ASIDE)).one()


def release(session: Session, now: datetime, newer_than: datetime | None = None) -> set[int]:
    """Ends a guard's hold and lets everything held go at `now`, merged into one message for each recipient.

    With `newer_than` only what was to go since then; what is older stays held in a message of its own, until somebody
    releases or cancels it. Sending hours, caps and the ledger are looked at again when a message goes.
    """
    memory.let_go(session, now)
    notices.over(session, now, code=notices.HELD)
    freed = messages.release(session, now, newer_than) | _let_go(session, now, newer_than)
    merge(session, now)
    return freed


def _let_go(session: Session, now: datetime, newer_than: datetime | None) -> set[int]:
    wanted = _ASIDE
    if newer_than is not None:
        _split(session, newer_than)
        wanted = and_(_ASIDE, col(MessageRow.due_at) >= newer_than)
    free = {"why": "", "next_attempt_at": now}
    freed: set[int] = set()
    for states, values in ((("held",), {"state": "pending", **free}), (("retrying", "unknown"), free)):
        statement = update(MessageRow).where(wanted, col(MessageRow.state).in_(states)).values(**values)
        freed |= {key for (key,) in session.connection().execute(statement.returning(col(MessageRow.id))) if key}
    return freed


def _split(session: Session, newer_than: datetime) -> None:
    """Parts the reminders of each untried message that were to go since `newer_than` from the older ones."""
    mixed = select(MessageRow).where(_ASIDE, _UNTRIED, col(MessageRow.due_at) < newer_than)
    for row in session.exec(mixed).all():
        travels = and_(col(ReminderRow.message_pk) == row.id, col(ReminderRow.outcome).is_(None))
        newer = session.exec(select(func.min(ReminderRow.at)).where(travels, col(ReminderRow.at) >= newer_than)).one()
        if newer is None:
            continue
        rest = MessageRow(**row.model_dump(exclude={"id", "message_id"}), message_id=f"r-{_other(row)}")
        row.due_at = newer
        session.add_all([row, rest])
        session.flush()
        older = update(ReminderRow).where(travels, col(ReminderRow.at) < newer_than)
        session.connection().execute(older.values(message_pk=rest.id))


def _other(row: MessageRow) -> str:
    """An identity beside that of `row`; it was never tried, so nobody has seen either."""
    return row.message_id.removeprefix("r-").replace("@", "-older@", 1)


def merge(session: Session, now: datetime) -> None:
    """Puts untried messages that wait for the same recipient and channel together: the oldest takes the others in."""
    together = (MessageRow.recipient, MessageRow.channel, MessageRow.alone)
    crowded = select(*together).where(_WAITING, _UNTRIED).group_by(*together).having(func.count() > 1)
    for recipient, channel, alone in session.exec(crowded).all():
        same = select(MessageRow).where(
            _WAITING,
            _UNTRIED,
            MessageRow.recipient == recipient,
            MessageRow.channel == channel,
            MessageRow.alone == alone,
        )
        _merge(session, session.exec(same.order_by(col(MessageRow.id)).with_for_update()).all(), now)


def _merge(session: Session, rows: Sequence[MessageRow], now: datetime) -> None:
    if len(rows) < 2:
        return  # a worker has claimed one meanwhile
    first, *others = rows
    ids = [row.id for row in others]
    session.connection().execute(
        update(ReminderRow).where(col(ReminderRow.message_pk).in_(ids)).values(message_pk=first.id)
    )
    first.late = any(row.late for row in rows)
    first.due_at = min(row.due_at for row in rows)
    first.nearest_on = min(row.nearest_on for row in rows)
    first.next_attempt_at = min(row.next_attempt_at for row in rows if row.next_attempt_at)
    for row in others:
        row.state, row.why = "cancelled", f"merged into R-{first.id}"
        row.next_attempt_at, row.finished_at = None, now
    session.add_all(rows)
