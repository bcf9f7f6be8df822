"""What the daemon remembers from one cycle to the next: when it ran, and which parts of the configuration it knew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from reminder.store.tables import CycleRow, MeasureRow


@dataclass(frozen=True, slots=True)
class Memory:
    """The last cycle's instant (None before the first one) and the parts it knew."""

    last_at: datetime | None = None
    known: frozenset[str] = frozenset()


def recall(session: Session) -> Memory:
    """What the last cycle left behind."""
    row = session.get(CycleRow, 1)
    return Memory(row.last_at, frozenset(row.known)) if row else Memory()


def remember(session: Session, now: datetime, known: Collection[str], counts: Mapping[str, int]) -> None:
    """Closes a cycle: from now on every measure is known, and so are these parts of the configuration."""
    row = session.get(CycleRow, 1) or CycleRow(id=1)
    row.last_at, row.known, row.counts = now, sorted(known), dict(counts)
    session.add(row)
    unseen = update(MeasureRow).where(col(MeasureRow.seen_at).is_(None))
    session.connection().execute(unseen.values(seen_at=now))
