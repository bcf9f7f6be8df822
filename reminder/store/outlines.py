"""Open measures in outline: what planning goes by where it only counts and lists, some hundreds in one row.

A Monday lists every open measure of a country. Rows of their own would cost three times as much as their number, and
the twenty of each unit that a letter shows are read when it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, and_, cast, func, join, literal_column, not_, or_, select, text
from sqlmodel import Session

from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.store.among import among
from reminder.store.listed import Listed
from reminder.store.tables import CLOSED_STATUSES, MOVED, OPEN_STATUSES, EventRow, MeasureRow, MeasureUnitRow

_MEASURES = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNITS = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # the same
_EVENTS = EventRow.__table__.c  # type: ignore[attr-defined]  # the same
_ALIKE = ("ledger", "deadline_kind", "deadline_confirmed", "known_on")  # what those in one row have in common
_APART = ","
_WAS_OVER = literal_column(CLOSED_STATUSES, Boolean)  # of an event: where it moved the measure to
_ENDED = Listed([_EVENTS.measure_id], _EVENTS.measure_id, _WAS_OVER)


def reopened(session: Session) -> list[int]:
    """The open measures that were not chased at all times: on some day they were claimed or closed."""
    ended = select(_EVENTS.measure_id).where(text(MOVED), _WAS_OVER)
    asked = select(_MEASURES.id).where(text(OPEN_STATUSES), _MEASURES.id.in_(ended))
    return list(session.connection().scalars(asked))


def outlines(
    session: Session,
    but_not: Collection[int],
    deadlines: Sequence[ColumnElement[bool]] = (),
    only: Collection[int] = (),
) -> Iterator[tuple[str, list[Measure]]]:
    """Units with their open measures, or `only` these, in outline; not those `but_not`, nor those with one of these
    `deadlines`."""
    due = or_(_MEASURES.deadline_on.is_(None), not_(or_(*deadlines))) if deadlines else None
    # The role first: of two ways that it takes for equal SQLite then goes in the order of the measures, a third faster.
    where = [_UNITS.role == "responsible", text(OPEN_STATUSES), *([due] if due is not None else [])]
    where += [not_(among(session, _MEASURES.id, but_not))] if but_not else []
    where += [among(session, _MEASURES.id, only)] if only else []
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


def outlined_again(session: Session, listed: Mapping[str, Collection[int]]) -> dict[tuple[str, int], Measure]:
    """The measures that were listed for these units, by unit and id, as far as an outline still tells all of them: they
    are the unit's, open, and were chased at all times."""
    if not listed:
        return {}
    ids = {one for of_unit in listed.values() for one in of_unit}
    ended = {row[0] for row in _ENDED.rows(session, ids)}
    found = outlines(session, ended, only=ids)
    return {(unit, measure.id): measure for unit, measures in found for measure in measures}


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
