"""What was recorded of occasions: the reminders of some days, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from reminder.domain.measure import Measure
from reminder.domain.reminder import Key, Reason
from reminder.store.among import among
from reminder.store.messages import Attempt, attempts_of
from reminder.store.outbox_tables import MessageRow, ReminderRow

Asked = tuple[str, ...]
Answer = tuple[datetime, date, bool]
_COLUMNS = ReminderRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_ASKED = [_COLUMNS[name] for name in ("rule", "subject", "unit", "recipient", "channel")]
_ANSWER = [_COLUMNS[name] for name in ("at", "occasion", "late")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One reminder as stored. `state` is its own outcome, else its message's state; `why` belongs to the message.

    `key` is the unique key of a reminder: rule, subject, occasion, unit, recipient, channel.
    """

    key: Key
    kind: str
    at: datetime
    late: bool
    provisional: bool
    instead_of: str
    reason: Reason
    measures: tuple[int, ...]
    state: str
    ended_by: Reason | None
    message: int | None
    addresses: tuple[str, ...]
    why: str
    next_attempt_at: datetime | None
    attempts: tuple[Attempt, ...]


def recorded(session: Session, first: datetime, end: datetime) -> list[Occasion]:
    """Every reminder that was to go, or late ones whose message was made, from `first` up to but without `end`."""
    due = and_(col(ReminderRow.at) >= first, col(ReminderRow.at) < end)
    caught_up = and_(
        col(ReminderRow.late).is_(True), col(MessageRow.created_at) >= first, col(MessageRow.created_at) < end
    )
    wanted = (
        select(ReminderRow, MessageRow)
        .join(MessageRow, col(ReminderRow.message_pk) == col(MessageRow.id), isouter=True)
        .where(or_(due, caught_up))
        .order_by(col(ReminderRow.at), col(ReminderRow.id))
    )
    rows = session.exec(wanted).all()
    tries = attempts_of(session, (row.message_pk for row, _ in rows if row.message_pk is not None))
    return [_occasion(row, message, tries.get(row.message_pk or 0, ())) for row, message in rows]


def answered_after(session: Session, first: datetime, subjects: Iterable[str]) -> dict[Asked, list[Answer]]:
    """What was answered of these subjects after `first`, by rule, subject, unit, recipient and channel, in the order of
    time: when it was to go, for which occasion, and whether it was late."""
    mine = (among(session, _COLUMNS.subject, set(subjects)), _COLUMNS.at > first, _COLUMNS.outcome.is_(None))
    wanted = select_columns(*_ASKED, *_ANSWER).where(*mine).order_by(_COLUMNS.at)
    found: dict[Asked, list[Answer]] = defaultdict(list)
    for *asked, at, occasion, late in session.connection().execute(wanted):
        found[tuple(asked)].append((at, occasion, late))
    return found


def of_measure(session: Session, measure: Measure, most: int) -> list[Occasion]:
    """The `most` latest reminders that spoke of a measure, the latest first; those of its units' weekly letters too."""
    subjects = or_(
        col(ReminderRow.subject) == f"measure:{measure.id}",
        col(ReminderRow.subject).startswith(f"measure:{measure.id}:"),
        col(ReminderRow.subject).in_([f"unit:{unit}" for unit in measure.units]),
    )
    wanted = (
        select(ReminderRow, MessageRow)
        .join(MessageRow, col(ReminderRow.message_pk) == col(MessageRow.id), isouter=True)
        .where(subjects)
        .order_by(col(ReminderRow.at).desc(), col(ReminderRow.id).desc())
        .limit(most * 2)  # a unit's letter does not speak of every measure
    )
    rows = [one for one in session.exec(wanted) if any(line["measure"] == measure.id for line in one[0].lines)][:most]
    tries = attempts_of(session, (row.message_pk for row, _ in rows if row.message_pk is not None))
    return [_occasion(row, message, tries.get(row.message_pk or 0, ())) for row, message in rows]


def _occasion(row: ReminderRow, message: MessageRow | None, tries: tuple[Attempt, ...]) -> Occasion:
    ended = row.outcome_reason
    return Occasion(
        key=(row.rule, row.subject, row.occasion, row.unit, row.recipient, row.channel),
        kind=row.kind,
        at=row.at,
        late=row.late,
        provisional=row.provisional,
        instead_of=row.instead_of,
        reason=Reason(row.reason["code"], row.reason["facts"]),
        measures=tuple(line["measure"] for line in row.lines),
        state=row.outcome or (message.state if message else "gone"),
        ended_by=Reason(ended["code"], ended["facts"]) if ended else None,
        message=row.message_pk,
        addresses=tuple(message.addresses) if message else (),
        why=message.why if message else "",
        next_attempt_at=message.next_attempt_at if message else None,
        attempts=tries,
    )
