"""Open measures in outline: what planning goes by where it only counts and lists, some hundreds in one row.

A Monday lists every open measure of a country. Rows of their own would cost three times as much as their number, and
the twenty of each unit that a letter shows are read when it is written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from itertools import repeat
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    and_,
    case,
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

from reminder.domain.measure import Deadline, DeadlineKind, Measure, measure_of
from reminder.store.among import among, among_given, told
from reminder.store.listed import Listed
from reminder.store.prepared import Prepared
from reminder.store.tables import CLOSED_STATUSES, MOVED, OPEN_EACH, OPEN_STATUSES, EventRow, MeasureRow, MeasureUnitRow

_MEASURES = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNITS = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # the same
_EVENTS = EventRow.__table__.c  # type: ignore[attr-defined]  # the same
_OF_UNITS, _LISTED = "of_units", "listed"
_WAS_OVER = literal_column(CLOSED_STATUSES, Boolean)  # of an event: where it moved the measure to
_ENDED = Listed([_EVENTS.measure_id], _EVENTS.measure_id, _WAS_OVER)
_APART, _NOTHING = literal_column("','", String), literal_column("''", String)  # SQLite takes parameters row by row
_FIRST = MeasureRow.__table__.alias().c  # type: ignore[attr-defined]  # the same
_SEEN = _MEASURES.seen_at.is_not(None)
_BLANK = {name: repeat(value) for name, value in Measure(0, "", "", Deadline(DeadlineKind.DATE))._asdict().items()}


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
    found = _by_unit(_asked_again(dialect).tuples(connection, given))
    return {unit: {measure.id: measure for measure in measures} for unit, measures in found}


def _asked(dialect: str, *where: ColumnElement[bool]) -> Select[Any]:
    """A row for each unit with lists of its measures, put together in the order of the units' index, where groups of
    those that are alike would have to be sorted. What is usual is not told: `unlike` lists only the others."""
    usual_ledger = select(_FIRST.ledger).order_by(_FIRST.id).limit(1).scalar_subquery()
    dated = and_(_MEASURES.deadline_kind == DeadlineKind.DATE.value, _MEASURES.deadline_confirmed)
    like = and_(_MEASURES.ledger == usual_ledger, dated, _SEEN)
    values = (_MEASURES.id, _MEASURES.ledger, _MEASURES.deadline_kind, _MEASURES.deadline_confirmed, _SEEN)
    unlike = func.json_array(*values) if dialect == "sqlite" else cast(func.json_build_array(*values), Text)
    of_measure = {
        "ids": cast(_MEASURES.id, String),
        "deadlines": func.coalesce(cast(_MEASURES.deadline_on, String), _NOTHING),  # a NULL would not be listed
        "known": cast(_MEASURES.known_on, String),
        "unlike": case((not_(like), unlike)),
    }
    gathered = func.group_concat if dialect == "sqlite" else func.string_agg
    lists = (gathered(each, _APART, type_=String).label(name) for name, each in of_measure.items())
    return (
        select(_UNITS.unit, usual_ledger.label("ledger"), *lists)
        .select_from(join(MeasureUnitRow, MeasureRow, _UNITS.measure_id == _MEASURES.id))
        .where(and_(_UNITS.role == "responsible", text(OPEN_EACH), *where))
        .group_by(_UNITS.unit)
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
    for unit, ledger, ids, *lists in rows:
        yield unit, _measures(unit, ledger, list(map(int, ids.split(","))), *lists)


def _measures(  # noqa: PLR0913, PLR0917 - the columns of `_asked`
    unit: str, ledger: str, ids: list[int], deadlines: str, known: str, unlike: str | None
) -> list[Measure]:
    days = deadlines.split(",")
    values: dict[str, Iterable[Any]] = {"units": repeat((unit,)), "known_on": _dates(known.split(","))}
    if unlike:
        others = {one: cells for one, *cells in json.loads(f"[{unlike}]")}
        usual = (ledger, DeadlineKind.DATE.value, True, True)
        ledgers, kinds, confirmed, seen = zip(*(others.get(one, usual) for one in ids), strict=True)
        deadline = map(_deadline, kinds, map(bool, confirmed), days)
        values |= {"ledger": ledgers, "deadline": deadline, "seen": map(bool, seen)}
    else:
        values |= {"ledger": repeat(ledger), "deadline": map(_dated, days)}
    return list(map(measure_of, zip(*(_BLANK | {"id": ids} | values).values(), strict=False)))


def _dates(days: list[str]) -> Iterable[date]:
    """Nearly always they are the same."""
    if days.count(days[0]) == len(days):
        return repeat(date.fromisoformat(days[0]))
    return map(date.fromisoformat, days)


@lru_cache(maxsize=8192)  # a country's limits are the days of some years
def _dated(on: str) -> Deadline:
    return _deadline(DeadlineKind.DATE.value, True, on)


@lru_cache(maxsize=8192)
def _deadline(kind: str, confirmed: bool, on: str) -> Deadline:
    return Deadline(DeadlineKind(kind), date.fromisoformat(on) if on else None, confirmed=confirmed)
