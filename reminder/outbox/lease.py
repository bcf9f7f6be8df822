"""Messages taken under a lease, and given back: nobody else touches one meanwhile, and none is lost with its worker."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, and_, case, or_, text, update
from sqlmodel import Session, col, select

from reminder.domain.reminder import Reason
from reminder.store.delivery_log import record
from reminder.store.outbox_tables import DIED, WAITING_STATES, DeliveryRow, MessageRow, ReminderRow

LEASE = timedelta(minutes=5)
_MESSAGES = MessageRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_NAMES = ("id", "message_id", "channel", "recipient", "own", "attempts", "created_at", "written_at", "payload")
_CLAIMED = [_MESSAGES.c[name] for name in (*_NAMES, "addresses", "thread_ids")]
_ORDER = (col(MessageRow.nearest_on), col(MessageRow.next_attempt_at), col(MessageRow.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message under our lease. `payload` is None until its first attempt. `own`: it carries no reminders, see
    `outbox_tables.MessageRow`."""

    id: int
    message_id: str
    token: str
    channel: str
    recipient: str
    own: str
    attempts: int
    created_at: datetime
    written_at: datetime | None
    addresses: tuple[str, ...]
    thread_ids: tuple[str, ...]
    payload: bytes | None


def due_channels(session: Session, now: datetime) -> list[str]:
    """The channels by which something may be tried at `now`."""
    waiting = select(col(MessageRow.channel)).where(*_ready(now)).distinct()
    return sorted(session.exec(waiting))


def due(session: Session, now: datetime) -> list[tuple[int, str]]:
    """The id and the channel of every message that may be tried at `now`, the nearest deadline first."""
    named = select(col(MessageRow.id), col(MessageRow.channel)).where(*_ready(now)).order_by(*_ORDER)
    return [(key, channel) for key, channel in session.exec(named) if key is not None]


def way_of(session: Session, key: int, now: datetime) -> tuple[str, bool] | None:
    """By which channel a message goes, and whether it may be tried at `now`; None where there is no such message."""
    channel = session.exec(select(MessageRow.channel).where(MessageRow.id == key)).first()
    if channel is None:
        return None
    return channel, session.exec(select(MessageRow.id).where(MessageRow.id == key, *_ready(now))).first() is not None


def new_token() -> str:
    """A name for a lease. The claimer has it before he claims: with it he gives back what he cannot know he holds."""
    return uuid.uuid4().hex


def claim(session: Session, now: datetime, limit: int, channels: Collection[str], *, token: str) -> list[Claimed]:
    """Leases up to `limit` messages of these channels that may be tried at `now`, the nearest deadline first.

    Also takes over messages whose lease has run out: their worker died.
    """
    chosen = (
        select(MessageRow.id)
        .where(*_ready(now), _one_of(channels))
        .order_by(*_ORDER)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.connection().execute(
        update(_MESSAGES)
        .where(_MESSAGES.c.id.in_(chosen))
        .values(state="sending", lease_token=token, lease_until=now + LEASE)
        .returning(*_CLAIMED, _MESSAGES.c.nearest_on, _MESSAGES.c.next_attempt_at)
    )
    rows = sorted(taken.mappings(), key=lambda row: (row["nearest_on"], row["next_attempt_at"], row["id"]))
    claimed = [_claimed(row, token) for row in rows]
    if tried := [one.id for one in claimed if one.attempts]:
        interrupted = _close_interrupted(session, tried)
        record(session, [told_of(one, "unknown", now, DIED) for one in claimed if one.id in interrupted])
    return claimed


def _ready(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = col(MessageRow.state).in_(("pending", "held", "retrying", "unknown"))
    abandoned = and_(col(MessageRow.state) == "sending", col(MessageRow.lease_until) < now)
    waiting: ColumnElement[bool] = text(WAITING_STATES)  # type: ignore[assignment]  # a literal, for the partial index
    return waiting, or_(free, abandoned), col(MessageRow.next_attempt_at) <= now


def _one_of(channels: Collection[str]) -> ColumnElement[bool]:
    """One name is compared by "=", so that the index also gives the order."""
    if len(channels) == 1:
        return col(MessageRow.channel) == next(iter(channels))
    return col(MessageRow.channel).in_(sorted(channels))


def _close_interrupted(session: Session, ids: Sequence[int]) -> set[int]:
    """An attempt still open under a lease that ran out: nobody knows whether the peer accepted it."""
    closed = session.connection().execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.message_pk).in_(ids), col(DeliveryRow.outcome) == "trying")
        .values(outcome="unknown", text=DIED)
        .returning(col(DeliveryRow.message_pk))
    )
    return {key for (key,) in closed}


def _claimed(row: RowMapping, token: str) -> Claimed:
    facts = {name: row[name] for name in _NAMES}
    return Claimed(**facts, token=token, addresses=tuple(row["addresses"]), thread_ids=tuple(row["thread_ids"]))


def told_of(message: Claimed, act: str, at: datetime, text: str = "") -> dict[str, object]:
    """A row of the delivery log about this message."""
    named = {"message_id": message.message_id, "recipient": message.recipient, "channel": message.channel}
    return {"at": at, "act": act, **named, "text": text}


def fail(session: Session, message: Claimed, why: str, now: datetime) -> bool:
    """Ends a message that cannot be sent to anybody, as a dead letter."""
    return _ended(session, message, "failed", why, now)


def cancel(session: Session, message: Claimed, why: str, now: datetime) -> bool:
    """Ends a message that no longer has anything to say. Only for messages never accepted by anybody."""
    return _ended(session, message, "cancelled", why, now)


def _ended(session: Session, message: Claimed, state: str, why: str, now: datetime) -> bool:
    released = {"lease_token": None, "lease_until": None, "next_attempt_at": None}
    if not _update_mine(session, message, state=state, why=why, finished_at=now, **released):
        return False
    record(session, [told_of(message, state, now, why)])
    return True


def cancel_reminder(session: Session, reminder_id: int, reason: Reason) -> None:
    """Records why a reminder was taken out of its message: a silence skips it, everything else cancels it."""
    outcome = "skipped" if reason.code == "silenced" else "cancelled"
    session.connection().execute(
        update(ReminderRow)
        .where(col(ReminderRow.id) == reminder_id)
        .values(outcome=outcome, outcome_reason={"code": reason.code, "facts": dict(reason.facts)})
    )


def release(session: Session, message: Claimed, at: datetime | None = None, why: str = "") -> bool:
    """Gives a claimed message back without an attempt: at an orderly stop, or to wait until `at` because of `why`."""
    state = "held" if at else "retrying" if message.attempts else "pending"
    values: dict[str, object] = {"state": state, "lease_token": None, "lease_until": None, "why": why}
    return _update_mine(session, message, **values | ({"next_attempt_at": at} if at else {}))


def give_back(session: Session, token: str, only: int | None = None) -> int:
    """Gives back what still stands under a lease, or `only` that message of it, by what the database says of it: the
    claimer may have lost the answer to his commit. How many there were."""
    mine = and_(text(WAITING_STATES), col(MessageRow.lease_token) == token)
    if only is not None:
        mine = and_(mine, col(MessageRow.id) == only)
    before = case((col(MessageRow.attempts) > 0, "retrying"), else_="pending")
    given = update(MessageRow).where(mine).values(state=before, lease_token=None, lease_until=None)
    return session.connection().execute(given).rowcount


def is_ours(session: Session, message: Claimed) -> bool:
    """Whether a message is still under our lease: nobody has taken it over."""
    mine = and_(col(MessageRow.id) == message.id, col(MessageRow.lease_token) == message.token)
    return session.exec(select(MessageRow.id).where(mine)).first() is not None


def _update_mine(session: Session, message: Claimed, **values: object) -> bool:
    """Changes a message only while it is under our lease; a rescued one belongs to somebody else."""
    changed = session.connection().execute(
        update(MessageRow)
        .where(col(MessageRow.id) == message.id, col(MessageRow.lease_token) == message.token)
        .values(**values)
    )
    return changed.rowcount == 1
