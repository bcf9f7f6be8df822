"""Reminders into the outbox: each once, and one message for those that travel together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from secrets import token_hex

from sqlalchemy import select as select_columns
from sqlalchemy import update
from sqlmodel import Session, col, select

from reminder.domain.reminder import Reminder, ReminderKind
from reminder.store.among import among
from reminder.store.bulk import insert_many
from reminder.store.garbage import uncollected
from reminder.store.outbox_tables import MessageRow
from reminder.store.reminders import store_reminders, unknown

_TABLE = MessageRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_OWN = ("recipient", "channel", "alone", "due_at", "nearest_on", "late")  # what tells a group's message from others
_URGENCY = {kind: n for n, kind in enumerate((ReminderKind.DUE, ReminderKind.ESCALATION, ReminderKind.OVERDUE))}


@uncollected()
def put(session: Session, due: Sequence[Reminder], now: datetime, domain: str) -> int:
    """Stores reminders that no cycle stored before, and one message for each recipient and channel among them.

    A message that has not been tried yet takes further reminders for the same recipient in. `domain` is the right
    side of new message ids. Returns how many reminders were new.
    """
    fresh = unknown(session, due)
    groups: dict[tuple[str, str, str], list[Reminder]] = {}
    for reminder in fresh:
        groups.setdefault((reminder.recipient, reminder.channel, reminder.alone), []).append(reminder)
    waiting = _untried(session, {recipient for recipient, *_ in groups})
    for key, group in groups.items():
        if key in waiting:
            _hurry(session, waiting[key], _nearest(group))
    new = [group for key, group in groups.items() if key not in waiting]
    messages = waiting | _new_messages(session, sorted(new, key=_urgency), now, domain)
    store_reminders(session, ((one, messages[one.recipient, one.channel, one.alone]) for one in fresh))
    return len(fresh)


def _urgency(group: Sequence[Reminder]) -> int:
    """Where caps leave room for some only, what is due or red goes first."""
    return min([_URGENCY.get(reminder.firing.kind, len(_URGENCY)) for reminder in group])


def _untried(session: Session, recipients: Iterable[str]) -> dict[tuple[str, str, str], int]:
    """The waiting messages to these recipients that nobody has claimed or tried: recipient, channel, alone → id."""
    named = (MessageRow.recipient, MessageRow.channel, MessageRow.alone, col(MessageRow.id))
    waiting = select(*named).where(
        among(session, _TABLE.c.recipient, recipients),
        col(MessageRow.finished_at).is_(None),  # for the index
        MessageRow.own == "",
        col(MessageRow.state).in_(("pending", "held")),
        col(MessageRow.next_attempt_at).is_not(None),  # else a guard holds it, perhaps for good
        MessageRow.attempts == 0,
    )
    rows = session.exec(waiting.order_by(col(MessageRow.id).desc()).with_for_update(skip_locked=True))
    return {(recipient, channel, alone): key for recipient, channel, alone, key in rows if key is not None}


def _new_messages(
    session: Session, groups: Sequence[Sequence[Reminder]], now: datetime, domain: str
) -> dict[tuple[str, str, str], int]:
    """A message for each group, in their order: recipient, channel, alone → id."""
    if not groups:
        return {}
    blank = MessageRow(
        message_id="",
        channel="",
        recipient="",
        due_at=now,
        nearest_on=now.date(),
        created_at=now,
        next_attempt_at=now,
    )
    usual = blank.model_dump(exclude={"id", "message_id", *_OWN})
    named = {f"r-{token_hex(10)}@{domain}": group for group in groups}
    rows = ((name, *_own(group), *usual.values()) for name, group in named.items())
    insert_many(session.connection(), _TABLE, ["message_id", *_OWN, *usual], rows)
    return {_addressee(named[name]): key for name, key in _ids(session, named)}


def _own(group: Sequence[Reminder]) -> tuple[object, ...]:
    """The values of `_OWN`."""
    due_at, nearest = min([reminder.firing.at for reminder in group]), _nearest(group)
    return (*_addressee(group), due_at, nearest, any(reminder.late for reminder in group))


def _addressee(group: Sequence[Reminder]) -> tuple[str, str, str]:
    return (group[0].recipient, group[0].channel, group[0].alone)


def _ids(session: Session, names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The message ids in the database's own numbers."""
    stored = select_columns(_TABLE.c.message_id, _TABLE.c.id).where(among(session, _TABLE.c.message_id, names))
    yield from ((name, key) for name, key in session.connection().execute(stored))


def _nearest(group: Sequence[Reminder]) -> date:
    """The nearest deadline that a message with these reminders speaks of, the day it goes where one has passed already
    or there is none."""
    today = min([reminder.firing.at for reminder in group]).date()
    deadlines = [line.measure.deadline.counted_down for reminder in group for line in reminder.firing.lines]
    return max(today, min([day for day in deadlines if day], default=today))


def _hurry(session: Session, message_pk: int, nearest: date) -> None:
    """A waiting message goes no later than the most urgent reminder that joined it."""
    later = (col(MessageRow.id) == message_pk, col(MessageRow.nearest_on) > nearest)
    session.connection().execute(update(MessageRow).where(*later).values(nearest_on=nearest))
