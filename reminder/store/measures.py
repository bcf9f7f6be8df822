"""Measures as domain values: rows of `measure` with their units and the history of their status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import ColumnElement, RowMapping
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from reminder.domain.measure import Change, Deadline, DeadlineKind, Measure, Status
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow

_COLUMNS = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
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
    changes = _changes(session, col(EventRow.measure_id).in_(ids))
    return [_measure(row, units, changes.get(row["id"], ())) for row in rows]


def _changes(session: Session, where: ColumnElement[bool]) -> dict[int, tuple[Change, ...]]:
    found: dict[int, list[Change]] = defaultdict(list)
    moved = select(col(EventRow.measure_id), col(EventRow.on), col(EventRow.status)).where(
        where, col(EventRow.status).is_not(None)
    )
    for measure_id, on, status in session.exec(moved.order_by(col(EventRow.on), col(EventRow.id))):
        if status:
            found[measure_id].append(Change(on, Status(status)))
    return {measure_id: tuple(changes) for measure_id, changes in found.items()}


def _measure(row: RowMapping, units: dict[tuple[int, str], list[str]], changes: tuple[Change, ...]) -> Measure:
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
        changes=changes,
    )


def by_ids(session: Session, ids: Iterable[int]) -> dict[int, Measure]:
    """The measures with these ids, by id; ids that do not exist are left out."""
    wanted = sorted(set(ids))
    found: dict[int, Measure] = {}
    for start in range(0, len(wanted), 500):  # SQLite's limit on parameters is 999 in old builds
        part = load_measures(session, col(MeasureRow.id).in_(wanted[start : start + 500]))
        found |= {measure.id: measure for measure in part}
    return found
