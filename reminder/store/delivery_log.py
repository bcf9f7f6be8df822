"""The delivery log: append-only, in the transaction of what it tells, and sealed afterwards into a chain of SHA-256.

A row's hash covers the row and the hash before it, so that the head, a line in the office's Monday message, vouches for
all that was sent before. Rows are sealed together once a cycle: to chain each at once would make daemons wait for each
other. Sealed are the rows that are there, by their id; one committed late comes after them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, text, update
from sqlmodel import Session, col, func, select

from reminder.store.log_tables import LogBaseRow, LogRow
from reminder.store.outbox_tables import MessageRow, PayloadRow
from reminder.store.prepared import Prepared

FIRST = "0" * 64  # stands before the first row
_TABLE = LogRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_TOLD = ("act", "message_id", "recipient", "channel", "addresses", "sha256", "code", "text")
_BLANK = dict.fromkeys(_TOLD, "")
_APPEND = Prepared(insert(_TABLE).values({name: bindparam(name, type_=_TABLE.c[name].type) for name in ("at", *_TOLD)}))
_LOCK = 0x5EA1ED  # PostgreSQL's advisory lock of whoever seals
_PORTION = 500


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends. It vouches for everything up to it."""

    position: int
    hash: str

    def __str__(self) -> str:
        """As people note it down, and as `outbox verify --head` takes it."""
        return f"{self.position}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place that does not fit. `why`: changed, missing, bytes (a message's are not those that were fixed),
    head (the head noted down elsewhere is not in the chain), letters (some are there of which nothing is told)."""

    position: int
    why: str
    message_id: str = ""


def record(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Appends rows: `at`, `act`, `message_id`, `recipient`, `channel`, and what else the act has to tell."""
    if rows:
        _APPEND.run(connection, [_BLANK | dict(row) for row in rows])


def seal(session: Session, most: int = 5_000) -> int:
    """Chains up to `most` rows that are not sealed yet; returns how many. 0 where somebody else does so right now."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        mine = connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}).scalar()
        if not mine:
            return 0
    before = head(session)
    position, link, sealed = before.position, before.hash, []
    waiting = select(_TABLE).where(_TABLE.c.position.is_(None)).order_by(_TABLE.c.id).limit(most)
    for row in connection.execute(waiting):
        position += 1
        link = _link(link, position, row)
        sealed.append({"key": row.id, "new_position": position, "new_hash": link})
    if sealed:
        closed = update(_TABLE).where(_TABLE.c.id == bindparam("key"))
        connection.execute(closed.values(position=bindparam("new_position"), hash=bindparam("new_hash")), sealed)
    return len(sealed)


def unsealed(session: Session) -> bool:
    """Whether any row waits to be sealed."""
    return session.exec(select(LogRow.id).where(col(LogRow.position).is_(None)).limit(1)).first() is not None


def begins_before(session: Session, instant: datetime) -> bool:
    """Whether its oldest sealed row is from before that instant."""
    oldest = select(LogRow.at).where(col(LogRow.position).is_not(None)).order_by(col(LogRow.position)).limit(1)
    at = session.exec(oldest).first()
    return at is not None and at < instant


def head(session: Session) -> Head:
    """Where the chain ends now."""
    latest = select(LogRow.position, LogRow.hash).where(col(LogRow.position).is_not(None))
    row = session.exec(latest.order_by(col(LogRow.position).desc()).limit(1)).first()
    return Head(row[0] or 0, row[1] or FIRST) if row else base(session)


def base(session: Session) -> Head:
    """What the chain begins after."""
    row = session.get(LogBaseRow, 1)
    return Head(row.position, row.hash) if row else Head(0, FIRST)


def drop(session: Session, before: datetime, now: datetime, most: int) -> int:
    """Drops up to `most` of the oldest sealed rows, those from before that instant; the chain goes on from the last."""
    oldest = select(LogRow.position, LogRow.hash, LogRow.at).where(col(LogRow.position).is_not(None))
    last: Head | None = None
    for position, link, at in session.exec(oldest.order_by(col(LogRow.position)).limit(most)):
        if at >= before:
            break
        last = Head(position or 0, link or "")
    if last is None:
        return 0
    row = session.get(LogBaseRow, 1) or LogBaseRow(position=0, hash=FIRST, dropped_at=now)
    row.position, row.hash, row.dropped_at = last.position, last.hash, now
    session.add(row)
    session.flush()  # the trigger lets rows go that lie before the base
    return session.connection().execute(_TABLE.delete().where(_TABLE.c.position <= last.position)).rowcount


def _link(before: str, position: int, row: Row[Any] | LogRow) -> str:
    told = [position, row.at.astimezone(UTC).isoformat(timespec="microseconds")]
    told += [getattr(row, name) for name in _TOLD]
    line = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return sha256(f"{before}{line}".encode("utf-8", "surrogatepass")).hexdigest()


def verify(session: Session, noted: Head | None = None) -> tuple[int, Broken | None]:
    """How many rows are intact from the first on, and the first that is not. `noted` is a head known from elsewhere."""
    begins, letters = base(session), _letters(session)
    link, intact, met = begins.hash, 0, noted is None or noted == begins
    for row, payload in _with_payloads(session):
        position = begins.position + intact + 1
        if row.position != position:
            return intact, Broken(position, "missing")
        link = _link(link, position, row)
        if row.hash != link:
            return intact, Broken(position, "changed", row.message_id)
        if payload is not None and row.act == "fixed" and sha256(payload).hexdigest() != row.sha256:
            return intact, Broken(position, "bytes", row.message_id)
        met = met or noted == Head(position, link)
        intact += 1
    if noted and not met and noted.position >= begins.position:  # what was dropped for its age cannot be compared
        return intact, Broken(noted.position, "head")
    if letters > _letters_told(session):
        return intact, Broken(begins.position + intact + 1, "letters")
    return intact, None


def _letters(session: Session) -> int:
    """How many letters there are whose bytes were fixed since the oldest row: who cuts the log short leaves them."""
    oldest = session.exec(select(func.min(LogRow.at))).one()
    if oldest is None:
        return 0
    fixed = (col(PayloadRow.message_pk) == col(MessageRow.id), col(MessageRow.written_at) >= oldest)
    return session.exec(select(func.count(col(MessageRow.id))).where(*fixed)).one()


def _letters_told(session: Session) -> int:
    """Of how many letters that are there the log tells, sealed or not."""
    told = select(func.count(LogRow.message_id.distinct()))  # type: ignore[attr-defined]  # SQLModel declares values
    there = told.join(MessageRow, col(MessageRow.message_id) == col(LogRow.message_id))
    fixed = there.join(PayloadRow, col(PayloadRow.message_pk) == col(MessageRow.id))
    return session.exec(fixed.where(LogRow.act == "fixed")).one()


def _with_payloads(session: Session) -> Iterator[tuple[LogRow, bytes | None]]:
    joined = select(LogRow, PayloadRow.content).join(
        MessageRow, (col(MessageRow.message_id) == LogRow.message_id) & (LogRow.act == "fixed"), isouter=True
    )
    there = joined.join(PayloadRow, col(PayloadRow.message_pk) == col(MessageRow.id), isouter=True)
    sealed = there.where(col(LogRow.position).is_not(None)).order_by(col(LogRow.position))
    found = session.exec(sealed.execution_options(yield_per=_PORTION))
    try:
        yield from found
    finally:
        found.close()
