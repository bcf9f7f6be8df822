"""Who the ledger speaks of: the units and posts its measures name, and how many of each status there are."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from reminder.domain.measure import CLOSED, Status
from reminder.store.tables import ASIDE, OPEN_STATUSES, LetterRow, MeasureRow, MeasureUnitRow

_OVER = [status.value for status in CLOSED if status is not Status.SUSPENDED]


def units_named(session: Session, role: str) -> list[str]:
    """The units that measures not yet done with name as `responsible` or `supporting`, in the ledger's order."""
    named = (
        select(col(MeasureUnitRow.unit))
        .join(MeasureRow, col(MeasureRow.id) == col(MeasureUnitRow.measure_id))
        .where(MeasureUnitRow.role == role, col(MeasureRow.status).not_in(_OVER))
        .order_by(col(MeasureRow.id), col(MeasureUnitRow.position))
    )
    return list(dict.fromkeys(unit for unit in session.exec(named) if unit))


def leaders_named(session: Session) -> list[str]:
    """The posts that measures not yet done with name as their leader, in the ledger's order."""
    named = select(col(MeasureRow.leader)).where(col(MeasureRow.status).not_in(_OVER)).order_by(col(MeasureRow.id))
    return list(dict.fromkeys(leader for leader in session.exec(named) if leader))


def addressees(session: Session) -> list[str]:
    """Everybody to whom a letter was sent, by name."""
    return list(session.exec(select(col(LetterRow.addressee)).distinct().order_by(col(LetterRow.addressee))))


def count_by_status(session: Session) -> dict[str, int]:
    """How many measures stand at each status; every status is named. What is written off is counted as the rest of
    all: only indices are read."""
    counts = {status.value: 0 for status in Status}
    for condition in (OPEN_STATUSES, ASIDE):
        counted = select(MeasureRow.status, func.count()).where(text(condition)).group_by(MeasureRow.status)
        counts |= dict(session.exec(counted).all())
    every = session.exec(select(func.count()).select_from(MeasureRow)).one()
    counts[Status.WRITTEN_OFF.value] = every - sum(counts.values())
    return counts


def find_codes(session: Session) -> list[tuple[int, str, str]]:
    """(id, ledger, code) of every measure."""
    rows = session.exec(select(col(MeasureRow.id), col(MeasureRow.ledger), col(MeasureRow.code)))
    return [(key or 0, ledger, code) for key, ledger, code in rows]
