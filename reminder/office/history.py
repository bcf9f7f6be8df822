"""A measure's life as people read it: its dated acts, and the changes that imports made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from reminder.domain.measure import Status
from reminder.office.find import find
from reminder.store.tables import EventRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act. `planned` marks the day on which a suspension ends by itself."""

    on: date
    act: str
    status: Status | None
    by: str
    because: str
    facts: Mapping[str, Any]
    recorded_at: datetime
    planned: bool = False


def history(session: Session, key: str, locale: str = "zh_CN") -> list[Entry]:
    """What happened to the measure `key`, by day and, within a day, as recorded.

    Raises:
        UsageError: no measure has this code, or several ledgers have it.
    """
    measure = find(session, key, locale)
    events = select(EventRow).where(EventRow.measure_id == measure.id).order_by(col(EventRow.on), col(EventRow.id))
    return [_entry(event) for event in session.exec(events) if not event.facts.get("repeat")]


def _entry(event: EventRow) -> Entry:
    return Entry(
        on=event.on,
        act=event.act,
        status=Status(event.status) if event.status else None,
        by=event.by,
        because=event.because,
        facts={name: value for name, value in event.facts.items() if name != "planned"},
        recorded_at=event.recorded_at,
        planned=bool(event.facts.get("planned")),
    )
