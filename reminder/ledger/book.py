"""A ledger's measures in and out of the store, many at a time: what an import reads and what it writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update
from sqlmodel import Session

from reminder.domain.history import status_at
from reminder.domain.measure import Change, Deadline, DeadlineKind, Status
from reminder.ledger.known import FIELDS, Known
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow

_MEASURE = MeasureRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_UNIT = MeasureUnitRow.__table__  # type: ignore[attr-defined]
_EVENT = EventRow.__table__  # type: ignore[attr-defined]
_PLAIN = tuple(name for name in FIELDS if name not in ("units", "supporting_units", "deadline"))
_ROLES = {"responsible": "units", "supporting": "supporting_units"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event to be written."""

    act: str
    on: date
    status: Status | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A measure to be written: a new one where `known` is None. `columns` are those of the table."""

    known: Known | None
    code: str
    values: Mapping[str, Any]
    columns: Mapping[str, Any]
    events: tuple[Event, ...] = ()


def load(session: Session, ledger: str, today: date) -> list[Known]:
    """Every measure of a ledger in the order of its last sheet, locked against acts until the import is through."""
    wanted = select(_MEASURE).where(_MEASURE.c.ledger == ledger).order_by(_MEASURE.c.row, _MEASURE.c.id)
    connection = session.connection()
    rows = connection.execute(wanted.with_for_update()).mappings().all()
    ids = select(_MEASURE.c.id).where(_MEASURE.c.ledger == ledger)
    units: dict[tuple[int, str], list[str]] = defaultdict(list)
    for measure_id, role, unit in connection.execute(
        select(_UNIT.c.measure_id, _UNIT.c.role, _UNIT.c.unit)
        .where(_UNIT.c.measure_id.in_(ids))
        .order_by(_UNIT.c.position)
    ):
        units[measure_id, _ROLES[role]].append(unit)
    changes: dict[int, list[Change]] = defaultdict(list)
    for measure_id, on, status in connection.execute(
        select(_EVENT.c.measure_id, _EVENT.c.on, _EVENT.c.status)
        .where(_EVENT.c.measure_id.in_(ids), _EVENT.c.status.is_not(None))
        .order_by(_EVENT.c.on, _EVENT.c.id)
    ):
        changes[measure_id].append(Change(on, Status(status)))
    return [_known(row, units, changes.get(row["id"], []), today) for row in rows]


def _known(
    row: RowMapping, units: Mapping[tuple[int, str], list[str]], changes: Sequence[Change], today: date
) -> Known:
    status = Status(row["status"])
    values = {name: row[name] for name in _PLAIN} | {
        "status": status,
        "tags": tuple(row["tags"]),
        "deadline": _deadline(row),
        **{name: tuple(units.get((row["id"], name), ())) for name in _ROLES.values()},
    }
    return Known(
        id=row["id"],
        code=row["code"],
        values=values,
        imported=row["imported"],
        edited=frozenset(row["edited"]),
        changes=tuple(changes),
        standing_at=status_at(changes, today, Status.IN_PROGRESS) if changes else status,
        closed_on=row["closed_on"],
        wording_read_on=row["deadline_read_on"],
        vanished_on=row["vanished_on"],
        row=row["row"],
    )


def _deadline(row: RowMapping) -> Deadline:
    return Deadline(
        kind=DeadlineKind(row["deadline_kind"]),
        on=row["deadline_on"],
        rule=row["deadline_rule"],
        text=row["deadline_text"],
        then_ongoing=row["then_ongoing"],
        confirmed=row["deadline_confirmed"],
        computed=row["deadline_computed"],
    )


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The table's columns for a measure's values; its units have a table of their own."""
    deadline: Deadline = values["deadline"]
    return {name: values[name] for name in _PLAIN} | {
        "status": values["status"].value,
        "tags": list(values["tags"]),
        "deadline_kind": deadline.kind.value,
        "deadline_on": deadline.on,
        "deadline_rule": deadline.rule,
        "deadline_text": deadline.text,
        "then_ongoing": deadline.then_ongoing,
        "deadline_confirmed": deadline.confirmed,
        "deadline_computed": deadline.computed,
    }


def save(session: Session, ledger: str, writes: Sequence[Write], now: datetime) -> None:
    """Writes measures, their units and their events, a few statements for all of them."""
    _recode(session, {one.known.id: one.code for one in writes if one.known and one.known.code != one.code})
    ids = {one.known.id: one for one in writes if one.known} | _insert(session, ledger, writes)
    alike: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)  # one statement for rows of the same columns
    for one in writes:
        if one.known:
            alike[frozenset(one.columns)].append({**one.columns, "key": one.known.id})
    for rows in alike.values():
        _execute(session, update(_MEASURE).where(_MEASURE.c.id == bindparam("key")), rows)
    renewed = {key: one for key, one in ids.items() if _units_differ(one)}
    _execute(
        session,
        delete(_UNIT).where(_UNIT.c.measure_id == bindparam("key")),
        [{"key": key} for key, one in renewed.items() if one.known],
    )
    _execute(session, insert(_UNIT), [row for key, one in renewed.items() for row in _unit_rows(key, one.values)])
    _execute(session, insert(_EVENT), [_event(key, event, now) for key, one in ids.items() for event in one.events])


def _execute(session: Session, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(statement, rows)


def _insert(session: Session, ledger: str, writes: Iterable[Write]) -> dict[int, Write]:
    new = {one.code: one for one in writes if one.known is None}
    if not new:
        return {}
    rows = [{**one.columns, "ledger": ledger, "code": code, "blocked_by": ""} for code, one in new.items()]
    returned = session.connection().execute(insert(_MEASURE).returning(_MEASURE.c.id, _MEASURE.c.code), rows)
    return {key: new[code] for key, code in returned}


def _recode(session: Session, codes: Mapping[int, str]) -> None:
    """Gives measures new codes. All give up the old one first: codes that change places never meet."""
    statement = update(_MEASURE).where(_MEASURE.c.id == bindparam("key")).values(code=bindparam("new_code"))
    _execute(session, statement, [{"key": key, "new_code": f"~moving {key}"} for key in codes])
    _execute(session, statement, [{"key": key, "new_code": code} for key, code in codes.items()])


def _units_differ(write: Write) -> bool:
    return write.known is None or any(write.values[name] != write.known.values[name] for name in _ROLES.values())


def _unit_rows(measure_id: int, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"measure_id": measure_id, "role": role, "position": position, "unit": unit}
        for role, name in _ROLES.items()
        for position, unit in enumerate(values[name])
    ]


def _event(measure_id: int, event: Event, now: datetime) -> dict[str, Any]:
    return {
        "measure_id": measure_id,
        "act": event.act,
        "on": event.on,
        "status": event.status and event.status.value,
        "by": "",
        "because": "",
        "facts": dict(event.facts),
        "recorded_at": now,
    }
