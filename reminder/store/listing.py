"""The ledger page by page, as people look for measures in it: by what they remember, in the order they ask for.

Only the rows of one page are read, and counting stops where nobody counts on: cost follows what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, String, and_, cast, or_, text
from sqlmodel import Session, col, func, select

from reminder.domain.measure import NEAR_DAYS, DeadlineKind, Measure
from reminder.store.measures import by_ids
from reminder.store.tables import OPEN_STATUSES, MeasureRow, MeasureUnitRow

PAGE = 50
MOST_COUNTED = 10_000
ORDERS = ("ledger", "deadline", "-deadline", "-progress")
_COUNTED_DOWN = (DeadlineKind.DATE.value, DeadlineKind.IMMEDIATE.value)
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
    where = list(_conditions(wanted, today))
    counted = select(MeasureRow.id).where(*where).limit(MOST_COUNTED + 1).subquery()
    total = session.exec(select(func.count()).select_from(counted)).one()
    number = max(1, min(page, -(-min(total, MOST_COUNTED) // PAGE)))
    shown = select(col(MeasureRow.id)).where(*where).order_by(*_order(order)).offset((number - 1) * PAGE).limit(PAGE)
    ids = [key for key in session.exec(shown) if key is not None]
    found = by_ids(session, ids)
    return Page(tuple(found[key] for key in ids), number, min(total, MOST_COUNTED), total > MOST_COUNTED)


def _conditions(wanted: Wanted, today: date) -> Iterator[ColumnElement[bool]]:
    same = {"ledger": wanted.ledger, "aspect": wanted.aspect, "problem": wanted.problem}
    same |= {"leader": wanted.leader, "status": wanted.status}
    yield from (getattr(MeasureRow, name) == value for name, value in same.items() if value)
    if wanted.unit:
        named = select(col(MeasureUnitRow.measure_id)).where(col(MeasureUnitRow.unit) == wanted.unit)
        yield col(MeasureRow.id).in_(named)
    if wanted.tag:  # kept as JSON text
        yield cast(col(MeasureRow.tags), String).contains(json.dumps(wanted.tag), autoescape=True)
    if wanted.words:
        told = (col(MeasureRow.text), col(MeasureRow.problem_text))
        yield or_(
            col(MeasureRow.code) == wanted.words, *(each.contains(wanted.words, autoescape=True) for each in told)
        )
    if wanted.colour:
        yield of_colour(wanted.colour, today)


def of_colour(colour: str, today: date) -> ColumnElement[bool]:
    """The open measures of a colour on `today`, as `Measure.colour` gives it; "none" are those without one."""
    near = today + timedelta(days=NEAR_DAYS)
    deadline = col(MeasureRow.deadline_on)
    counted = and_(col(MeasureRow.deadline_kind).in_(_COUNTED_DOWN), col(MeasureRow.deadline_confirmed).is_(True))
    days = {"red": deadline < today, "yellow": deadline.between(today, near), "green": deadline > near}
    if colour in days:
        return and_(text(OPEN_STATUSES), days[colour], counted)
    return and_(text(OPEN_STATUSES), or_(deadline.is_(None), ~counted))


def _order(order: str) -> tuple[ColumnElement[object], ...]:
    key = col(MeasureRow.id)
    if order == "deadline":
        return col(MeasureRow.deadline_on).is_(None).asc(), col(MeasureRow.deadline_on).asc(), key.asc()  # type: ignore[return-value]
    if order == "-deadline":
        return col(MeasureRow.deadline_on).is_(None).asc(), col(MeasureRow.deadline_on).desc(), key.asc()  # type: ignore[return-value]
    if order == "-progress":
        return col(MeasureRow.progress_on).is_(None).asc(), col(MeasureRow.progress_on).desc(), key.asc()  # type: ignore[return-value]
    return col(MeasureRow.ledger).asc(), key.asc()  # type: ignore[return-value]


def unconfirmed(session: Session) -> int:
    """How many open measures have a limit that was read from doubtful wording and waits for somebody to confirm it."""
    doubtful = select(func.count()).where(
        text(OPEN_STATUSES), col(MeasureRow.deadline_on).is_not(None), col(MeasureRow.deadline_confirmed).is_(False)
    )
    return session.exec(doubtful).one()


def choices(session: Session) -> dict[str, list[str]]:
    """What can be picked where there are few enough to pick from, by field of `Wanted`; in the ledger's order."""
    found = {}
    for field in ("ledger", "aspect", "problem", "leader"):
        named = select(getattr(MeasureRow, field)).distinct().order_by(getattr(MeasureRow, field)).limit(_CHOICES + 1)
        values = [value for value in session.exec(named) if value]
        found[field] = values if len(values) <= _CHOICES else []
    units = select(MeasureUnitRow.unit).distinct().order_by(col(MeasureUnitRow.unit)).limit(_CHOICES + 1)
    names = [unit for unit in session.exec(units) if unit]
    return found | {"unit": names if len(names) <= _CHOICES else []}
