"""Measures as domain values: rows of `measure` with their units and the history of their status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Executable, RowMapping, String, and_, cast, func, or_, true, union_all
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from reminder.domain.frozen import FrozenChain
from reminder.domain.measure import Change, Deadline, DeadlineKind, LookBack, Measure, Status
from reminder.store.among import among
from reminder.store.chains import chains_of
from reminder.store.garbage import uncollected
from reminder.store.tables import EventRow, FrozenChainRow, MeasureRow, MeasureUnitRow

_COLUMNS = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_ANSWERS = ("progress", "claim", "ask_extension", "report")  # what a unit does that answers a reminder
_LEFT_OUT = {"imported", "edited", "deadline_read_on", "row", "vanished_on", "parent"}  # what no rule reads
_READ = [column for column in _COLUMNS if column.name not in _LEFT_OUT]
_NAMES = [column.name for column in _READ]
_TEXTS = ("text", "problem_text", "goal", "progress")  # what only letters and people read
_UNTOLD = [column for column in _READ if column.name not in _TEXTS]
_DEADLINE = [*(f"deadline_{name}" for name in ("kind", "on", "rule", "text", "confirmed", "computed")), "then_ongoing"]
_Among = Callable[[Any], ColumnElement[bool]]
_STATUSES = {status.value: status for status in Status}
_KINDS = {kind.value: kind for kind in DeadlineKind}


def load_measures(session: Session, *where: ColumnElement[bool]) -> list[Measure]:
    """Every measure that meets all of `where`, in the order of the ledger."""
    return load_alternatives(session, [and_(true(), *where)])


@uncollected()
def load_alternatives(session: Session, ways: Sequence[ColumnElement[bool]]) -> list[Measure]:
    """Every measure that meets one of `ways`, which exclude each other, in the order of the ledger."""
    rows = rows_of(session, ways)
    if not rows:
        return []
    ids = union_all(*(select_columns(_COLUMNS.id).where(way) for way in ways))
    return _put_together(session, rows, lambda column: column.in_(ids))


def _put_together(session: Session, rows: Sequence[Sequence[Any]], of_these: _Among) -> list[Measure]:
    """These rows as measures; `of_these` says by a column with measures' ids what belongs to them."""
    units = _units(session, of_these)
    lives = _lives(session, of_these)
    for measure_id, chains in chains_of(session, of_these(col(FrozenChainRow.measure_id))).items():
        lives[measure_id].chains = chains
    return _measures(_read(rows, session.get_bind().dialect), units, lives)


def rows_of(session: Session, ways: Sequence[ColumnElement[bool]]) -> list[Sequence[Any]]:
    """The rows themselves, in the order of the ledger and in the driver's own words: whoever asks reads a thousand at
    a time, and of the few days in them each only once."""
    if not ways:
        return []
    found = _tuples(session, union_all(*(select_columns(*_READ).where(way) for way in ways)))
    return sorted(found, key=_PLACE)


def _tuples(session: Session, statement: Executable) -> Sequence[Sequence[Any]]:
    """What the driver says, without a Row made of each."""
    result = session.connection().execute(statement)
    found = result.cursor.fetchall()
    result.close()
    return found


_PLACE = itemgetter(_NAMES.index("ledger"), _NAMES.index("id"))  # both stand before all texts


def _read(rows: Sequence[Sequence[Any]], dialect: Dialect) -> dict[str, Sequence[Any]]:
    """The columns of these rows by name, each value as Python has it."""
    columns = _READ if len(rows[0]) == len(_READ) else _UNTOLD
    told = zip(columns, zip(*rows, strict=True), strict=True)
    return {column.name: _told(values, _reader(column, dialect)) for column, values in told}


def _told(values: Sequence[Any], read: Callable[[Any], Any] | None) -> Sequence[Any]:
    return values if read is None else [None if value is None else read(value) for value in values]


@cache
def _reader(column: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a column's values of what the driver says; None where they are the same."""
    read = column.type.dialect_impl(dialect).result_processor(dialect, None)
    # thousands of rows speak of the same few days
    return lru_cache(maxsize=4096)(read) if read and dialect.name == "sqlite" else read


def more_than(session: Session, ways: Sequence[ColumnElement[bool]], most: int) -> bool:
    """Whether more than `most` measures meet one of `ways`; no more of them are counted."""
    if not ways:
        return False
    found = union_all(*(select_columns(_COLUMNS.id).where(way) for way in ways)).limit(most + 1).subquery()
    return session.connection().execute(select_columns(func.count()).select_from(found)).scalar_one() > most


def by_units(session: Session, ways: Sequence[ColumnElement[bool]], most: int) -> Iterator[tuple[list[str], list[int]]]:
    """Units with the ids of their measures that meet one of `ways`, in groups of some `most` measures."""
    of = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    ids = union_all(*(select_columns(_COLUMNS.id).where(way) for way in ways)).subquery()
    listed = func.aggregate_strings(cast(of.measure_id, String), ",")  # few bytes for each of a million
    mine = select_columns(of.unit, listed).where(of.role == "responsible", of.measure_id == ids.c.id)
    units: list[str] = []
    together: list[int] = []
    for unit, told in session.connection().execute(mine.group_by(of.unit).order_by(of.unit)).all():
        if len(together) >= most:
            yield units, together
            units, together = [], []
        units.append(unit)
        together += map(int, told.split(","))
    if units:
        yield units, together


def _units(session: Session, of_these: _Among) -> dict[str, dict[int, tuple[str, ...]]]:
    """role → measure → its units, in the order of the cell."""
    of = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    units: dict[str, dict[int, tuple[str, ...]]] = defaultdict(dict)
    placed = select_columns(of.position, of.role, of.measure_id, of.unit).where(of_these(of.measure_id))
    for _, role, measure_id, unit in sorted(_tuples(session, placed), key=itemgetter(0)):
        units[role][measure_id] = (*units[role].get(measure_id, ()), unit)
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

    def add(self, event: RowMapping) -> None:
        """Takes in the next event, in the order of their days."""
        if event["status"]:
            self.changes.append(Change(event["on"], Status(event["status"])))
        if event["act"] in _ANSWERS:
            self.answers.append(event["on"])
        if event["act"] == "look_back":
            self.look_backs.append(LookBack(event["on"], held=event["facts"].get("result") == "held"))
        if event["act"] == "extend":
            self.extended_on = event["on"]


def _lives(session: Session, of_these: _Among) -> dict[int, _Life]:
    events = EventRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    told = or_(events.status.is_not(None), events.act.in_((*_ANSWERS, "look_back", "extend")))
    wanted = select_columns(events.measure_id, events.on, events.act, events.status, events.facts).where(
        of_these(events.measure_id), told
    )
    lives: dict[int, _Life] = defaultdict(_Life)
    for event in session.connection().execute(wanted.order_by(events.on, events.id)).mappings():
        lives[event["measure_id"]].add(event)
    return lives


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
        "status": map(_STATUSES.__getitem__, told["status"]),
        "tags": map(tuple, told["tags"]),
        "blocked": map(bool, told["blocked_by"]),
        "seen": [at is not None for at in told["seen_at"]],
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

    `untold` are read as far as rules look at them: without the texts.
    """
    wanted, columns = set(ids), _UNTOLD if untold else _READ
    rows = _tuples(session, select_columns(*columns).where(among(session, _COLUMNS.id, wanted))) if wanted else []
    ordered = sorted(rows, key=_PLACE)
    found = _put_together(session, ordered, lambda column: among(session, column, wanted)) if rows else []
    return {measure.id: measure for measure in found}
