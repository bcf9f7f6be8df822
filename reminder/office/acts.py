"""What can be done to a measure, from where to where. Each act is a dated event of its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlmodel import Session, col, select

from reminder.domain.history import closed_since, moved, ordered, status_at
from reminder.domain.measure import CLOSED, OPEN, Change, Status
from reminder.office.act import Act, ActName, Office
from reminder.office.beside import check_beside
from reminder.office.effects import EFFECTS, edit
from reminder.office.find import find
from reminder.office.handing import hand_over
from reminder.store.tables import EventRow, MeasureRow
from reminder.words import say

_UNSETTLED = OPEN | {Status.CLAIMED, Status.SUSPENDED}


@dataclass(frozen=True, slots=True)
class _Step:
    """From which statuses an act is possible, and where it leads; None: nowhere, "before": back to where it was."""

    possible: frozenset[Status]
    to: Status | Literal["before"] | None = None


_STEPS: Mapping[ActName, _Step] = {
    "progress": _Step(OPEN | {Status.CLAIMED}),
    "claim": _Step(OPEN, Status.CLAIMED),
    "return": _Step(frozenset({Status.CLAIMED}), "before"),
    "write_off": _Step(_UNSETTLED, Status.WRITTEN_OFF),
    "suspend": _Step(OPEN | {Status.CLAIMED}, Status.SUSPENDED),
    "resume": _Step(frozenset({Status.SUSPENDED}), "before"),
    "decline": _Step(_UNSETTLED, Status.DECLINED),
    "ask_extension": _Step(OPEN),
    "refuse_extension": _Step(_UNSETTLED),
    "extend": _Step(_UNSETTLED),
    "confirm": _Step(_UNSETTLED),
    "block": _Step(_UNSETTLED),
    "unblock": _Step(_UNSETTLED),
    "mark": _Step(frozenset(Status)),
    "look_back": _Step(frozenset({Status.WRITTEN_OFF})),
    "phase_complete": _Step(OPEN, Status.PHASE_COMPLETE),
    "pass_on": _Step(OPEN),
    "keep_unit": _Step(_UNSETTLED),
    "hand_over": _Step(_UNSETTLED),
    "reopen": _Step(CLOSED - {Status.SUSPENDED}, Status.IN_PROGRESS),
}


def possible(stands: Status) -> list[ActName]:
    """What can be done to a measure that stands at `stands`."""
    return [name for name, step in _STEPS.items() if stands in step.possible]


def perform(session: Session, key: str, act: Act, office: Office) -> MeasureRow:
    """Does `act` to the measure `key` (CODE or LEDGER/CODE) within the caller's transaction.

    Raises:
        UsageError: no such measure, or the act is not possible; nothing was done.
    """
    measure = find(session, key, office.locale)
    changes = _changes(session, measure)
    stands = status_at(changes, office.today, Status.IN_PROGRESS) if changes else Status(measure.status)
    _check(key, act, stands, changes, office)
    check_beside(session, measure, act, office)
    facts = EFFECTS[act.name](measure, act, office) if act.name in EFFECTS else {}
    if act.name == "hand_over":
        facts = hand_over(session, measure, act, office)
    book = _Book(session, measure, act, office, changes)
    target = _target(session, measure, act, stands)
    if target is None:
        book.record(act.on, None, facts)
    else:
        book.move(act.on, target, {**facts, "was": stands.value})
    if act.name == "suspend" and act.until:  # it opens again by itself, unless a later act overrules that
        again = stands if stands in OPEN else _before(session, measure)
        book.move(act.until, again, {**facts, "planned": True})
    return measure


def _changes(session: Session, measure: MeasureRow) -> list[Change]:
    """How the measure's status changed, by day, planned changes included."""
    events = select(EventRow).where(EventRow.measure_id == measure.id, col(EventRow.status).is_not(None))
    found = session.exec(events.order_by(col(EventRow.on), col(EventRow.id)))
    return [Change(event.on, Status(event.status)) for event in found if event.status]


@dataclass(frozen=True, slots=True)
class _Book:
    """Where one act on one measure is written down."""

    session: Session
    measure: MeasureRow
    act: Act
    office: Office
    changes: list[Change]

    def move(self, on: date, status: Status, facts: dict[str, Any]) -> None:
        """From `on` on the measure stands at `status`."""
        for n, change in enumerate(moved(self.changes, on, status)):
            self.changes.append(change)
            self.record(change.on, change.status, facts | ({"repeat": True} if n else {}))
        self.measure.status = ordered(self.changes)[-1].status.value
        self.measure.closed_on = closed_since(self.changes)
        edit(self.measure, "status")

    def record(self, on: date, status: Status | None, facts: dict[str, Any]) -> None:
        """One event of the measure's history."""
        event = EventRow(
            measure_id=self.measure.id or 0,
            act=self.act.name,
            on=on,
            status=status and status.value,
            by=self.act.by.strip(),
            because=self.act.because.strip(),
            facts={name: value for name, value in {**facts, "via": self.act.via or None}.items() if value is not None},
            recorded_at=self.office.now,
        )
        self.session.add(event)
        self.session.flush()  # events of one day are told in the order of their ids


def _check(key: str, act: Act, stands: Status, changes: list[Change], office: Office) -> None:
    name = say(office.locale, f"office.act_{act.name}")
    if not act.by.strip() or not act.because.strip():
        raise office.refuse("by_because", act=name)
    if act.on > office.today:
        raise office.refuse("future", act=name, on=act.on, today=office.today)
    step = _STEPS[act.name]
    if stands not in step.possible:
        status = say(office.locale, f"letters.status_{stands}")
        states = {say(office.locale, f"letters.status_{one}") for one in step.possible}
        possible = say(office.locale, "office.comma").join(sorted(states))
        raise office.refuse("impossible", code=key, status=status, act=name, possible=possible)
    if step.to == "before" or act.name in ("reopen", "look_back"):
        since = max((change.on for change in changes if change.on <= office.today), default=date.min)
        if act.on < since:
            raise office.refuse("before_start", act=name, on=act.on, since=since)


def _target(session: Session, measure: MeasureRow, act: Act, stands: Status) -> Status | None:
    if act.name == "progress":
        return Status.IN_PROGRESS if stands is Status.NOT_STARTED else None
    to = _STEPS[act.name].to
    return _before(session, measure) if to == "before" else to


def _before(session: Session, measure: MeasureRow) -> Status:
    """The open status the measure had before it was claimed or suspended."""
    events = select(EventRow.facts).where(EventRow.measure_id == measure.id, col(EventRow.status).is_not(None))
    for facts in session.exec(events.order_by(col(EventRow.id).desc())):
        if facts.get("was") in OPEN:
            return Status(facts["was"])
    return Status.IN_PROGRESS
