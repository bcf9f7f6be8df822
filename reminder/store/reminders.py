"""Reminders in and out of the database. The unique key of an occasion lives here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row
from sqlalchemy import select as select_columns
from sqlmodel import Session

from reminder.domain.measure import Measure
from reminder.domain.reminder import Ended, Firing, Line, Reason, Reminder, ReminderKind
from reminder.store.insert import insert_into
from reminder.store.measures import by_ids
from reminder.store.tables import ReminderRow

_UNIQUE = ("rule", "subject", "occasion", "unit", "recipient", "channel")
_TABLE = ReminderRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it


def store_reminders(session: Session, reminders: Sequence[Reminder]) -> dict[tuple[str, ...], int]:
    """Stores those reminders whose occasion is not stored yet. Returns the new rows' ids by `Reminder.key`."""
    return _store(session, [_row(reminder) for reminder in reminders])


def store_ended(session: Session, ended: Sequence[Ended]) -> None:
    """Stores those occasions that end without a message and are not stored yet, each with its outcome and why."""
    _store(session, [_row(one.reminder) | {"outcome": one.outcome, **_told(one.reason)} for one in ended])


def _told(reason: Reason) -> dict[str, Any]:
    return {"outcome_reason": {"code": reason.code, "facts": dict(reason.facts)}}


def _store(session: Session, rows: list[dict[str, Any]]) -> dict[tuple[str, ...], int]:
    if not rows:
        return {}
    connection = session.connection()
    statement = insert_into(_TABLE, connection).on_conflict_do_nothing(index_elements=_UNIQUE)
    returned = statement.returning(_TABLE.c.id, *(_TABLE.c[name] for name in _UNIQUE))
    found = connection.execute(returned, rows)
    return {(row[1], row[2], row[3].isoformat(), *row[4:]): row[0] for row in found}


def _row(reminder: Reminder) -> dict[str, Any]:
    firing = reminder.firing
    shown = [
        {"measure": line.measure.id, "days": list(line.days), "deadline": str(line.measure.deadline.counted_down or "")}
        for line in firing.lines
    ]
    return {
        **dict(zip(_UNIQUE, reminder.key, strict=True)),
        "occasion": firing.occasion,
        "kind": firing.kind.value,
        "at": firing.at,
        "late": reminder.late,
        "provisional": firing.provisional,
        "instead_of": reminder.instead_of,
        "week": firing.week,
        "report_due_at": firing.due_at,
        "about": dict(firing.about),
        "reason": {"code": firing.reason.code, "facts": dict(firing.reason.facts)},
        "lines": shown or [{"measure": measure.id, "owed": True} for measure in firing.owed_for],
    }


Stored = Mapping[int, tuple[Reminder, Mapping[int, date | None]]]
"""The reminders that travel in a message, by row id, each with the deadlines it was planned by."""


def reminders_of(session: Session, message_pks: Collection[int]) -> dict[int, Stored]:
    """The reminders that travel in these messages, by message.

    Their measures are as they stand now; a measure that no longer exists is left out.
    """
    wanted = select_columns(_TABLE).where(_TABLE.c.message_pk.in_(message_pks), _TABLE.c.outcome.is_(None))
    rows = session.connection().execute(wanted.order_by(_TABLE.c.at, _TABLE.c.id)).all()
    measures = by_ids(session, (line["measure"] for row in rows for line in row.lines))
    found: dict[int, dict[int, tuple[Reminder, Mapping[int, date | None]]]] = {key: {} for key in message_pks}
    for row in rows:
        found[row.message_pk or 0][row.id or 0] = (_reminder(row, measures), _deadlines(row))
    return dict(found)


def _deadlines(row: Row[Any]) -> dict[int, date | None]:
    return {
        line["measure"]: date.fromisoformat(line["deadline"]) if line.get("deadline") else None for line in row.lines
    }


def _reminder(row: Row[Any], measures: Mapping[int, Measure]) -> Reminder:
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
        message=str(row.message_pk or ""),
        instead_of=row.instead_of,
        late=row.late,
    )
