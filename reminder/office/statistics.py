"""How the ledger has moved: open measures by colour and by aspect, week by week.

Counted from each measure's dates, not from its history: one that was closed and opened again counts as open all along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, case, select
from sqlmodel import Session, col, func

from reminder.domain.measure import NEAR_DAYS, DeadlineKind
from reminder.store.tables import MeasureRow

COLOURS = ("red", "yellow", "green", "none")
_COUNTED_DOWN = (DeadlineKind.DATE.value, DeadlineKind.IMMEDIATE.value)


@dataclass(frozen=True, slots=True)
class _Like:
    """Measures that have these in common, and how many they are."""

    aspect: str
    known_on: date
    closed_on: date | None
    deadline: date | None
    count: int

    def open_on(self, day: date) -> bool:
        return self.known_on <= day and (self.closed_on is None or self.closed_on > day)

    def colour(self, day: date) -> str:
        if self.deadline is None:
            return "none"
        if self.deadline < day:
            return "red"
        return "yellow" if self.deadline <= day + timedelta(days=NEAR_DAYS) else "green"


@dataclass(frozen=True, slots=True)
class Movement:
    """On each of `days` how many measures were open: in all colours, and in each aspect."""

    days: tuple[date, ...]
    by_colour: Mapping[str, tuple[int, ...]]
    by_aspect: Mapping[str, tuple[int, ...]]


def movement(session: Session, days: Sequence[date]) -> Movement:
    """How many measures were open at the end of each of `days`."""
    alike = list(_alike(session))
    colours = {colour: [0] * len(days) for colour in COLOURS}
    aspects: dict[str, list[int]] = defaultdict(lambda: [0] * len(days))
    for each in alike:
        for place, day in enumerate(days):
            if each.open_on(day):
                colours[each.colour(day)][place] += each.count
                aspects[each.aspect][place] += each.count
    return Movement(
        tuple(days),
        {colour: tuple(counts) for colour, counts in colours.items()},
        {aspect: tuple(counts) for aspect, counts in sorted(aspects.items(), key=lambda one: -max(one[1]))},
    )


def _alike(session: Session) -> Iterator[_Like]:
    counted = and_(col(MeasureRow.deadline_kind).in_(_COUNTED_DOWN), col(MeasureRow.deadline_confirmed).is_(True))
    deadline: ColumnElement[date | None] = case((counted, col(MeasureRow.deadline_on)), else_=None)
    dates = (col(MeasureRow.aspect), col(MeasureRow.known_on), col(MeasureRow.closed_on), deadline.label("counted"))
    for row in session.connection().execute(select(*dates, func.count()).group_by(*dates)):
        yield _Like(*row)
