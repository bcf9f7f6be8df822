"""The outbox: put, claim, fix, settle. Why nothing is sent twice and nothing is lost.

A reminder is unique by (rule, subject, occasion, unit, recipient, channel). A message is claimed by one conditional
UPDATE under a lease; its identity and bytes are fixed, and its attempt counted, before the try; it is settled after.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, text, update
from sqlmodel import Session, col, func, select

from reminder.domain.message import Envelope, Outcome
from reminder.domain.reminder import Reason, Reminder, ReminderKind
from reminder.store.reminders import store_reminders
from reminder.store.tables import WAITING_STATES, DeliveryRow, MessageRow, ReminderRow

LEASE = timedelta(minutes=5)
_URGENCY = {kind: n for n, kind in enumerate((ReminderKind.DUE, ReminderKind.ESCALATION, ReminderKind.OVERDUE))}


def put(session: Session, due: Sequence[Reminder], now: datetime, domain: str) -> int:
    """Stores reminders that no cycle stored before, and one message for each recipient and channel among them.

    A message that has not been tried yet takes further reminders for the same recipient in. `domain` is the right
    side of new message ids. Returns how many reminders were new.
    """
    fresh = store_reminders(session, due)
    groups: dict[tuple[str, str, str], list[Reminder]] = {}
    for reminder in due:
        if reminder.key in fresh:
            groups.setdefault((reminder.recipient, reminder.channel, reminder.alone), []).append(reminder)
    for (recipient, channel, alone), group in sorted(groups.items(), key=lambda item: _urgency(item[1])):
        message_pk = _untried(session, recipient, channel, alone)
        if message_pk is None:
            message_pk = _new_message(session, group, now, domain)
        ids = [fresh[reminder.key] for reminder in group]
        session.connection().execute(
            update(ReminderRow).where(col(ReminderRow.id).in_(ids)).values(message_pk=message_pk)
        )
    return len(fresh)


def _urgency(group: Sequence[Reminder]) -> int:
    """Where caps leave room for some only, what is due or red goes first."""
    return min(_URGENCY.get(reminder.firing.kind, len(_URGENCY)) for reminder in group)


def _untried(session: Session, recipient: str, channel: str, alone: str) -> int | None:
    """A waiting message to the same recipient that nobody has claimed or tried."""
    waiting = select(MessageRow.id).where(
        MessageRow.recipient == recipient,
        MessageRow.channel == channel,
        MessageRow.alone == alone,
        MessageRow.own == "",
        col(MessageRow.state).in_(("pending", "held")),
        col(MessageRow.next_attempt_at).is_not(None),  # else a guard holds it, perhaps for good
        MessageRow.attempts == 0,
    )
    return session.exec(waiting.with_for_update(skip_locked=True).limit(1)).first()


def _new_message(session: Session, group: Sequence[Reminder], now: datetime, domain: str) -> int:
    row = MessageRow(
        message_id=f"r-{uuid.uuid4().hex[:20]}@{domain}",
        channel=group[0].channel,
        recipient=group[0].recipient,
        alone=group[0].alone,
        due_at=min(reminder.firing.at for reminder in group),
        created_at=now,
        next_attempt_at=now,
        late=any(reminder.late for reminder in group),
    )
    session.add(row)
    session.flush()
    return _known(row.id)


def sent_since(session: Session, recipient: str, channel: str, since: datetime) -> int:
    """How many messages with reminders `recipient` was sent by `channel` since that instant."""
    sent = select(func.count()).where(
        MessageRow.recipient == recipient,
        MessageRow.channel == channel,
        MessageRow.own == "",
        MessageRow.state == "sent",
        col(MessageRow.finished_at) >= since,
    )
    return session.exec(sent).one()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message under our lease. `payload` is None until its first attempt. `own`: it carries no reminders, see
    `tables.MessageRow`."""

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


def claim(session: Session, now: datetime, limit: int, skip: Iterable[str] = ()) -> list[Claimed]:
    """Leases up to `limit` messages that may be tried at `now`, the longest waiting first.

    Also takes over messages whose lease has run out: their worker died. `skip` names channels to leave alone.
    """
    token = uuid.uuid4().hex
    ready = or_(
        col(MessageRow.state).in_(("pending", "held", "retrying", "unknown")),
        and_(col(MessageRow.state) == "sending", col(MessageRow.lease_until) < now),
    )
    chosen = (
        select(MessageRow.id)
        .where(text(WAITING_STATES), ready, col(MessageRow.next_attempt_at) <= now)
        .where(col(MessageRow.channel).not_in(list(skip)))
        .order_by(col(MessageRow.next_attempt_at), col(MessageRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.connection().execute(
        update(MessageRow)
        .where(col(MessageRow.id).in_(chosen))
        .values(state="sending", lease_token=token, lease_until=now + LEASE)
        .returning(col(MessageRow.id))
    )
    ids = [_known(row[0]) for row in taken]
    if not ids:
        return []
    _close_interrupted(session, ids)
    rows = session.exec(select(MessageRow).where(col(MessageRow.id).in_(ids)).order_by(col(MessageRow.next_attempt_at)))
    return [_claimed(row, token) for row in rows]


def _close_interrupted(session: Session, ids: Sequence[int]) -> None:
    """An attempt still open under a lease that ran out: nobody knows whether the peer accepted it."""
    session.connection().execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.message_pk).in_(ids), col(DeliveryRow.outcome) == "trying")
        .values(outcome="unknown", text="the process died during this attempt")
    )


def _claimed(row: MessageRow, token: str) -> Claimed:
    return Claimed(
        id=_known(row.id),
        message_id=row.message_id,
        token=token,
        channel=row.channel,
        recipient=row.recipient,
        own=row.own,
        attempts=row.attempts,
        created_at=row.created_at,
        written_at=row.written_at,
        addresses=tuple(row.addresses),
        thread_ids=tuple(row.thread_ids),
        payload=row.payload,
    )


@dataclass(frozen=True, slots=True)
class Written:
    """What an attempt sends: the bytes, and their subject for people who look at the outbox."""

    subject: str
    payload: bytes


def begin_attempt(
    session: Session, message: Claimed, envelope: Envelope, written: Written, now: datetime
) -> int | None:
    """Fixes identity and bytes and counts the attempt, before the try. None where the lease was lost meanwhile."""
    fixed: dict[str, object] = {"attempts": MessageRow.attempts + 1, "lease_until": now + LEASE}
    if message.payload is None:
        fixed |= {
            "payload": written.payload,
            "subject": written.subject,
            "addresses": list(envelope.addresses),
            "thread_ids": list(envelope.references),
            "written_at": now,
        }
    if not _update_mine(session, message, **fixed):
        return None
    attempt = DeliveryRow(message_pk=message.id, at=now)
    session.add(attempt)
    session.flush()
    return attempt.id


def settle(session: Session, message: Claimed, delivery_id: int, outcome: Outcome, now: datetime) -> bool:
    """Writes down what came of an attempt. The delivery is recorded even where the lease was lost; then False."""
    session.connection().execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id)
        .values(outcome=outcome.outcome, code=outcome.code, text=outcome.text)
    )
    finished = now if outcome.state in ("sent", "failed") else None
    return _update_mine(
        session,
        message,
        state=outcome.state,
        why=outcome.text if outcome.state == "failed" else "",
        next_attempt_at=outcome.next_attempt_at,
        finished_at=finished,
        lease_token=None,
        lease_until=None,
    )


def only_refused(session: Session, message: Claimed) -> bool:
    """Whether every attempt so far was plainly refused, so that nobody can have it."""
    others = select(func.count()).where(DeliveryRow.message_pk == message.id, DeliveryRow.outcome != "refused")
    return session.exec(others).one() == 0


def fail(session: Session, message: Claimed, why: str, now: datetime) -> bool:
    """Ends a message that cannot be sent to anybody, as a dead letter."""
    released = {"lease_token": None, "lease_until": None, "next_attempt_at": None}
    return _update_mine(session, message, state="failed", why=why, finished_at=now, **released)


def cancel(session: Session, message: Claimed, why: str, now: datetime) -> bool:
    """Ends a message that no longer has anything to say. Only for messages never accepted by anybody."""
    released = {"lease_token": None, "lease_until": None, "next_attempt_at": None}
    return _update_mine(session, message, state="cancelled", why=why, finished_at=now, **released)


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


def _update_mine(session: Session, message: Claimed, **values: object) -> bool:
    """Changes a message only while it is under our lease; a rescued one belongs to somebody else."""
    changed = session.connection().execute(
        update(MessageRow)
        .where(col(MessageRow.id) == message.id, col(MessageRow.lease_token) == message.token)
        .values(**values)
    )
    return changed.rowcount == 1


def _known(key: int | None) -> int:
    if key is None:
        raise ValueError("a stored row has a key")
    return key
