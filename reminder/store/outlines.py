"""Open measures in outline: what planning goes by where it only counts and lists, some hundreds in one row.

A Monday lists every open measure of a country. Rows of their own would cost three times as much as their number, and
the twenty of each unit that a letter shows are read when it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    Label,
    Select,
    String,
    and_,
    cast,
    func,
    join,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlmodel import Session

from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.store.among import among, among_given, told
from reminder.store.listed import Listed, read
from reminder.store.prepared import Prepared
from reminder.store.tables import CLOSED_STATUSES, MOVED, OPEN_STATUSES, EventRow, MeasureRow, MeasureUnitRow

_MEASURES = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNITS = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # the same
_EVENTS = EventRow.__table__.c  # type: ignore[attr-defined]  # the same
_ALIKE = ("ledger", "deadline_kind", "deadline_confirmed", "known_on")  # what those in one row have in common
_APART = ","
_ITEM = cast(_MEASURES.id, String) + _APART + func.coalesce(cast(_MEASURES.deadline_on, String), "")
_OF_ROW = [_UNITS.unit, *(_MEASURES[name] for name in _ALIKE), _MEASURES.seen_at.is_not(None).label("seen")]
_OF_UNITS, _LISTED = "of_units", "listed"
_WAS_OVER = literal_column(CLOSED_STATUSES, Boolean)  # of an event: where it moved the measure to
_ENDED = Listed([_EVENTS.measure_id], _EVENTS.measure_id, _WAS_OVER)


def reopened(session: Session) -> list[int]:
    """The open measures that were not chased at all times: on some day they were claimed or closed."""
    ended = select(_EVENTS.measure_id).where(text(MOVED), _WAS_OVER)
    asked = select(_MEASURES.id).where(text(OPEN_STATUSES), _MEASURES.id.in_(ended))
    return list(session.connection().scalars(asked))


def outlines(
    session: Session, but_not: Collection[int], deadlines: Sequence[ColumnElement[bool]] = ()
) -> Iterator[tuple[str, list[Measure]]]:
    """Units with their open measures in outline; not those `but_not`, nor those with one of these `deadlines`."""
    where = [or_(_MEASURES.deadline_on.is_(None), not_(or_(*deadlines)))] if deadlines else []
    where += [not_(among(session, _MEASURES.id, but_not))] if but_not else []
    connection = session.connection()
    with connection.execute(_asked(connection.dialect.name, *where)) as rows:
        yield from _by_unit(rows)


def outlined_again(session: Session, listed: Mapping[str, Collection[int]]) -> dict[str, dict[int, Measure]]:
    """The measures that were listed for these units, by unit and id, as far as an outline still tells all of them: they
    are the unit's, open, and were chased at all times."""
    if not listed:
        return {}
    ids = {one for of_unit in listed.values() for one in of_unit}
    ended = {row[0] for row in _ENDED.rows(session, ids)}
    connection = session.connection()
    dialect = connection.dialect.name
    given = {_OF_UNITS: told(dialect, listed), _LISTED: told(dialect, ids - ended)}
    rows = _asked_again(dialect).tuples(connection, given)
    found = _by_unit(zip(*read(_columns(dialect), rows, connection.dialect).values(), strict=True)) if rows else ()
    return {unit: {measure.id: measure for measure in measures} for unit, measures in found}


def _columns(dialect: str) -> list[Column[Any] | Label[Any]]:
    gathered = func.group_concat if dialect == "sqlite" else func.string_agg
    apart: ColumnElement[str] = literal_column(f"'{_APART}'")  # in a prepared statement it can be no parameter
    return [*_OF_ROW, gathered(_ITEM, apart, type_=String).label("items")]


def _asked(dialect: str, *where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*_columns(dialect))
        .select_from(join(MeasureUnitRow, MeasureRow, _UNITS.measure_id == _MEASURES.id))
        .where(and_(_UNITS.role == "responsible", text(OPEN_STATUSES), *where))
        .group_by(*_OF_ROW)
        .order_by(_UNITS.unit)
    )


@cache
def _asked_again(dialect: str) -> Prepared:
    """By the units, whose index tells their measures in a row; by the plus SQLite knows that it shall not begin with
    the measures, each of whose units it would look for apart."""
    listed: ColumnElement[int] = literal_column("+measure_unit.measure_id", Integer)
    of_units = among_given(dialect, _UNITS.unit, _OF_UNITS)
    return Prepared(_asked(dialect, of_units, among_given(dialect, listed, _LISTED)))


def _by_unit(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, list[Measure]]]:
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
