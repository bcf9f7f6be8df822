"""Reminders into the outbox: each once, and one message for those that travel together."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from reminder.domain.reminder import Reminder, ReminderKind
from reminder.store.reminders import store_reminders
from reminder.store.tables import WAITING_STATES, MessageRow, ReminderRow

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
        else:
            _hurry(session, message_pk, _nearest(group))
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
        text(WAITING_STATES),
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
        nearest_on=_nearest(group),
        created_at=now,
        next_attempt_at=now,
        late=any(reminder.late for reminder in group),
    )
    session.add(row)
    session.flush()
    if row.id is None:
        raise ValueError("a stored row has a key")
    return row.id


def _nearest(group: Sequence[Reminder]) -> date:
    """The nearest deadline that a message with these reminders speaks of, the day it goes where one has passed already
    or there is none."""
    firings = [reminder.firing for reminder in group]
    today = min(firing.at.date() for firing in firings)
    deadlines = (line.measure.deadline.counted_down for firing in firings for line in firing.lines)
    return max(today, min((day for day in deadlines if day), default=today))


def _hurry(session: Session, message_pk: int, nearest: date) -> None:
    """A waiting message goes no later than the most urgent reminder that joined it."""
    later = (col(MessageRow.id) == message_pk, col(MessageRow.nearest_on) > nearest)
    session.connection().execute(update(MessageRow).where(*later).values(nearest_on=nearest))
