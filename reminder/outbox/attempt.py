"""Attempts, written down before the try and settled after it; those of several workers in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, insert, text, update
from sqlmodel import Session, col, func, select

from reminder.domain.message import Envelope, Outcome
from reminder.domain.reminder import Reason
from reminder.outbox.lease import LEASE, Claimed, cancel_reminder
from reminder.store.notices import TEMPLATE, Notice, note
from reminder.store.tables import WAITING_STATES, DeliveryRow, MessageRow

_MESSAGES = MessageRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_DELIVERIES = DeliveryRow.__table__  # type: ignore[attr-defined]  # the same
_OURS = and_(_MESSAGES.c.id == bindparam("key"), _MESSAGES.c.lease_token == bindparam("token"))


class LeaseLost(Exception):
    """Some of several messages are no longer ours; which, only trying them one by one tells."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an attempt sends: the bytes, and their subject for people who look at the outbox. `fault` is what was wrong
    with the office's own template, where the built-in one had to be used."""

    subject: str
    payload: bytes
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """An attempt about to be made. `dropped` are the reminders that the message leaves behind, with the reasons."""

    message: Claimed
    envelope: Envelope
    written: Written
    dropped: Mapping[int, Reason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt, at the instant `at`."""

    message: Claimed
    delivery_id: int
    outcome: Outcome
    at: datetime


def begin_attempts(session: Session, starts: Sequence[Start], now: datetime) -> list[int | None]:
    """Fixes identity and bytes and counts each attempt, before the try.

    Returns the key of each delivery, which `settle` closes; None for a single message whose lease was lost meanwhile.

    Raises:
        LeaseLost: one of several was; nothing may be committed, and each is to be begun alone.
    """
    first = [start for start in starts if start.message.payload is None]
    later = [start for start in starts if start.message.payload is not None]
    counted = {"attempts": _MESSAGES.c.attempts + 1, "lease_until": now + LEASE}
    fixed = ("payload", "subject", "addresses", "thread_ids", "written_at")
    values = counted | {name: bindparam(f"new_{name}", type_=_MESSAGES.c[name].type) for name in fixed}
    mine = _ours(session, values, first, _fixed) | _ours(session, counted, later, _named)
    for start in starts:
        if start.message.id in mine:
            for reminder, reason in start.dropped.items():
                cancel_reminder(session, reminder, reason)
    _note_faults(session, first, now)
    going = [start.message.id for start in starts if start.message.id in mine]
    keys = dict(zip(going, _opened(session, going, now), strict=True))
    return [keys.get(start.message.id) for start in starts]


def _note_faults(session: Session, starts: Sequence[Start], now: datetime) -> None:
    for fault in {start.written.fault for start in starts if start.written.fault}:
        note(session, Notice(key=f"{TEMPLATE}:{fault}", code=TEMPLATE, facts={"fault": fault}), now)


def _named(start: Start) -> dict[str, Any]:
    return {"key": start.message.id, "token": start.message.token}


def _fixed(start: Start) -> dict[str, Any]:
    return _named(start) | {
        "new_payload": start.written.payload,
        "new_subject": start.written.subject,
        "new_addresses": list(start.envelope.addresses),
        "new_thread_ids": list(start.envelope.references),
        "new_written_at": start.envelope.written_at,
    }


def _ours(session: Session, values: Mapping[str, Any], starts: Sequence[Start], bound: Any) -> set[int]:
    """Changes these messages, which must be under our lease; the keys of those that are."""
    if not starts:
        return set()
    statement = update(_MESSAGES).where(_OURS).values(**values)
    changed = session.connection().execute(statement, [bound(start) for start in starts]).rowcount
    if changed == len(starts):
        return {start.message.id for start in starts}
    if len(starts) > 1:
        raise LeaseLost(f"{len(starts) - changed} of {len(starts)}")
    return set()


def _opened(session: Session, message_ids: Sequence[int], now: datetime) -> list[int]:
    if not message_ids:
        return []
    rows = [{"message_pk": key, "at": now, "outcome": "trying", "code": "", "text": ""} for key in message_ids]
    opened = insert(_DELIVERIES).returning(_DELIVERIES.c.id, sort_by_parameter_order=True)
    return [key for (key,) in session.connection().execute(opened, rows)]


def settle(session: Session, settled: Sequence[Settled]) -> None:
    """Writes down what came of attempts. A delivery is recorded even where the lease was lost; its message is then
    somebody else's and stays as it is."""
    connection, names = session.connection(), ("outcome", "code", "text")
    closed = update(_DELIVERIES).where(_DELIVERIES.c.id == bindparam("key"))
    connection.execute(
        closed.values(**{name: bindparam(f"new_{name}") for name in names}),
        [{"key": one.delivery_id} | {f"new_{name}": getattr(one.outcome, name) for name in names} for one in settled],
    )
    changed = ("state", "why", "next_attempt_at", "finished_at")
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=_MESSAGES.c[name].type) for name in changed}
    values |= {"lease_token": None, "lease_until": None}
    connection.execute(update(_MESSAGES).where(_OURS).values(**values), [_left(one) for one in settled])


def _left(one: Settled) -> dict[str, Any]:
    state = one.outcome.state
    return {
        "key": one.message.id,
        "token": one.message.token,
        "new_state": state,
        "new_why": one.outcome.text if state == "failed" else "",
        "new_next_attempt_at": one.outcome.next_attempt_at,
        "new_finished_at": one.at if state in ("sent", "failed") else None,
    }


def doubtful(session: Session, ids: Collection[int]) -> set[int]:
    """Those of these messages that somebody may have: not every attempt was plainly refused."""
    if not ids:
        return set()
    others = select(col(DeliveryRow.message_pk)).where(col(DeliveryRow.message_pk).in_(sorted(ids)))
    return set(session.exec(others.where(DeliveryRow.outcome != "refused").distinct()))


def tried_since(session: Session, recipients: Iterable[str], since: datetime) -> Counter[tuple[str, str]]:
    """How many messages with reminders each of these recipients was sent, or may yet get from an attempt, since that
    instant; by recipient and channel."""
    found: Counter[tuple[str, str]] = Counter()
    whom = (col(MessageRow.recipient), col(MessageRow.channel))
    named = and_(whom[0].in_(sorted(set(recipients))), col(MessageRow.own) == "")
    sent = and_(named, col(MessageRow.state) == "sent", col(MessageRow.finished_at) >= since)
    under_way = and_(text(WAITING_STATES), named, col(MessageRow.attempts) > 0, col(MessageRow.written_at) >= since)
    for which in (sent, under_way):
        for recipient, channel, n in session.exec(select(*whom, func.count()).where(which).group_by(*whom)):
            found[recipient, channel] += n
    return found
