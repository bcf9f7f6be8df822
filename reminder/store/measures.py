"""Measures as domain values: rows of `measure` with their units and the history of their status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, RowMapping, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from reminder.domain.frozen import FrozenChain
from reminder.domain.measure import Change, Deadline, DeadlineKind, LookBack, Measure, Status
from reminder.store.chains import chains_of
from reminder.store.tables import EventRow, FrozenChainRow, MeasureRow, MeasureUnitRow

_COLUMNS = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_ANSWERS = ("progress", "claim", "ask_extension")  # what a unit does that answers a reminder
_LEFT_OUT = {"imported", "edited", "deadline_read_on", "row"}  # what no rule reads
_READ = [column for column in _COLUMNS if column.name not in _LEFT_OUT]


def load_measures(session: Session, *where: ColumnElement[bool]) -> list[Measure]:
    """Every measure that meets all of `where`, in the order of the ledger."""
    wanted = select_columns(*_READ).where(*where).order_by(_COLUMNS.ledger, _COLUMNS.id)
    rows = session.connection().execute(wanted).mappings().all()
    if not rows:
        return []
    ids = select(col(MeasureRow.id)).where(*where)
    units: dict[tuple[int, str], list[str]] = defaultdict(list)
    named = select(col(MeasureUnitRow.measure_id), col(MeasureUnitRow.role), col(MeasureUnitRow.unit))
    placed = named.where(col(MeasureUnitRow.measure_id).in_(ids)).order_by(col(MeasureUnitRow.position))
    for measure_id, role, unit in session.exec(placed):
        units[measure_id, role].append(unit)
    lives = _lives(session, col(EventRow.measure_id).in_(ids))
    for measure_id, chains in chains_of(session, col(FrozenChainRow.measure_id).in_(ids)).items():
        lives[measure_id].chains = chains
    return [_measure(row, units, lives.get(row["id"], _Life())) for row in rows]


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


def _lives(session: Session, where: ColumnElement[bool]) -> dict[int, _Life]:
    events = EventRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    told = or_(events.status.is_not(None), events.act.in_((*_ANSWERS, "look_back", "extend")))
    wanted = select_columns(events.measure_id, events.on, events.act, events.status, events.facts).where(where, told)
    lives: dict[int, _Life] = defaultdict(_Life)
    for event in session.connection().execute(wanted.order_by(events.on, events.id)).mappings():
        lives[event["measure_id"]].add(event)
    return lives


def _measure(row: RowMapping, units: dict[tuple[int, str], list[str]], life: _Life) -> Measure:
    deadline = Deadline(
        kind=DeadlineKind(row["deadline_kind"]),
        on=row["deadline_on"],
        rule=row["deadline_rule"],
        text=row["deadline_text"],
        then_ongoing=row["then_ongoing"],
        confirmed=row["deadline_confirmed"],
        computed=row["deadline_computed"],
    )
    same = (
        "id",
        "ledger",
        "code",
        "text",
        "problem",
        "problem_text",
        "aspect",
        "goal",
        "leader",
        "percent",
        "progress",
        "progress_on",
        "standing",
        "blocked_by",
        "known_on",
    )
    return Measure(
        **{name: row[name] for name in same},
        units=tuple(units.get((row["id"], "responsible"), ())),
        supporting_units=tuple(units.get((row["id"], "supporting"), ())),
        deadline=deadline,
        status=Status(row["status"]),
        closed_on=row["closed_on"],
        tags=tuple(row["tags"]),
        blocked=bool(row["blocked_by"]),
        seen=row["seen_at"] is not None,
        dated_on=row["dated_on"] or row["known_on"],
        extended_on=life.extended_on,
        answers=tuple(sorted({*life.answers, *([row["progress_on"]] if row["progress_on"] else [])})),
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
