"""Attempts, written down before the try and settled after it; those of several workers in one transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Table,
    and_,
    bindparam,
    insert,
    literal_column,
    or_,
    update,
)
from sqlmodel import Session, col, select

from reminder.domain.message import Envelope, Outcome
from reminder.domain.reminder import Reason
from reminder.outbox.lease import LEASE, Claimed, cancel_reminder, told_of
from reminder.store.delivery_log import record
from reminder.store.listed import Listed
from reminder.store.notices import TEMPLATE, Notice, note
from reminder.store.outbox_tables import DIED, DeliveryRow, MessageRow, PayloadRow
from reminder.store.prepared import Prepared

_MESSAGES = MessageRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_PAYLOADS = PayloadRow.__table__  # type: ignore[attr-defined]  # the same
_DELIVERIES = DeliveryRow.__table__  # type: ignore[attr-defined]  # the same
_BLANK: ColumnElement[str] = literal_column("''")  # as a parameter of each row it would count towards a limit
_OURS = and_(_MESSAGES.c.id == bindparam("key"), _MESSAGES.c.lease_token == bindparam("token"))
_UNTRIED = and_(_OURS, _MESSAGES.c.attempts == bindparam("tried"))


def _new(table: Table, *names: str) -> dict[str, Any]:
    """Columns to be set, each from a parameter called `new_` and its name."""
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


_COUNTED = {"attempts": _MESSAGES.c.attempts + 1} | _new(_MESSAGES, "lease_until")
_FIXED = _new(_MESSAGES, "subject", "addresses", "thread_ids", "written_at")
_BEGIN_FIRST = Prepared(update(_MESSAGES).where(_UNTRIED).values(**_COUNTED, **_FIXED))
_BEGIN_AGAIN = Prepared(update(_MESSAGES).where(_UNTRIED).values(**_COUNTED))
_KEEP = Prepared(insert(_PAYLOADS).values(message_pk=bindparam("key"), content=bindparam("content", type_=LargeBinary)))
_SINCE: ColumnElement[datetime] = bindparam("since", type_=_MESSAGES.c.written_at.type)
_TO = ([_MESSAGES.c.recipient, _MESSAGES.c.channel], _MESSAGES.c.recipient, _MESSAGES.c.own == "")
_SENT = Listed(*_TO, _MESSAGES.c.state == "sent", _MESSAGES.c.finished_at >= _SINCE)
_UNENDED = _MESSAGES.c.finished_at.is_(None)
_UNDER_WAY = Listed(*_TO, _UNENDED, _MESSAGES.c.attempts > 0, _MESSAGES.c.written_at >= _SINCE)
_UNREFUSED = Listed([_DELIVERIES.c.message_pk], _DELIVERIES.c.message_pk, _DELIVERIES.c.outcome != "refused")
_NEWS = _new(_DELIVERIES, "outcome", "code", "text")
_CLOSE = Prepared(
    update(_DELIVERIES)
    .where(_DELIVERIES.c.id == bindparam("key"), or_(*(_DELIVERIES.c[name] != new for name, new in _NEWS.items())))
    .values(**_NEWS)
)
_LEAVE = Prepared(
    update(_MESSAGES)
    .where(_OURS)
    .values(**_new(_MESSAGES, "state", "why", "next_attempt_at", "finished_at"), lease_token=None, lease_until=None)
)


class NotTogether(Exception):
    """Some of several messages are no longer ours, or done with before; which, only doing them one by one tells."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an attempt sends: the bytes, and their subject for people who look at the outbox. `fault` is what was wrong
    with the office's own template, where the built-in one had to be used."""

    subject: str
    payload: bytes
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """An attempt about to be made. `dropped` are the reminders that the message leaves behind, with the reasons;
    `doubted` says that somebody may have it from an attempt before."""

    message: Claimed
    envelope: Envelope
    written: Written
    dropped: Mapping[int, Reason] = field(default_factory=dict)
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt, at the instant `at`."""

    message: Claimed
    delivery_id: int
    outcome: Outcome
    at: datetime


def begin_attempts(connection: Connection, starts: Sequence[Start], now: datetime) -> list[int | None]:
    """Fixes identity and bytes and counts each attempt, before the try.

    Returns the key of each delivery, which `settle` closes; None for a single message whose lease was lost meanwhile.
    Who was not told that it was committed may say it again: the attempt is begun once.

    Raises:
        NotTogether: one of several cannot begin; nothing may be committed, and each is to be begun alone.
    """
    new = [start for start in starts if start.message.payload is None]
    leased = {"new_lease_until": now + LEASE}
    first = [_named(start) | leased | _fixed(start) for start in new]
    later = [_named(start) | leased for start in starts if start.message.payload is not None]
    for statement, rows in ((_BEGIN_FIRST, first), (_BEGIN_AGAIN, later)):
        changed = statement.run(connection, rows).rowcount if rows else 0
        if changed < len(rows):
            if len(starts) > 1:
                raise NotTogether(f"{len(rows) - changed} of {len(rows)}")
            return [_begun_before(connection, starts[0])]
    if new:
        _KEEP.run(connection, [{"key": start.message.id, "content": start.written.payload} for start in new])
    for start in starts:
        for reminder, reason in start.dropped.items():
            cancel_reminder(connection, reminder, reason)
    _note_faults(connection, starts, now)
    record(connection, [_bytes_fixed(start, now) for start in new])
    facts = {f"new_message_pk_{n}": start.message.id for n, start in enumerate(starts)}
    opened = {message: key for key, message in _opening(len(starts)).all(connection, facts | {"new_at": now})}
    return [opened[start.message.id] for start in starts]


def _begun_before(connection: Connection, start: Start) -> int | None:
    """The delivery of an attempt that was begun under our lease, the answer to whose COMMIT was lost."""
    ours = and_(col(MessageRow.id) == start.message.id, col(MessageRow.lease_token) == start.message.token)
    begun = and_(ours, col(MessageRow.attempts) == start.message.attempts + 1)
    opened = select(DeliveryRow.id).join(MessageRow, col(MessageRow.id) == col(DeliveryRow.message_pk))
    return connection.scalar(opened.where(begun, DeliveryRow.outcome == "trying"))


@lru_cache(maxsize=64)
def _opening(many: int) -> Prepared:
    """Opens so many deliveries at once and returns their keys, each with its message: no order is promised."""
    same = _new(_DELIVERIES, "at") | {"outcome": literal_column("'trying'")} | dict.fromkeys(("code", "text"), _BLANK)
    rows = [{"message_pk": bindparam(f"new_message_pk_{n}", type_=Integer)} | same for n in range(many)]
    return Prepared(insert(_DELIVERIES).values(rows).returning(_DELIVERIES.c.id, _DELIVERIES.c.message_pk))


def _note_faults(connection: Connection, starts: Sequence[Start], now: datetime) -> None:
    if faults := {start.written.fault for start in starts if start.written.fault}:
        with Session(connection) as session:
            for fault in faults:
                note(session, Notice(key=f"{TEMPLATE}:{fault}", code=TEMPLATE, facts={"fault": fault}), now)


def _named(start: Start) -> dict[str, Any]:
    return {"key": start.message.id, "token": start.message.token, "tried": start.message.attempts}


def _fixed(start: Start) -> dict[str, Any]:
    return {
        "new_subject": start.written.subject,
        "new_addresses": list(start.envelope.addresses),
        "new_thread_ids": list(start.envelope.references),
        "new_written_at": start.envelope.written_at,
    }


def _bytes_fixed(start: Start, now: datetime) -> dict[str, object]:
    """What the delivery log says of a message's bytes: from now on they are these, and go there."""
    told = {"addresses": ", ".join(start.envelope.addresses), "sha256": sha256(start.written.payload).hexdigest()}
    return told_of(start.message, "fixed", now) | told


def settle(connection: Connection, settled: Sequence[Settled]) -> bool:
    """Writes down what came of attempts; False for a single one that was written down before, the answer to whose
    COMMIT was lost. A delivery is recorded even where the lease was lost; its message is then somebody else's and stays
    as it is.

    Raises:
        NotTogether: one of several was; nothing may be committed, and each is to be settled alone.
    """
    closed = _CLOSE.run(connection, [_outcome(one) for one in settled]).rowcount
    if closed < len(settled):
        if len(settled) > 1:
            raise NotTogether(f"{len(settled) - closed} of {len(settled)}")
        return False
    record(connection, [told_of(one.message, one.outcome.outcome, one.at) | _answer(one) for one in settled])
    _LEAVE.run(connection, [_left(one) for one in settled])
    return True


def _outcome(one: Settled) -> dict[str, Any]:
    return {"key": one.delivery_id} | {f"new_{name}": getattr(one.outcome, name) for name in _NEWS}


def _answer(one: Settled) -> dict[str, object]:
    return {"code": one.outcome.code, "text": one.outcome.text}


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
    return {key for (key,) in _UNREFUSED.rows(session, ids)} if ids else set()


def deadly(session: Session, ids: Collection[int], times: int) -> set[int]:
    """Those of these messages in each of whose last `times` attempts the process died: they may be what it died of."""
    deaths: dict[int, list[bool]] = defaultdict(list)
    if ids:
        told = select(DeliveryRow.message_pk, DeliveryRow.text).where(col(DeliveryRow.message_pk).in_(sorted(ids)))
        for key, said in session.exec(told.order_by(col(DeliveryRow.id).desc())):
            deaths[key].append(said == DIED)
    return {key for key, died in deaths.items() if len(died) >= times and all(died[:times])}


def tried_since(session: Session, recipients: Iterable[str], since: datetime) -> Counter[tuple[str, str]]:
    """How many messages with reminders each of these recipients was sent, or may yet get from an attempt, since that
    instant; by recipient and channel."""
    names = set(recipients)
    found = (row for which in (_SENT, _UNDER_WAY) for row in which.rows(session, names, since=since)) if names else ()
    return Counter((recipient, channel) for recipient, channel in found)
