"""Messages taken under a lease, and given back: nobody else touches one meanwhile, and none is lost with its worker."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, bindparam, case, or_, text, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from reminder.domain.reminder import Reason
from reminder.store.among import GIVEN, among_given, told
from reminder.store.delivery_log import record
from reminder.store.listed import Listed, read
from reminder.store.outbox_tables import (
    DIED,
    FREE_STATES,
    WAITING_STATES,
    DeliveryRow,
    MessageRow,
    PayloadRow,
    ReminderRow,
)
from reminder.store.prepared import Prepared

LEASE = timedelta(minutes=5)
_MESSAGES = MessageRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_DELIVERIES = DeliveryRow.__table__  # type: ignore[attr-defined]  # the same
_PAYLOADS = PayloadRow.__table__  # type: ignore[attr-defined]  # the same
_NAMES = ("id", "message_id", "channel", "recipient", "own", "attempts", "created_at", "written_at")
_READ = [_MESSAGES.c[name] for name in (*_NAMES, "addresses", "thread_ids", "nearest_on", "next_attempt_at")]
_FIXED = Listed([_PAYLOADS.c.message_pk, _PAYLOADS.c.content], _PAYLOADS.c.message_pk)
_SORTED = ("nearest_on", "next_attempt_at", "id")
_ORDER = [_MESSAGES.c[name] for name in _SORTED]


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
    ready = select(MessageRow.id).where(MessageRow.id == key, *_ready(now))
    return channel, session.exec(ready).first() is not None


def new_token() -> str:
    """A name for a lease. The claimer has it before he claims: with it he gives back what he cannot know he holds."""
    return uuid.uuid4().hex


def claim(session: Session, now: datetime, limit: int, channels: Collection[str], *, token: str) -> list[Claimed]:
    """Leases up to `limit` messages of these channels that may be tried at `now`, the nearest deadline first.

    Also takes over messages whose lease has run out: their worker died.
    """
    named = {f"channel_{n}": name for n, name in enumerate(channels)}
    given = {"now": now, "most": limit, "new_lease_token": token, "new_lease_until": now + LEASE}
    taken = _taking(len(named)).tuples(session.connection(), named | given)
    if not taken:
        return []
    found = read(_READ, taken, session.get_bind().dialect)
    order = sorted(range(len(taken)), key=lambda n: tuple(found[name][n] for name in _SORTED))
    tried = [key for key, attempts in zip(found["id"], found["attempts"], strict=True) if attempts]
    fixed = {key: content for key, content in _FIXED.rows(session, tried)} if tried else {}  # noqa: C416 - as pairs
    claimed = [_claimed({name: cells[n] for name, cells in found.items()}, token, fixed) for n in order]
    if tried:
        interrupted = _close_interrupted(session, tried)
        record(session.connection(), [told_of(one, "unknown", now, DIED) for one in claimed if one.id in interrupted])
    return claimed


@lru_cache(maxsize=64)
def _taking(many: int) -> Prepared:
    """Leases the first messages of so many channels. One name is compared by "=", so that the index gives the order."""
    names: list[ColumnElement[str]] = [bindparam(f"channel_{n}", type_=_MESSAGES.c.channel.type) for n in range(many)]
    of_channels = _MESSAGES.c.channel == names[0] if many == 1 else _MESSAGES.c.channel.in_(names)
    chosen = (
        select_columns(_MESSAGES.c.id)
        .where(*_ready(bindparam("now", type_=_MESSAGES.c.next_attempt_at.type)), of_channels)
        .order_by(*_ORDER)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    lease = {name: bindparam(f"new_{name}", type_=_MESSAGES.c[name].type) for name in ("lease_token", "lease_until")}
    taken = update(_MESSAGES).where(_MESSAGES.c.id.in_(chosen)).values(state="sending", **lease)
    return Prepared(taken.returning(*_READ))


def _ready(now: datetime | ColumnElement[datetime]) -> tuple[ColumnElement[bool], ...]:
    free: ColumnElement[bool] = text(FREE_STATES)  # type: ignore[assignment]  # so that it can be prepared
    abandoned = and_(col(MessageRow.state) == "sending", col(MessageRow.lease_until) < now)
    waiting: ColumnElement[bool] = text(WAITING_STATES)  # type: ignore[assignment]  # a literal, for the partial index
    return waiting, or_(free, abandoned), col(MessageRow.next_attempt_at) <= now


def _close_interrupted(session: Session, ids: Sequence[int]) -> set[int]:
    """An attempt still open under a lease that ran out: nobody knows whether the peer accepted it."""
    dialect = session.get_bind().dialect.name
    return {key for (key,) in _closing(dialect).tuples(session.connection(), {GIVEN: told(dialect, ids)})}


@cache
def _closing(dialect: str) -> Prepared:
    of_messages = among_given(dialect, _DELIVERIES.c.message_pk)
    closed = update(_DELIVERIES).where(of_messages, _DELIVERIES.c.outcome == "trying")
    return Prepared(closed.values(outcome="unknown", text=DIED).returning(_DELIVERIES.c.message_pk))


def _claimed(row: Mapping[str, Any], token: str, fixed: Mapping[int, bytes]) -> Claimed:
    facts = {name: row[name] for name in _NAMES}
    addresses, thread_ids = tuple(row["addresses"]), tuple(row["thread_ids"])
    payload = fixed.get(row["id"])
    return Claimed(**facts, addresses=addresses, thread_ids=thread_ids, token=token, payload=payload)


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
    record(session.connection(), [told_of(message, state, now, why)])
    return True


def cancel_reminder(connection: Connection, reminder_id: int, reason: Reason) -> None:
    """Records why a reminder was taken out of its message: a silence skips it, everything else cancels it."""
    outcome = "skipped" if reason.code == "silenced" else "cancelled"
    connection.execute(
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
