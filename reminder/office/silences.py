"""Silences (静默): written down, ended early, listed. Each has a number, a reason and a last day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import case, or_
from sqlmodel import Session, col, select

from reminder.office.act import Office
from reminder.store.measures import by_ids
from reminder.store.silences import silence_of
from reminder.store.tables import SilenceRow

State = Literal["running", "coming", "over", "ended_early"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A silence as somebody orders it, for everything that agrees with all of the targets given."""

    since: date
    until: date
    because: str
    by: str = ""
    unit: str | None = None
    measure_id: int | None = None
    rule: str | None = None


def add(session: Session, order: Order, office: Office) -> int:
    """Records a silence in the caller's transaction; returns its number.

    Raises:
        UsageError: it is for nothing, says no reason, or its days are in the wrong order.
    """
    if order.unit is None and order.measure_id is None and order.rule is None:
        raise office.refuse("silence_of_nothing")
    if not order.because.strip():
        raise office.refuse("silence_because")
    if order.until < order.since:
        raise office.refuse("silence_order", until=order.until, since=order.since)
    row = SilenceRow(
        unit=order.unit,
        measure_id=order.measure_id,
        rule=order.rule,
        since=order.since,
        until=order.until,
        because=order.because.strip(),
        by=order.by.strip(),
        recorded_at=office.now,
    )
    session.add(row)
    session.flush()
    return row.id or 0


def end(session: Session, number: int, office: Office, on: date | None = None) -> SilenceRow:
    """Ends a silence: from `on` (today, where None) it holds no more. What it has skipped stays skipped.

    Raises:
        UsageError: there is no such silence, or it is over already.
    """
    row = session.get(SilenceRow, number)
    if row is None:
        raise office.refuse("silence_unknown", number=number)
    if row.ended_on is not None or row.until < (day := on or office.today):
        raise office.refuse("silence_over", number=number, on=row.ended_on or row.until)
    row.ended_on = day
    session.add(row)
    return row


def listed(session: Session, today: date, some: slice | None = None) -> Iterator[dict[str, Any]]:
    """Every silence, the newest last, with its state on `today`.

    With `some` only so many of them: those that hold now or later before those that are over, the newest first.
    """
    key, over = col(SilenceRow.id), or_(col(SilenceRow.until) < today, col(SilenceRow.ended_on) <= today)
    if some is None:
        wanted = select(SilenceRow).order_by(key)
    else:
        wanted = select(SilenceRow).order_by(case((over, 1), else_=0), key.desc()).slice(some.start, some.stop)
    rows = session.exec(wanted).all()
    about = {row.measure_id for row in rows if row.measure_id}
    measures = {key: row.code for key, row in by_ids(session, about).items()}
    for row in rows:
        yield {
            "number": row.id,
            "unit": row.unit,
            "measure": measures.get(row.measure_id) if row.measure_id else None,
            "rule": row.rule,
            "since": row.since,
            "until": row.until,
            "ended_on": row.ended_on,
            "because": row.because,
            "by": row.by,
            "state": _state(row, today),
        }


def _state(row: SilenceRow, today: date) -> State:
    silence = silence_of(row)
    if silence.holds_on(today):
        return "running"
    if row.ended_on is not None and row.ended_on <= today:
        return "ended_early"
    return "coming" if today < row.since else "over"
