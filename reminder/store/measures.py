"""Measures as domain values: rows of `measure` with their units and the history of their status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Row, RowMapping, and_, or_, true, union_all
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from reminder.domain.frozen import FrozenChain
from reminder.domain.measure import Change, Deadline, DeadlineKind, LookBack, Measure, Status
from reminder.store.chains import chains_of
from reminder.store.tables import EventRow, FrozenChainRow, MeasureRow, MeasureUnitRow

_COLUMNS = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_ANSWERS = ("progress", "claim", "ask_extension", "report")  # what a unit does that answers a reminder
_LEFT_OUT = {"imported", "edited", "deadline_read_on", "row", "vanished_on"}  # what no rule reads
_READ = [column for column in _COLUMNS if column.name not in _LEFT_OUT]
_NAMES = [column.name for column in _READ]
_STATUSES = {status.value: status for status in Status}
_KINDS = {kind.value: kind for kind in DeadlineKind}
_MADE = {"status", "tags", "dated_on"}  # made of what the row holds; all other fields are taken over
_AS_THEY_ARE = [name for name in Measure.__dataclass_fields__ if name in _NAMES and name not in _MADE]


def load_measures(session: Session, *where: ColumnElement[bool]) -> list[Measure]:
    """Every measure that meets all of `where`, in the order of the ledger."""
    return load_alternatives(session, [and_(true(), *where)])


def load_alternatives(session: Session, ways: Sequence[ColumnElement[bool]]) -> list[Measure]:
    """Every measure that meets one of `ways`, which exclude each other, in the order of the ledger."""
    rows = rows_of(session, ways)
    if not rows:
        return []
    ids = union_all(*(select_columns(_COLUMNS.id).where(way) for way in ways))
    units = _units(session, ids)
    lives = _lives(session, ids)
    for measure_id, chains in chains_of(session, col(FrozenChainRow.measure_id).in_(ids)).items():
        lives[measure_id].chains = chains
    nothing = _Life()
    return [_measure(dict(zip(_NAMES, row, strict=True)), units, lives.get(row[0], nothing)) for row in rows]


def rows_of(session: Session, ways: Sequence[ColumnElement[bool]]) -> Sequence[Row[Any]]:
    """The rows themselves, the id first, in the order of the ledger."""
    if not ways:
        return []
    found = session.connection().execute(union_all(*(select_columns(*_READ).where(way) for way in ways))).all()
    place = _NAMES.index("ledger")
    return sorted(found, key=lambda row: (row[place], row[0]))


def _units(session: Session, ids: CompoundSelect[Any]) -> dict[tuple[int, str], list[str]]:
    """(measure, role) → its units, in the order of the cell."""
    of = MeasureUnitRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    units: dict[tuple[int, str], list[str]] = defaultdict(list)
    placed = select_columns(of.measure_id, of.role, of.unit).where(of.measure_id.in_(ids)).order_by(of.position)
    for measure_id, role, unit in session.connection().execute(placed):
        units[measure_id, role].append(unit)
    return units


@dataclass(slots=True)
class _Life:
    """What a measure's events say of it."""

    changes: list[Change] = field(default_factory=list)
    answers: list[date] = field(default_factory=list)
    look_backs: list[LookBack] = field(default_factory=list)
    extended_on: date | None = None
    chains: tuple[FrozenChain, ...] = ()

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


def _lives(session: Session, ids: CompoundSelect[Any]) -> dict[int, _Life]:
    events = EventRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    told = or_(events.status.is_not(None), events.act.in_((*_ANSWERS, "look_back", "extend")))
    wanted = select_columns(events.measure_id, events.on, events.act, events.status, events.facts).where(
        events.measure_id.in_(ids), told
    )
    lives: dict[int, _Life] = defaultdict(_Life)
    for event in session.connection().execute(wanted.order_by(events.on, events.id)).mappings():
        lives[event["measure_id"]].add(event)
    return lives


def _measure(row: dict[str, Any], units: Mapping[tuple[int, str], list[str]], life: _Life) -> Measure:
    deadline = Deadline(
        kind=_KINDS[row["deadline_kind"]],
        on=row["deadline_on"],
        rule=row["deadline_rule"],
        text=row["deadline_text"],
        then_ongoing=row["then_ongoing"],
        confirmed=row["deadline_confirmed"],
        computed=row["deadline_computed"],
    )
    reported = (row["progress_on"],) if row["progress_on"] else ()
    return Measure(
        **{name: row[name] for name in _AS_THEY_ARE},
        units=tuple(units.get((row["id"], "responsible"), ())),
        supporting_units=tuple(units.get((row["id"], "supporting"), ())),
        deadline=deadline,
        status=_STATUSES[row["status"]],
        tags=tuple(row["tags"]),
        blocked=bool(row["blocked_by"]),
        seen=row["seen_at"] is not None,
        dated_on=row["dated_on"] or row["known_on"],
        extended_on=life.extended_on,
        answers=tuple(sorted({*life.answers, *reported})) if life.answers else reported,
        look_backs=tuple(life.look_backs),
        changes=tuple(life.changes),
        chains=life.chains,
    )


def by_ids(session: Session, ids: Iterable[int]) -> dict[int, Measure]:
    """The measures with these ids, by id; ids that do not exist are left out."""
    wanted = sorted(set(ids))
    found: dict[int, Measure] = {}
    for start in range(0, len(wanted), 500):  # SQLite's limit on parameters is 999 in old builds
        part = load_measures(session, col(MeasureRow.id).in_(wanted[start : start + 500]))
        found |= {measure.id: measure for measure in part}
    return found
