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
from reminder.store.outlines import outlined_again

_UNIQUE = ("rule", "subject", "occasion", "unit", "recipient", "channel")
_WRITTEN = (
    *_UNIQUE,
    *("kind", "at", "late", "provisional", "instead_of", "week", "report_due_at"),
    *("about", "reason", "lines", "message_pk", "outcome", "outcome_reason"),
)
_LONG = 20  # lines; of fewer a letter shows all
_LISTED = '{"measure": %d}'
_LINE = '{"measure": %d, "days": %s, "deadline": "%s"}'
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
    for key in _known(session, asked.keys()):
        asked.pop(key, None)
    return list(asked.values())


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
    subjects: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        subjects[key[0]].append(key[1])
    days = {key[2] for key in keys}
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
    hundreds, and there are thousands of nudges. It says nothing of days and deadlines: it holds whatever they are."""
    if not firing.lines:
        return json.dumps([{"measure": measure.id, "owed": True} for measure in firing.owed_for])
    if firing.kind is ReminderKind.NUDGE:
        return f"[{', '.join([_LISTED % one.id for one, _ in firing.lines])}]"
    told = [
        _LINE % (one.id, _days(days), limit.isoformat() if (limit := one.deadline.counted_down) else "")
        for one, days in firing.lines
    ]
    return f"[{', '.join(told)}]"


@lru_cache(maxsize=256)
def _days(days: tuple[int, ...]) -> str:
    return str([*days])


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


def reminders_of(session: Session, message_pks: Collection[int], *, outlined: bool = False) -> dict[int, Stored]:
    """The reminders that travel in these messages, by message.

    Their measures are as they stand now; a measure that no longer exists is left out. With `outlined` those of long
    lists may be read in outline: enough for the re-check, but not for a letter, see `store.shown`.
    """
    told = _TRAVELLING.rows(session, message_pks)
    if not told:
        return {key: {} for key in message_pks}
    columns = read(_TRAVELLING.columns, told, session.get_bind().dialect)
    rows = sorted(map(_Row._make, zip(*columns.values(), strict=True)), key=attrgetter("at", "id"))
    measures = _measures(session, rows, {row.unit for row in rows if outlined and len(row.lines) > _LONG})
    found: dict[int, dict[int, tuple[Reminder, Mapping[int, date | None]]]] = {key: {} for key in message_pks}
    for row in rows:
        found[row.message_pk][row.id] = (_reminder(row, measures[row.unit]), _deadlines(row))
    return dict(found)


def _measures(session: Session, rows: Sequence[_Row], outlined: Collection[str]) -> dict[str, dict[int, Measure]]:
    """The measures that these reminders speak of, by unit and id; of the units `outlined` in outline, where that
    tells all that decides whether they are still reminded of."""
    listed: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        listed[row.unit].update([line["measure"] for line in row.lines])
    again = outlined_again(session, {unit: listed[unit] for unit in outlined})
    found = {unit: again.get(unit, {}) for unit in listed}
    missing = {unit: ids - found[unit].keys() for unit, ids in listed.items()}
    told = by_ids(session, set().union(*missing.values()))
    for unit, ids in missing.items():
        found[unit] |= {one: told[one] for one in ids if one in told}
    return found


def _deadlines(row: _Row) -> dict[int, date | None]:
    if row.kind == ReminderKind.NUDGE:
        return {}  # it was planned by none
    return {line["measure"]: _read_day(line.get("deadline")) for line in row.lines}


@lru_cache(maxsize=8192)  # thousands of letters speak of the same few days
def _read_day(day: str | None) -> date | None:
    return date.fromisoformat(day) if day else None


def _reminder(row: _Row, measures: Mapping[int, Measure]) -> Reminder:
    there = [(measures[line["measure"]], line) for line in row.lines if line["measure"] in measures]
    firing = Firing(
        rule=row.rule,
        kind=ReminderKind(row.kind),
        subject=row.subject,
        unit=row.unit,
        occasion=row.occasion,
        at=row.at,
        lines=tuple([Line(measure, tuple(line.get("days", ()))) for measure, line in there if "owed" not in line]),
        owed_for=tuple([measure for measure, line in there if "owed" in line]),
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
