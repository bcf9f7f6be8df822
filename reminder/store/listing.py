"""The ledger page by page, as people look for measures in it: by what they remember, in the order they ask for.

Only the rows of one page are read, and counting stops where nobody counts on: cost follows what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, SQLColumnExpression, String, TextClause, and_, cast, or_, text, union_all
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from reminder.domain.measure import NEAR_DAYS, OPEN, Measure, Status
from reminder.store.measures import by_ids
from reminder.store.tables import ASIDE, OPEN_STATUSES, OPEN_UNCOUNTED, TAGGED, UNCOUNTED, MeasureRow, MeasureUnitRow
from reminder.store.words import MOST, MOST_BESIDE, Named, named

PAGE = 50
MOST_COUNTED = 10_000
ORDERS = ("ledger", "deadline", "-deadline", "-progress")
_SORTED = 20_000  # so many are put in order at once; of more, an index that holds them in that order meets a page soon
_OPEN = [status.value for status in OPEN]
_ASIDE = {status.value for status in Status} - {*_OPEN, Status.WRITTEN_OFF.value}
Column = SQLColumnExpression[Any]
Condition = ColumnElement[bool] | TextClause
_CHOICES = 200  # more than that nobody picks from a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for; "" asks for nothing. `words` stand in the code, the measure or its problem."""

    ledger: str = ""
    aspect: str = ""
    problem: str = ""
    unit: str = ""
    leader: str = ""
    status: str = ""
    colour: str = ""
    tag: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found. `total` stops at MOST_COUNTED, and `more` says that it did."""

    measures: tuple[Measure, ...]
    number: int
    total: int
    more: bool

    @property
    def last(self) -> int:
        """The number of the last page that can be asked for."""
        return max(1, -(-self.total // PAGE))


def listed(session: Session, wanted: Wanted, today: date, order: str = "ledger", page: int = 1) -> Page:
    """The measures that meet all that is wanted, PAGE at a time; `page` counts from 1."""
    words = _named(session, wanted)
    where = [*_conditions(wanted, today, by_no_index if words.ids is not None else as_is, words.ids)]
    most = MOST_COUNTED if order == ORDERS[0] else _SORTED
    few = select(col(MeasureRow.id)).where(*where).limit(max(most, MOST_COUNTED) + 1)
    total = session.exec(select(func.count()).select_from(few.subquery())).one()
    number = max(1, min(page, -(-min(total, MOST_COUNTED) // PAGE)))
    if total > most or words.many:  # they are everywhere: the order's index soon meets as many as are shown
        by_deadline = order.endswith("deadline") and wanted.colour not in ("", "none")
        where = [*_conditions(wanted, today, as_is if by_deadline else by_no_index)]
    elif where:
        where = [col(MeasureRow.id).in_(few)]
    ids = _ids(session, where, order, (number - 1) * PAGE)
    found = by_ids(session, ids)
    more = total > MOST_COUNTED or words.many
    return Page(tuple(found[key] for key in ids), number, min(total, MOST_COUNTED), more)


def _named(session: Session, wanted: Wanted) -> Named:
    """What the index of words says. Of words that stand nearly everywhere it names the first only: whatever else is
    wanted of them decides better."""
    if not wanted.words:
        return Named(None)
    alone = wanted == Wanted(words=wanted.words)
    found = named(session, wanted.words, MOST if alone else MOST_BESIDE)
    return found if alone or not found.many else Named(None)


def _ids(session: Session, where: Sequence[Condition], order: str, skipped: int) -> list[int]:
    """The page after `skipped` measures, part by part of the order: what has no date comes last, by the ledger's."""
    found: list[int] = []
    for part, keys in _order(order):
        ids = select(col(MeasureRow.id)).where(*where, *part)
        more = ids.order_by(*keys).offset(skipped).limit(PAGE - len(found))
        found += [key for key in session.exec(more) if key is not None]
        if len(found) == PAGE:
            break
        before = session.exec(select(func.count()).select_from(ids.limit(skipped).subquery())).one() if skipped else 0
        skipped -= before
    return found


def as_is(column: Column) -> Column:
    """The column as it stands: its index may be used."""
    return column


def by_no_index(column: Column) -> Column:
    """The same values, but the planner must walk by another index than this column's: neither database keeps
    statistics good enough to know by itself that most rows meet a condition."""
    return func.coalesce(column, column)


def _conditions(
    wanted: Wanted, today: date, by: Callable[[Column], Column], may_have: TextClause | None = None
) -> Iterator[Condition]:
    """What a measure has to meet; `may_have` selects the only ones that can have the words."""
    same = {"ledger": wanted.ledger, "aspect": wanted.aspect, "problem": wanted.problem}
    same |= {"leader": wanted.leader, "status": wanted.status}
    if wanted.status in _ASIDE:
        yield text(ASIDE)
    yield from (by(col(getattr(MeasureRow, name))) == value for name, value in same.items() if value)
    if wanted.unit:
        named = select(col(MeasureUnitRow.measure_id)).where(col(MeasureUnitRow.unit) == wanted.unit)
        yield col(MeasureRow.id).in_(named)
    if wanted.tag:  # kept as JSON text
        yield text(TAGGED)
        yield cast(col(MeasureRow.tags), String).contains(json.dumps(wanted.tag), autoescape=True)
    if wanted.words:
        told = (col(MeasureRow.text), col(MeasureRow.problem_text))
        if may_have is not None:
            coded = select(col(MeasureRow.id)).where(col(MeasureRow.code) == wanted.words)
            either = union_all(coded, select(may_have.columns(id=Integer).subquery().c.id))
            yield col(MeasureRow.id).in_(either)
        yield or_(
            col(MeasureRow.code) == wanted.words, *(each.contains(wanted.words, autoescape=True) for each in told)
        )
    if wanted.colour:
        yield of_colour(wanted.colour, today, by)


def of_colour(colour: str, today: date, by: Callable[[Column], Column] = as_is) -> Condition:
    """The open measures of a colour on `today`, as `Measure.colour` gives it; "none" are those without one."""
    if colour == "none":
        return text(OPEN_UNCOUNTED)
    near = today + timedelta(days=NEAR_DAYS)
    deadline = by(col(MeasureRow.deadline_on))
    days = {"red": deadline < today, "yellow": deadline.between(today, near), "green": deadline > near}
    is_open = text(OPEN_STATUSES) if by is as_is else by(col(MeasureRow.status)).in_(_OPEN)
    return and_(is_open, days[colour], text(f"NOT ({UNCOUNTED})"))


def _order(order: str) -> list[tuple[list[ColumnElement[bool]], list[Column]]]:
    """The parts of an order, one after the other: which measures, and by what."""
    dated = {"deadline": col(MeasureRow.deadline_on), "-deadline": col(MeasureRow.deadline_on)}
    dated["-progress"] = col(MeasureRow.progress_on)
    key = col(MeasureRow.id)
    if (by := dated.get(order)) is None:
        return [([], [col(MeasureRow.ledger), key])]
    return [([by.is_not(None)], [by.desc() if order.startswith("-") else by, key]), ([by.is_(None)], [key])]


def unconfirmed(session: Session) -> int:
    """How many open measures have a limit that was read from doubtful wording and waits for somebody to confirm it."""
    doubtful = select(func.count()).where(
        text(OPEN_UNCOUNTED),
        col(MeasureRow.deadline_confirmed).is_(False),
        col(MeasureRow.deadline_on).is_not(None),
    )
    return session.exec(doubtful).one()


def choices(session: Session) -> dict[str, list[str]]:
    """What can be picked where there are few enough to pick from, by field of `Wanted`; in the ledger's order."""
    fields = {name: col(getattr(MeasureRow, name)) for name in ("ledger", "aspect", "problem", "leader")}
    fields["unit"] = col(MeasureUnitRow.unit)
    found = {}
    for name, column in fields.items():
        values = [value for value in session.exec(each_value(column).limit(_CHOICES + 1)) if value]
        found[name] = values if len(values) <= _CHOICES else []
    return found


def each_value(column: Column) -> SelectOfScalar[Any]:
    """Every value of a column, in order, by one step in its index for each: `DISTINCT` would read every row."""
    first = select(func.min(column).label("value")).cte("each_value", recursive=True)
    larger = select(func.min(column)).where(column > first.c.value).scalar_subquery()
    every = first.union_all(select(larger).where(first.c.value.is_not(None)))
    return select(every.c.value).where(every.c.value.is_not(None))
