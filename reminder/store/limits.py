"""The deadlines that extensions have replaced: what a measure's limit was on a past day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlmodel import Session, col, select

from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.store.tables import EventRow

_AT_ONCE = 500  # SQLite's limit on parameters is 999 in old builds
Replaced = Mapping[int, Sequence[tuple[date, Deadline]]]


def replaced_limits(session: Session, measures: Iterable[int]) -> Replaced:
    """By measure id, the days from which extensions held and the limits that held before them, the earliest first."""
    wanted, found = sorted(set(measures)), defaultdict[int, list[tuple[date, Deadline]]](list)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        events = select(EventRow).where(EventRow.act == "extend", col(EventRow.measure_id).in_(part))
        for event in session.exec(events.order_by(col(EventRow.on), col(EventRow.id))):
            found[event.measure_id].append((event.on, _before(event)))
    return found


def _before(event: EventRow) -> Deadline:
    text = str(event.facts.get("from_text") or "")
    if on := event.facts.get("from"):
        return Deadline(DeadlineKind.DATE, date.fromisoformat(on), text=text)
    return Deadline(DeadlineKind.VAGUE if text else DeadlineKind.EMPTY, text=text)


def as_of(measure: Measure, day: date, replaced: Replaced) -> Measure:
    """The measure with the limit that it had on `day`."""
    before = next((limit for on, limit in replaced.get(measure.id, ()) if on > day), None)
    return measure._replace(deadline=before) if before else measure
