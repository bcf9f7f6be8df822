"""How the ledger has moved: open measures by colour and by aspect, week by week.

Counted from each measure's dates, not from its history: one that was closed and opened again counts as open all along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, or_, select
from sqlmodel import Session, col, func

from reminder.domain.measure import NEAR_DAYS, DeadlineKind
from reminder.store.listing import by_no_index
from reminder.store.tables import MeasureRow

COLOURS = ("red", "yellow", "green", "none")
_COUNTED_DOWN = (DeadlineKind.DATE.value, DeadlineKind.IMMEDIATE.value)


@dataclass(frozen=True, slots=True)
class Movement:
    """On each of `days` how many measures were open: in all colours, and in each aspect."""

    days: tuple[date, ...]
    by_colour: Mapping[str, tuple[int, ...]]
    by_aspect: Mapping[str, tuple[int, ...]]


def movement(session: Session, days: Sequence[date]) -> Movement:
    """How many measures were open at the end of each of `days`. The database counts, one look for each day."""
    colours: dict[str, list[int]] = {colour: [] for colour in COLOURS}
    aspects: dict[str, list[int]] = defaultdict(lambda: [0] * len(days))
    for place, day in enumerate(days):
        counted = list(_counted(session, day))
        for colour in COLOURS:
            colours[colour].append(sum(getattr(row, colour) for row in counted))
        for row in counted:
            aspects[row.aspect][place] = sum(getattr(row, colour) for colour in COLOURS)
    return Movement(
        tuple(days),
        {colour: tuple(counts) for colour, counts in colours.items()},
        {aspect: tuple(counts) for aspect, counts in sorted(aspects.items(), key=lambda one: (-max(one[1]), one[0]))},
    )


def _counted(session: Session, day: date) -> Iterable[Row[Any]]:
    """For each aspect how many measures of each colour were open at the end of `day`."""
    down = and_(col(MeasureRow.deadline_kind).in_(_COUNTED_DOWN), col(MeasureRow.deadline_confirmed).is_(True))
    deadline: ColumnElement[date | None] = case((down, col(MeasureRow.deadline_on)), else_=None)
    near = day + timedelta(days=NEAR_DAYS)
    when = {"red": deadline < day, "yellow": deadline.between(day, near), "green": deadline > near}
    when["none"] = deadline.is_(None)
    aspect: ColumnElement[str] = by_no_index(col(MeasureRow.aspect)).label(
        "aspect"
    )  # by its index every row would be looked up by itself
    numbers = (func.sum(case((when[colour], 1), else_=0)).label(colour) for colour in COLOURS)
    closed = col(MeasureRow.closed_on)
    were_open = (col(MeasureRow.known_on) <= day, or_(closed.is_(None), closed > day))
    return session.connection().execute(select(aspect, *numbers).where(*were_open).group_by(aspect))
