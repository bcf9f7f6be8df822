"""What was told by a guessed calendar is not told again when the calendar is known and the day is another one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from sqlalchemy import text
from sqlmodel import Session, col, select

from reminder.domain.reminder import Ended, Reason, Reminder
from reminder.store.among import among
from reminder.store.outbox_tables import PROVISIONAL, ReminderRow

_TABLE = ReminderRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
Told = dict[tuple[str, str, str, str, str], list[tuple[date, str, frozenset[int]]]]


def told_by_guess(session: Session, due: Sequence[Reminder]) -> list[Ended]:
    """Those of `due` whose distances from the same deadline an earlier provisional reminder has told already."""
    if session.exec(select(ReminderRow.id).where(text(PROVISIONAL)).limit(1)).first() is None:
        return []  # as in every year whose calendar was published in time
    counted = [reminder for reminder in due if any(line.days for line in reminder.firing.lines)]
    told = _told(session, {reminder.firing.subject for reminder in counted})
    found = []
    for reminder in counted:
        firing = reminder.firing
        passed = {day for line in firing.lines for day in line.days}
        deadline = str(firing.lines[0].measure.deadline.counted_down or "")
        for occasion, to, days in told.get((firing.rule, firing.subject, *reminder.key[3:]), ()):
            if occasion != firing.occasion and to == deadline and passed <= days:
                found.append(Ended(reminder, "superseded", Reason("superseded", {"by": str(occasion)})))
                break
    return found


def _told(session: Session, subjects: Collection[str]) -> Told:
    told: Told = {}
    rows = (
        select(ReminderRow)
        .where(text(PROVISIONAL))
        .where(among(session, _TABLE.c.subject, subjects), col(ReminderRow.outcome).is_(None))
    )
    for row in session.exec(rows):
        key = (row.rule, row.subject, row.unit, row.recipient, row.channel)
        told.setdefault(key, []).append((row.occasion, _deadline(row.lines), _days(row.lines)))
    return told


def _deadline(lines: Iterable[dict[str, object]]) -> str:
    return next((str(line.get("deadline") or "") for line in lines), "")


def _days(lines: Iterable[dict[str, object]]) -> frozenset[int]:
    listed = (line.get("days") for line in lines)
    return frozenset(day for days in listed if isinstance(days, list) for day in days)
