"""What the daemons of one database remember together of each destination: how it stands and what it was sent lately.

A destination that nothing was ever the matter with, and that has no limits, has no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from reminder.domain.destination import Rate, Standing, free_at, room, still_counting
from reminder.store.insert import insert_into
from reminder.store.outbox_tables import DestinationRow

_TABLE = DestinationRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it


def standing(session: Session, name: str) -> Standing:
    """How this destination stands."""
    row = session.get(DestinationRow, name)
    return Standing(row.failures, row.paused_until, row.disabled_at, row.why) if row else Standing()


def standing_locked(session: Session, name: str) -> Standing:
    """The same, and nobody else changes it before this transaction ends."""
    row = _locked(session, name)
    return Standing(row.failures, row.paused_until, row.disabled_at, row.why)


def stands(session: Session, name: str, now_stands: Standing) -> None:
    """Records how this destination stands, after `standing_locked` in the same transaction."""
    row = _locked(session, name)
    row.failures, row.why = now_stands.failures, now_stands.why
    row.paused_until, row.disabled_at = now_stands.paused_until, now_stands.disabled_at
    session.add(row)
    session.flush()


def troubled(session: Session, now: datetime) -> dict[str, Standing]:
    """The destinations that nothing goes to at `now`, by name."""
    resting = (col(DestinationRow.paused_until) > now) | col(DestinationRow.disabled_at).is_not(None)
    rows = session.exec(select(DestinationRow).where(resting).order_by(col(DestinationRow.name)))
    return {row.name: Standing(row.failures, row.paused_until, row.disabled_at, row.why) for row in rows}


def forget(session: Session, names: Iterable[str]) -> None:
    """Lets these destinations be tried at once: somebody mended them. What they were sent lately still counts."""
    for name in names:
        row = session.get(DestinationRow, name)
        if row and row.recent:
            stands(session, name, Standing())
        elif row:
            session.connection().execute(delete(_TABLE).where(_TABLE.c.name == name))


def free_room(session: Session, name: str, rate: Rate, now: datetime) -> tuple[int, datetime]:
    """How many messages this destination may be sent at `now`, and from when on at least one."""
    recent = _recent(_locked(session, name))
    return room(rate, recent, now), free_at(rate, recent, now)


def count_in(session: Session, name: str, rate: Rate, now: datetime) -> bool:
    """Counts one message to this destination; False where it would break a limit, and then nothing is counted."""
    row = _locked(session, name)
    recent = still_counting(rate, _recent(row), now)
    if not room(rate, recent, now):
        return False
    row.recent = [at.timestamp() for at in (*recent, now)]
    session.add(row)
    session.flush()
    return True


def _recent(row: DestinationRow) -> list[datetime]:
    return [datetime.fromtimestamp(seconds, UTC) for seconds in row.recent]


def _locked(session: Session, name: str) -> DestinationRow:
    """The row, made where there is none, and held until the transaction ends."""
    connection = session.connection()
    connection.execute(
        insert_into(_TABLE, connection)
        .values(name=name, failures=0, why="", recent=[])
        .on_conflict_do_nothing(index_elements=["name"])
    )
    held = select(DestinationRow).where(DestinationRow.name == name).with_for_update()
    return session.exec(held.execution_options(populate_existing=True)).one()
