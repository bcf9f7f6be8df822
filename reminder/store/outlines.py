"""Open measures in outline: what planning goes by where it only counts and lists, some hundreds in one row.

A Monday lists every open measure of a country. Rows of their own would cost three times as much as their number, and
the twenty of each unit that a letter shows are read when it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, join, not_, or_, select, text
from sqlmodel import Session

from reminder.domain.measure import OPEN, Deadline, DeadlineKind, Measure
from reminder.store.among import among
from reminder.store.tables import MOVED, OPEN_STATUSES, EventRow, MeasureRow, MeasureUnitRow

_MEASURES = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNITS = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # the same
_EVENTS = EventRow.__table__.c  # type: ignore[attr-defined]  # the same
_ALIKE = ("ledger", "deadline_kind", "deadline_confirmed", "known_on")  # what those in one row have in common
_APART = ","


def reopened(session: Session) -> list[int]:
    """The open measures that were not chased at all times: on some day they were claimed or closed."""
    ended = select(_EVENTS.measure_id).where(text(MOVED), _EVENTS.status.not_in([one.value for one in OPEN]))
    asked = select(_MEASURES.id).where(text(OPEN_STATUSES), _MEASURES.id.in_(ended))
    return list(session.connection().scalars(asked))


def outlines(
    session: Session, but_not: list[int], deadlines: list[ColumnElement[bool]]
) -> Iterator[tuple[str, list[Measure]]]:
    """Units with their open measures in outline; not those `but_not`, nor those with one of these `deadlines`."""
    due = or_(_MEASURES.deadline_on.is_(None), not_(or_(*deadlines))) if deadlines else None
    where = [text(OPEN_STATUSES), _UNITS.role == "responsible", *([due] if due is not None else [])]
    where += [not_(among(session, _MEASURES.id, but_not))] if but_not else []
    item = cast(_MEASURES.id, String) + _APART + func.coalesce(cast(_MEASURES.deadline_on, String), "")
    alike = [_UNITS.unit, *(_MEASURES[name] for name in _ALIKE), _MEASURES.seen_at.is_not(None)]
    asked = (
        select(*alike, func.aggregate_strings(item, _APART))
        .select_from(join(MeasureUnitRow, MeasureRow, _UNITS.measure_id == _MEASURES.id))
        .where(and_(*where))
        .group_by(*alike)
        .order_by(_UNITS.unit)
    )
    with session.connection().execute(asked) as rows:
        for unit, of_unit in groupby(rows, key=itemgetter(0)):
            yield unit, [one for _, *cells, items in of_unit for one in _measures(unit, cells, items)]


def _measures(unit: str, alike: list[Any], items: str) -> list[Measure]:
    ledger, kind, confirmed, known_on, seen = alike
    told, undated = items.split(_APART), _deadline(kind, confirmed, "")
    deadlines = map(_deadline, repeat(kind), repeat(confirmed), told[1::2])
    like = Measure(0, "", "", undated, ledger=ledger, units=(unit,), known_on=known_on, seen=seen)
    same = (repeat(value) for value in like[4:])
    return list(map(Measure._make, zip(map(int, told[::2]), repeat(""), repeat(""), deadlines, *same, strict=False)))


@lru_cache(maxsize=8192)  # a country's limits are the days of some years
def _deadline(kind: str, confirmed: bool, on: str) -> Deadline:
    return Deadline(DeadlineKind(kind), date.fromisoformat(on) if on else None, confirmed=confirmed)
