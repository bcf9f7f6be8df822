"""What the service remembers from one cycle to the next: when it ran, which parts of the configuration it knew,
whether a guard holds all sending, and when it last wrote to the office of its own accord."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from reminder.store.engine import one_at_a_time
from reminder.store.service_tables import CycleRow
from reminder.store.tables import MeasureRow


@dataclass(frozen=True, slots=True)
class Memory:
    """The last cycle's instant (None before the first one) and the parts it knew.

    `marked`: its instant is also kept outside the database. `held_why` names the guard that holds all sending since
    `held_since`; "" where none does. `looked_on`, `told_at`: see `service_tables.CycleRow`.
    """

    last_at: datetime | None = None
    known: frozenset[str] = frozenset()
    marked: bool = False
    held_since: datetime | None = None
    held_why: str = ""
    looked_on: date | None = None
    told_at: datetime | None = None


def recall(session: Session, *, alone: bool = False) -> Memory:
    """What the last cycle left behind. With `alone` other cycles wait until this transaction has ended."""
    if alone:
        one_at_a_time(session, "cycle")  # before the first one there is no row to be locked
    row = session.exec(select(CycleRow).where(CycleRow.id == 1).with_for_update() if alone else _ONE).first()
    session.info[_KEPT] = row  # a session forgets what nobody keeps, and its names are thousands
    if row is None:
        return Memory()
    return Memory(
        last_at=row.last_at,
        known=frozenset(row.known),
        marked=row.marked,
        held_since=row.held_since,
        held_why=row.held_why,
        looked_on=row.looked_on,
        told_at=row.told_at,
    )


_ONE = select(CycleRow).where(CycleRow.id == 1)
_KEPT = "cycle"


def remember(
    session: Session, now: datetime, known: Collection[str], counts: Mapping[str, int], *, marked: bool = False
) -> None:
    """Closes a cycle: from now on every measure is known, and so are these parts of the configuration."""
    row = _row(session)
    row.last_at, row.known, row.counts, row.marked = now, sorted(known), dict(counts), marked
    session.add(row)
    unseen = update(MeasureRow).where(col(MeasureRow.seen_at).is_(None))
    session.connection().execute(unseen.values(seen_at=now))


def hold(session: Session, why: str, now: datetime) -> None:
    """From now on the guard `why` holds all sending, until `let_go`."""
    row = _row(session)
    row.held_why, row.held_since = why, now
    session.add(row)


def let_go(session: Session, now: datetime) -> str:
    """Ends a guard's hold; returns which guard held, "" where none did.

    A last cycle that lies in the future is moved to `now`: the clock that said so was wrong, and nothing would be
    planned until it came true.
    """
    row = _row(session)
    held, row.held_why, row.held_since = row.held_why, "", None
    if row.last_at is not None and row.last_at > now:
        row.last_at = now
    session.add(row)
    return held


def looked(session: Session, day: date, told_at: datetime | None) -> None:
    """The office's own message was considered on `day`, and made at `told_at` if at all."""
    row = _row(session)
    row.looked_on, row.told_at = day, told_at or row.told_at
    session.add(row)


def _row(session: Session) -> CycleRow:
    return session.get(CycleRow, 1) or CycleRow(id=1)
