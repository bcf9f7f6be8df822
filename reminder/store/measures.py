"""Measures as domain values: rows of `measure` with their units and the history of their status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, or_, true, union_all
from sqlalchemy import select as select_columns
from sqlmodel import Session

from reminder.domain.frozen import FrozenChain
from reminder.domain.measure import Change, Deadline, DeadlineKind, LookBack, Measure, Status
from reminder.store.among import among
from reminder.store.chains import chains_of
from reminder.store.garbage import uncollected
from reminder.store.listed import Listed, Selected, Tuples, read
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow

_COLUMNS = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_ANSWERS = ("progress", "claim", "ask_extension", "report")  # what a unit does that answers a reminder
_LEFT_OUT = {"imported", "edited", "deadline_read_on", "row", "vanished_on", "parent"}  # what no rule reads
_SEEN = _COLUMNS.seen_at.is_not(None).label("seen")  # PostgreSQL's driver takes seven times as long for an instant
_READ = [_SEEN if column.name == "seen_at" else column for column in _COLUMNS if column.name not in _LEFT_OUT]
_NAMES = [column.name for column in _READ]
_TEXTS = ("text", "goal", "progress")  # what only letters and people read; a rule may name a problem by its words
_TOLD = Listed(_READ, _COLUMNS.id)
_UNTOLD = Listed([column for column in _READ if column.name not in _TEXTS], _COLUMNS.id)
_UNIT = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNITS = Listed([_UNIT.position, _UNIT.role, _UNIT.measure_id, _UNIT.unit], _UNIT.measure_id)
_EVENTS = EventRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_EVENT = ("on", "act", "status", "facts")
_SAID = (*_ANSWERS, "look_back", "extend")
_LIVED = Listed(
    [_EVENTS.on, _EVENTS.id, _EVENTS.measure_id, *(_EVENTS[name] for name in _EVENT[1:])],
    _EVENTS.measure_id,
    or_(_EVENTS.status.is_not(None), *(_EVENTS.act == act for act in _SAID)),
)
_DEADLINE = [*(f"deadline_{name}" for name in ("kind", "on", "rule", "text", "confirmed", "computed")), "then_ongoing"]
_MOVED = Listed(
    [_EVENTS.on, _EVENTS.id, _EVENTS.measure_id, _EVENTS.status], _EVENTS.measure_id, _EVENTS.status.is_not(None)
)
STATUSES = {status.value: status for status in Status}
_KINDS = {kind.value: kind for kind in DeadlineKind}


def load_measures(session: Session, *where: ColumnElement[bool]) -> list[Measure]:
    """Every measure that meets all of `where`, in the order of the ledger."""
    return load_alternatives(session, [and_(true(), *where)])


@uncollected()
def load_alternatives(session: Session, ways: Sequence[ColumnElement[bool]], *, untold: bool = False) -> list[Measure]:
    """Every measure that meets one of `ways`, which exclude each other, in the order of the ledger; `untold` as far as
    rules look at it."""
    return _put_together(session, _read_of(untold=untold).columns, rows_of(session, ways, untold=untold))


def rows_of(session: Session, ways: Sequence[ColumnElement[bool]], *, untold: bool = False) -> Tuples:
    """The rows themselves, in the order of the ledger and in the driver's own words: whoever asks reads a thousand at
    a time, and of the few days in them each only once."""
    if not ways:
        return []
    columns = _read_of(untold=untold).columns
    found = session.connection().execute(union_all(*(select_columns(*columns).where(way) for way in ways)))
    rows = found.cursor.fetchall()
    found.close()
    return sorted(rows, key=_PLACE)


_PLACE = itemgetter(_NAMES.index("ledger"), _NAMES.index("id"))  # both stand before all texts


def _read_of(*, untold: bool) -> Listed:
    """What is read of measures: `untold` as far as rules look at them."""
    return _UNTOLD if untold else _TOLD


def _put_together(session: Session, columns: Sequence[Selected], rows: Tuples) -> list[Measure]:
    """These rows as measures, with what belongs to them."""
    if not rows:
        return []
    told = read(columns, rows, session.get_bind().dialect)
    units = _units(session, told["id"])
    lives = _lives(session, told["id"])
    for measure_id, chains in chains_of(session, told["id"]).items():
        lives[measure_id].chains = chains
    return _measures(told, units, lives)


def more_than(session: Session, ways: Sequence[ColumnElement[bool]], most: int) -> bool:
    """Whether more than `most` measures meet one of `ways`; no more of them are counted."""
    if not ways:
        return False
    found = union_all(*(select_columns(_COLUMNS.id).where(way) for way in ways)).limit(most + 1).subquery()
    return session.connection().execute(select_columns(func.count()).select_from(found)).scalar_one() > most


def with_ids(session: Session, ids: Collection[int]) -> ColumnElement[bool]:
    """Measures with these ids, as one of the ways to ask for some."""
    return among(session, _COLUMNS.id, ids)


def by_unit(session: Session, ways: Sequence[ColumnElement[bool]]) -> dict[str, list[int]]:
    """Units → the ids of their measures that meet one of `ways`."""
    if not ways:
        return {}
    of, ids = _UNIT, union_all(*(select_columns(_COLUMNS.id).where(way) for way in ways))
    listed = func.aggregate_strings(cast(of.measure_id, String), ",")  # few bytes for each of a million
    mine = select_columns(of.unit, listed).where(of.role == "responsible", of.measure_id.in_(ids))
    rows = session.connection().execute(mine.group_by(of.unit).order_by(of.unit))
    return {unit: list(map(int, told.split(","))) for unit, told in rows}


def _units(session: Session, ids: Iterable[int]) -> dict[str, dict[int, tuple[str, ...]]]:
    """role → measure → its units, in the order of the cell."""
    units: dict[str, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for _, role, measure_id, unit in sorted(_UNITS.rows(session, ids), key=itemgetter(0)):
        of_role = units[role]
        of_role[measure_id] = (*of_role[measure_id], unit) if measure_id in of_role else (unit,)
    return units


@dataclass(slots=True)
class _Life:
    """What a measure's events say of it."""

    changes: list[Change] = field(default_factory=list)
    answers: list[date] = field(default_factory=list)
    look_backs: list[LookBack] = field(default_factory=list)
    extended_on: date | None = None
    chains: tuple[FrozenChain, ...] = ()

    def answered(self, reported: date | None) -> tuple[date, ...]:
        """The days of its answers, the day of the latest progress in the ledger among them."""
        if not self.answers:
            return (reported,) if reported else ()
        return tuple(sorted({*self.answers, reported} if reported else set(self.answers)))

    def add(self, on: date, act: str, status: str | None, facts: Mapping[str, Any]) -> None:
        """Takes in the next event, in the order of their days."""
        if status:
            self.changes.append(Change(on, Status(status)))
        if act in _ANSWERS:
            self.answers.append(on)
        if act == "look_back":
            self.look_backs.append(LookBack(on, held=facts.get("result") == "held"))
        if act == "extend":
            self.extended_on = on


def _lives(session: Session, ids: Iterable[int]) -> dict[int, _Life]:
    lives: dict[int, _Life] = defaultdict(_Life)
    if rows := _LIVED.rows(session, ids):
        told = read(_LIVED.columns, sorted(rows, key=itemgetter(0, 1)), session.get_bind().dialect)  # by day and id
        for measure_id, *event in zip(*(told[name] for name in ("measure_id", *_EVENT)), strict=True):
            lives[measure_id].add(*event)
    return lives


def changes_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[Change, ...]]:
    """How those of these measures that were ever moved came to their status, by measure id."""
    found: dict[int, list[Change]] = defaultdict(list)
    if rows := _MOVED.rows(session, ids):
        told = read(_MOVED.columns, sorted(rows, key=itemgetter(0, 1)), session.get_bind().dialect)
        for measure_id, on, status in zip(told["measure_id"], told["on"], told["status"], strict=True):
            found[measure_id].append(Change(on, Status(status)))
    return {measure_id: tuple(changes) for measure_id, changes in found.items()}


def _measures(
    told: Mapping[str, Sequence[Any]], units: Mapping[str, Mapping[int, tuple[str, ...]]], lives: Mapping[int, _Life]
) -> list[Measure]:
    """The measures of these columns, put together column by column: row by row would take ten times as long."""
    ids, nothing = told["id"], _Life()
    life = [lives.get(one, nothing) for one in ids]
    responsible, supporting = units["responsible"], units["supporting"]
    made: dict[str, Iterable[Any]] = {
        "units": [responsible.get(one, ()) for one in ids],
        "supporting_units": [supporting.get(one, ()) for one in ids],
        "deadline": map(_deadline, zip(*(told[name] for name in _DEADLINE), strict=True)),
        "status": map(STATUSES.__getitem__, told["status"]),
        "tags": map(tuple, told["tags"]),
        "blocked": map(bool, told["blocked_by"]),
        "dated_on": [on or known for on, known in zip(told["dated_on"], told["known_on"], strict=True)],
        "extended_on": [one.extended_on for one in life],
        "answers": [one.answered(on) for one, on in zip(life, told["progress_on"], strict=True)],
        "look_backs": [tuple(one.look_backs) for one in life],
        "changes": [tuple(one.changes) for one in life],
        "chains": [one.chains for one in life],
    }
    columns = {**dict.fromkeys(_TEXTS, [""] * len(ids)), **told, **made}
    return list(map(Measure._make, zip(*(columns[name] for name in Measure._fields), strict=True)))


@lru_cache(maxsize=4096)  # an office writes the same few limits on thousands of measures
def _deadline(cells: tuple[Any, ...]) -> Deadline:
    kind, on, rule, text, confirmed, computed, then_ongoing = cells
    return Deadline(_KINDS[kind], on, rule, text, then_ongoing, confirmed, computed)


@uncollected()
def by_ids(session: Session, ids: Iterable[int], *, untold: bool = False) -> dict[int, Measure]:
    """The measures with these ids, by id, in the order of the ledger; ids that do not exist are left out.

    `untold` are read as far as rules look at them.
    """
    asked = _read_of(untold=untold)
    wanted = set(ids)
    rows = sorted(asked.rows(session, wanted), key=_PLACE) if wanted else []
    return {measure.id: measure for measure in _put_together(session, asked.columns, rows)}
