"""The outbox as people look at it, and what they may do with it: try again, give up, let go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, text, update
from sqlmodel import Session, col, func, select

from reminder.store.outbox_tables import (
    CANCELLED,
    DEAD,
    DIED,
    WAITING_STATES,
    DeliveryRow,
    MessageRow,
    PayloadRow,
    ReminderRow,
)
from reminder.store.tables import MeasureRow

STATES = ("pending", "held", "retrying", "sending", "sent", "unknown", "failed", "cancelled")
_RETRIED = ("failed", "retrying", "unknown")
_CANCELLED = ("pending", "held", "retrying")
_PART = 500  # SQLite's limit on parameters is 999 in old builds


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver: sent, refused, unknown (the peer may have it) or trying."""

    at: datetime
    outcome: str
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One message of the outbox. `why` says why it is held, failed or cancelled; `own` what it is where it carries no
    reminders: morning, week or notice."""

    id: int
    message_id: str
    state: str
    channel: str
    recipient: str
    subject: str
    own: str
    kinds: tuple[str, ...]
    measures: tuple[str, ...]
    created_at: datetime
    late: bool
    why: str
    attempts: tuple[Attempt, ...]
    next_attempt_at: datetime | None


def posted(
    session: Session, state: str | None = None, ids: Collection[int] | None = None, page: tuple[int, int] | None = None
) -> list[Posted]:
    """The messages in this state, or with these ids, the oldest first; without either all. `page` (N, M) are the first
    M of those after number N."""
    wanted = select(MessageRow).order_by(col(MessageRow.id))
    if state is not None:
        wanted = wanted.where(MessageRow.state == state)
    if ids is not None:
        wanted = wanted.where(col(MessageRow.id).in_(sorted(ids)))
    if page is not None:
        wanted = wanted.where(col(MessageRow.id) > page[0]).limit(page[1])
    return _told(session, session.exec(wanted).all())


def newest(session: Session, most: int, state: str | None = None, before: int | None = None) -> list[Posted]:
    """The `most` newest messages, or the newest in this state, the newest first; only those `before` a number."""
    wanted = select(MessageRow).order_by(col(MessageRow.id).desc()).limit(most)
    if before is not None:
        wanted = wanted.where(col(MessageRow.id) < before)
    if state is not None:
        rare = {"failed": DEAD, "cancelled": CANCELLED}.get(state, WAITING_STATES)
        wanted = wanted.where(MessageRow.state == state, *([] if state == "sent" else [text(rare)]))
    return _told(session, session.exec(wanted).all())


def sent_between(session: Session, first: datetime, end: datetime) -> int:
    """How many messages a peer's server accepted from `first` up to but without `end`."""
    at = col(MessageRow.finished_at)
    return session.exec(select(func.count()).where(MessageRow.state == "sent", at >= first, at < end)).one()


def payload_of(session: Session, key: int) -> bytes | None:
    """The bytes of a message; None where it has not been tried, or they are no longer kept."""
    return session.exec(select(PayloadRow.content).where(PayloadRow.message_pk == key)).first()


def _told(session: Session, rows: Sequence[MessageRow]) -> list[Posted]:
    keys = [row.id for row in rows if row.id is not None]
    tries, carried = attempts_of(session, keys), _carried(session, keys)
    return [_posted(row, tries.get(row.id or 0, ()), carried.get(row.id or 0, [])) for row in rows]


def _posted(row: MessageRow, tries: tuple[Attempt, ...], carried: list[tuple[str, tuple[str, ...]]]) -> Posted:
    return Posted(
        id=row.id or 0,
        message_id=row.message_id,
        state=row.state,
        channel=row.channel,
        recipient=row.recipient,
        subject=row.subject,
        own=row.own.partition(":")[0],
        kinds=tuple(dict.fromkeys(kind for kind, _ in carried)),
        measures=tuple(dict.fromkeys(key for _, keys in carried for key in keys)),
        created_at=row.created_at,
        late=row.late,
        why=row.why,
        attempts=tries,
        next_attempt_at=row.next_attempt_at,
    )


def attempts_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[Attempt, ...]]:
    """The attempts of these messages, in their order."""
    found: dict[int, list[Attempt]] = defaultdict(list)
    for part in _parts(ids):
        of_these = select(DeliveryRow).where(col(DeliveryRow.message_pk).in_(part)).order_by(col(DeliveryRow.id))
        for row in session.exec(of_these):
            found[row.message_pk].append(Attempt(row.at, row.outcome, row.code, row.text))
    return {key: tuple(tries) for key, tries in found.items()}


def _carried(session: Session, ids: Iterable[int]) -> dict[int, list[tuple[str, tuple[str, ...]]]]:
    """For each message the kind and the measures of every reminder in it."""
    rows: list[tuple[int | None, str, list[dict[str, Any]]]] = []
    for part in _parts(ids):
        travelling = select(col(ReminderRow.message_pk), col(ReminderRow.kind), col(ReminderRow.lines))
        rows += session.exec(
            travelling.where(col(ReminderRow.message_pk).in_(part)).order_by(
                col(ReminderRow.at), col(ReminderRow.rule), col(ReminderRow.id)
            )
        ).all()
    shown = {line["measure"] for *_, lines in rows for line in lines if not line.get("owed")}
    keys = measure_keys(session, shown)
    found: dict[int, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for message, kind, lines in rows:
        named = tuple(keys[line["measure"]] for line in lines if line["measure"] in keys)
        found[message or 0].append((kind, named))
    return found


def measure_keys(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """How people call these measures: `code`, or `ledger/code` where the ledger has a name."""
    found: dict[int, str] = {}
    for part in _parts(ids):
        named = select(col(MeasureRow.id), col(MeasureRow.ledger), col(MeasureRow.code))
        for key, ledger, code in session.exec(named.where(col(MeasureRow.id).in_(part))):
            found[key or 0] = f"{ledger}/{code}" if ledger else code
    return found


def _parts(ids: Iterable[int]) -> Iterable[list[int]]:
    wanted = sorted(set(ids))
    return (wanted[start : start + _PART] for start in range(0, len(wanted), _PART))


def retry(session: Session, ids: Collection[int], now: datetime) -> set[int]:
    """Lets messages that failed, or wait for their next try, be tried at `now`. Returns those that could be.

    Their attempts stay counted: a message that was tried keeps its identity and its bytes. Deaths of the process in
    them are forgiven, though: enough of them in a row would end it at once.
    """
    again = {"state": "pending", "next_attempt_at": now, "finished_at": None, "why": ""}
    retried = _changed(session, ids, col(MessageRow.state).in_(_RETRIED), again)
    died = update(DeliveryRow).where(col(DeliveryRow.message_pk).in_(sorted(retried)), col(DeliveryRow.text) == DIED)
    session.connection().execute(died.values(text=f"{DIED}; tried again by hand since"))
    return retried


def cancel(session: Session, ids: Collection[int], why: str, now: datetime) -> set[int]:
    """Ends messages that wait, where nobody can have received them (every attempt was plainly refused), and dead
    letters, which nobody has to see to any more. Returns those that were ended."""
    doubtful = select(col(DeliveryRow.message_pk)).where(col(DeliveryRow.outcome) != "refused")
    waits = col(MessageRow.id).not_in(doubtful) & col(MessageRow.state).in_(_CANCELLED)
    sure = or_(waits, col(MessageRow.state) == "failed")
    ended = {"state": "cancelled", "next_attempt_at": None, "finished_at": now, "why": why}
    return _changed(session, ids, sure, ended)


def release(session: Session, now: datetime, newer_than: datetime | None = None) -> set[int]:
    """Lets messages go at `now` that wait for their hour, or only those made since `newer_than`. Returns them.

    `holding.release` also lets go what a guard holds.
    """
    held = select(col(MessageRow.id)).where(MessageRow.state == "held", col(MessageRow.next_attempt_at).is_not(None))
    if newer_than is not None:
        held = held.where(col(MessageRow.created_at) >= newer_than)
    ids = [key for key in session.exec(held) if key is not None]
    free = {"state": "pending", "next_attempt_at": now, "why": ""}
    return _changed(session, ids, col(MessageRow.state) == "held", free)


def _changed(
    session: Session, ids: Collection[int], allowed: ColumnElement[bool], values: Mapping[str, object]
) -> set[int]:
    """Changes those of `ids` that are allowed at this very moment: a worker may have claimed one meanwhile."""
    changed: set[int] = set()
    for part in _parts(ids):
        statement = update(MessageRow).where(col(MessageRow.id).in_(part), allowed).values(**values)
        returned = session.connection().execute(statement.returning(col(MessageRow.id)))
        changed |= {key for (key,) in returned if key is not None}
    return changed


def count_by_state(session: Session) -> dict[str, int]:
    """How many messages stand in each state; every state is named. What is sent is counted as the rest of all: of the
    millions that some years send, only an index is read, and never their bytes."""
    number = func.count(col(MessageRow.id))
    counts = dict.fromkeys(STATES, 0)
    counted = select(MessageRow.state, number).where(text(WAITING_STATES)).group_by(MessageRow.state)
    counts |= dict(session.exec(counted).all())
    for state, condition in (("failed", DEAD), ("cancelled", CANCELLED)):
        counts[state] = session.exec(select(number).where(text(condition))).one()
    counts["sent"] = session.exec(select(func.count()).select_from(MessageRow)).one() - sum(counts.values())
    return counts


def channels_waiting(session: Session) -> frozenset[str]:
    """The channels by which some message may still go."""
    return frozenset(session.exec(select(MessageRow.channel).where(text(WAITING_STATES)).distinct()).all())


def waiting_since(session: Session, now: datetime) -> datetime | None:
    """Since when the longest waiting message may go but has not; None where none waits."""
    oldest = select(func.min(MessageRow.next_attempt_at)).where(text(WAITING_STATES))
    return session.exec(oldest.where(col(MessageRow.next_attempt_at) <= now)).one()


def due_count(session: Session, now: datetime) -> int:
    """How many messages may go at `now`."""
    due = select(func.count(col(MessageRow.id))).where(text(WAITING_STATES), col(MessageRow.next_attempt_at) <= now)
    return session.exec(due).one()


def stuck_since(session: Session, lapsed: datetime) -> int:
    """How many messages are under a lease that had run out by then: their worker died and nobody took them over."""
    leased = (text(WAITING_STATES), MessageRow.state == "sending", col(MessageRow.lease_until) < lapsed)
    return session.exec(select(func.count(col(MessageRow.id))).where(*leased)).one()
