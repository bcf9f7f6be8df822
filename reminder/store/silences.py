"""Silences in the database: a small table, read whenever something is planned or about to go."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, select

from reminder.domain.silence import Silence
from reminder.store.tables import SilenceRow


def silences_since(session: Session, day: date) -> list[Silence]:
    """Those that hold on `day` or later, by number."""
    rows = session.exec(select(SilenceRow).where(col(SilenceRow.until) >= day).order_by(col(SilenceRow.id)))
    return [silence_of(row) for row in rows]


def silence_of(row: SilenceRow) -> Silence:
    """The silence that a row keeps."""
    named = ("unit", "measure_id", "rule", "since", "until", "ended_on", "because")
    return Silence(id=row.id or 0, **{name: getattr(row, name) for name in named})
