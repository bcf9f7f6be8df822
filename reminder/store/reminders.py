"""Reminders in and out of the database. The unique key of an occasion lives here."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import bindparam
from sqlmodel import Session

from reminder.domain.measure import Measure
from reminder.domain.reminder import Ended, Firing, Key, Line, Reason, Reminder, ReminderKind
from reminder.store.bulk import insert_many
from reminder.store.listed import Listed, read
from reminder.store.measures import by_ids
from reminder.store.outbox_tables import ReminderRow

_UNIQUE = ("rule", "subject", "occasion", "unit", "recipient", "channel")
_WRITTEN = (
    *_UNIQUE,
    *("kind", "at", "late", "provisional", "instead_of", "week", "report_due_at"),
    *("about", "reason", "lines", "message_pk", "outcome", "outcome_reason"),
)
_TABLE = ReminderRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_KNOWN = Listed(
    [_TABLE.c[name] for name in _UNIQUE],
    _TABLE.c.subject,
    _TABLE.c.rule == bindparam("of_rule"),
    _TABLE.c.occasion.between(bindparam("first"), bindparam("last")),
)


def unknown(session: Session, reminders: Iterable[Reminder]) -> list[Reminder]:
    """Those reminders whose occasion is not stored yet, each once."""
    asked = {reminder.key: reminder for reminder in reminders}
    known = _known(session, asked.keys())
    return [reminder for key, reminder in asked.items() if key not in known]


def store_reminders(session: Session, travelling: Iterable[tuple[Reminder, int]]) -> None:
    """Stores reminders, each with the message that it travels in. An occasion that is stored already stays as it is."""
    insert_many(session.connection(), _TABLE, _WRITTEN, (_row(one, message_pk=pk) for one, pk in travelling))


def store_ended(session: Session, ended: Sequence[Ended]) -> None:
    """Stores those occasions that end without a message and are not stored yet, each with its outcome and why."""
    keys = [one.reminder.key for one in ended]
    known = _known(session, keys)
    new = (one for key, one in zip(keys, ended, strict=True) if key not in known)
    rows = (_row(one.reminder, outcome=one.outcome, why=one.reason) for one in new)
    insert_many(session.connection(), _TABLE, _WRITTEN, rows)


def _known(session: Session, keys: Collection[Key]) -> set[Key]:
    """Those of `keys` that are stored already, asked of the unique index rule by rule."""
    subjects: dict[str, set[str]] = defaultdict(set)
    for rule, subject, *_ in keys:
        subjects[rule].add(subject)
    days = {occasion for _, _, occasion, *_ in keys}
    known: set[Key] = set()
    for rule, of_rule in subjects.items():
        if rows := _KNOWN.rows(session, of_rule, of_rule=rule, first=min(days), last=max(days)):
            known.update(zip(*read(_KNOWN.columns, rows, session.get_bind().dialect).values(), strict=True))
    return known


def _row(
    reminder: Reminder, message_pk: int | None = None, outcome: str | None = None, why: Reason | None = None
) -> tuple[Any, ...]:
    """The values of `_WRITTEN`."""
    firing = reminder.firing
    return (
        firing.rule,
        firing.subject,
        firing.occasion,
        firing.unit,
        reminder.recipient,
        reminder.channel,
        firing.kind.value,
        firing.at,
        reminder.late,
        firing.provisional,
        reminder.instead_of,
        firing.week,
        firing.due_at,
        json.dumps(dict(firing.about)) if firing.about else "{}",
        _told(firing.reason.code, tuple(firing.reason.facts.items())),
        _lines(firing),
        message_pk,
        outcome,
        _told(why.code, tuple(why.facts.items())) if why else None,
    )


@lru_cache(maxsize=1024)  # a day has few reasons
def _told(code: str, facts: tuple[tuple[str, str], ...]) -> str:
    return json.dumps({"code": code, "facts": dict(facts)})


def _lines(firing: Firing) -> str:
    """The JSON of what a reminder speaks of: numbers and dates alone, put together by hand because a nudge may list
    hundreds, and there are thousands of nudges."""
    if not firing.lines:
        return json.dumps([{"measure": measure.id, "owed": True} for measure in firing.owed_for])
    told = ((line.measure, [*line.days], line.measure.deadline.counted_down or "") for line in firing.lines)
    lines = [f'{{"measure": {one.id}, "days": {days}, "deadline": "{limit}"}}' for one, days, limit in told]
    return f"[{', '.join(lines)}]"


class _Row(NamedTuple):
    """What is read of a reminder. Rows share what is equal in them: nothing of it may be changed."""

    id: int
    message_pk: int
    rule: str
    kind: str
    subject: str
    unit: str
    occasion: date
    at: datetime
    recipient: str
    channel: str
    late: bool
    provisional: bool
    instead_of: str
    week: str
    report_due_at: datetime | None
    about: Mapping[str, str]
    reason: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]


_TRAVELLING = Listed([_TABLE.c[name] for name in _Row._fields], _TABLE.c.message_pk, _TABLE.c.outcome.is_(None))

Stored = Mapping[int, tuple[Reminder, Mapping[int, date | None]]]
"""The reminders that travel in a message, by row id, each with the deadlines it was planned by."""


def reminders_of(session: Session, message_pks: Collection[int]) -> dict[int, Stored]:
    """The reminders that travel in these messages, by message.

    Their measures are as they stand now; a measure that no longer exists is left out.
    """
    told = _TRAVELLING.rows(session, message_pks)
    if not told:
        return {key: {} for key in message_pks}
    columns = read(_TRAVELLING.columns, told, session.get_bind().dialect)
    rows = sorted(map(_Row._make, zip(*columns.values(), strict=True)), key=attrgetter("at", "id"))
    measures = by_ids(session, {line["measure"] for row in rows for line in row.lines})
    found: dict[int, dict[int, tuple[Reminder, Mapping[int, date | None]]]] = {key: {} for key in message_pks}
    for row in rows:
        found[row.message_pk][row.id] = (_reminder(row, measures), _deadlines(row))
    return dict(found)


def _deadlines(row: _Row) -> dict[int, date | None]:
    return {
        line["measure"]: date.fromisoformat(line["deadline"]) if line.get("deadline") else None for line in row.lines
    }


def _reminder(row: _Row, measures: Mapping[int, Measure]) -> Reminder:
    there = [line for line in row.lines if line["measure"] in measures]
    firing = Firing(
        rule=row.rule,
        kind=ReminderKind(row.kind),
        subject=row.subject,
        unit=row.unit,
        occasion=row.occasion,
        at=row.at,
        lines=tuple(Line(measures[line["measure"]], tuple(line["days"])) for line in there if not line.get("owed")),
        owed_for=tuple(measures[line["measure"]] for line in there if line.get("owed")),
        reason=Reason(row.reason["code"], row.reason["facts"]),
        provisional=row.provisional,
        week=row.week,
        due_at=row.report_due_at,
        about=row.about,
    )
    return Reminder(
        firing=firing,
        recipient=row.recipient,
        channel=row.channel,
        instead_of=row.instead_of,
        late=row.late,
    )
