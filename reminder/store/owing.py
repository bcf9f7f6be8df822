"""Which units owe a report, found out by the database: a country's open measures do not fit into memory.

What a rule's `match` and `except` mean is said in `rules.match.Match`; here it is said once more for a database, and a
test holds the two against each other on made-up ledgers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, exists, false, func, join, literal, not_, or_, select
from sqlmodel import Session

from reminder.domain.measure import OPEN, Status
from reminder.rules.match import Match
from reminder.rules.rule import Rule
from reminder.store.among import among
from reminder.store.listing import by_no_index, each_value
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow

_MEASURES = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNITS = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # the same
_EVENTS = EventRow.__table__.c  # type: ignore[attr-defined]  # the same
_OPEN = [status.value for status in OPEN]
_NAMED = {
    "aspect": (_MEASURES.aspect,),
    "problem": (_MEASURES.problem, _MEASURES.problem_text),
    "leader": (_MEASURES.leader,),
    "deadline": (_MEASURES.deadline_kind,),
    "ledger": (_MEASURES.ledger,),
}
Condition = ColumnElement[bool]


def units_owing(
    session: Session, rule: Rule, outside: frozenset[str], day: date | None, since: date
) -> dict[str, bool]:
    """Every unit that `rule` speaks to of a measure that was open on or after `since`, and whether it chases one of
    them on `day`; with no day it chases nothing."""
    names = each_value(_UNITS.unit).subquery()
    unit = names.c.value
    stands = _status_on(day) if day else literal("")
    known = _has(unit, since, *_speaks(rule, unit, None))
    owes = _has(unit, since, *_speaks(rule, unit, stands), stands.in_(_OPEN)) if day else false()
    wanted = select(unit, owes).where(known)
    if strangers := outside - {*rule.match.unit}:
        wanted = wanted.where(not_(among(session, unit, strangers)))
    return {name: bool(owing) for name, owing in session.connection().execute(wanted)}


def _has(unit: ColumnElement[Any], since: date, *where: Condition) -> Condition:
    """Whether a unit has a measure like that. The database stops at the first."""
    known = or_(_MEASURES.status.in_(_OPEN), _MEASURES.closed_on >= since)
    of_unit = join(MeasureUnitRow, MeasureRow, _UNITS.measure_id == _MEASURES.id)
    mine = (_UNITS.unit == unit, _UNITS.role == "responsible")
    return exists(select(1).select_from(of_unit).where(*mine, known, *where))


def _status_on(day: date) -> ColumnElement[str]:
    """As `Measure.status_on`: the latest change up to that day; before the first change it was being worked on."""
    moves = (_EVENTS.measure_id == _MEASURES.id, _EVENTS.status.is_not(None))
    latest = select(_EVENTS.status).where(*moves, _EVENTS.on <= day).order_by(_EVENTS.on.desc(), _EVENTS.id.desc())
    moved = exists(select(1).where(*moves).select_from(EventRow).correlate(MeasureRow))
    before = case((moved, Status.IN_PROGRESS.value), else_=_MEASURES.status)
    return func.coalesce(latest.limit(1).correlate(MeasureRow).scalar_subquery(), before)


def _speaks(rule: Rule, unit: ColumnElement[Any], stands: ColumnElement[str] | None) -> Iterator[Condition]:
    """As `Rule.matches` by the status `stands`; without one, whether it does by some status."""
    match, exclude = rule.match, rule.exclude
    yield from _agrees(match, unit)
    if stands is not None and match.status:
        yield stands.in_(match.status)
    if exclude.empty:
        return
    apart: list[Condition] = list(_agrees(exclude, unit))
    if exclude.status and stands is not None:
        apart.append(stands.in_(exclude.status))
    elif exclude.status and {*(match.status or Status)} - {*exclude.status}:
        return  # by some status it is not excluded
    yield not_(and_(*apart)) if apart else false()


def _agrees(match: Match, unit: ColumnElement[Any]) -> Iterator[Condition]:
    """Every list of `match` but that of statuses. None of these conditions is ever NULL."""
    if match.unit:
        yield unit.in_(match.unit)
    for name, columns in _NAMED.items():
        if wanted := getattr(match, name):
            yield or_(*(and_(column.is_not(None), by_no_index(column).in_(wanted)) for column in columns))
    if match.tag:
        kept = cast(_MEASURES.tags, String)
        yield or_(*(kept.contains(json.dumps(tag), autoescape=True) for tag in match.tag))
    if match.standing is not None:
        yield _MEASURES.standing.is_(match.standing)
    if match.blocked is not None:
        yield (_MEASURES.blocked_by != "").is_(match.blocked)
