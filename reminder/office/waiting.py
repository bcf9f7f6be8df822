"""What waits for the office: claims to confirm, extensions asked for, suspensions whose review has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from sqlalchemy import ColumnElement, TextClause, text
from sqlmodel import Session, col, select

from reminder.domain.history import status_at
from reminder.domain.measure import OPEN, Change, Status
from reminder.rules.rule import Practice
from reminder.store.tables import ASIDE, ASKED, ASKED_ABOUT_UNIT, EventRow, MeasureRow, MeasureUnitRow

_EVERY = 2  # working days: how often the office is asked again
_ABOUT_EXTENSION = ("ask_extension", "refuse_extension", "extend")
What = Literal["claim", "extension", "pass_on", "review"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One measure that waits for the office since the day `since` (a review: since its day). `to` is the new deadline
    that a unit asks for, `whose` the unit to which it says a measure belongs."""

    what: What
    measure: MeasureRow
    since: date
    by: str
    because: str
    to: date | None = None
    whose: str = ""

    def asked_on(self, day: date, practice: Practice) -> bool:
        """Whether the office is asked on `day`: on a review's day, and every 2 working days after it or a claim."""
        calendar = practice.calendar
        if day != practice.earlier(day) or day < self.since:
            return False
        begins = practice.later(self.since) if self.what == "review" else self.since
        passed = calendar.between(begins, day) if practice.working_days_only else (day - begins).days
        return passed % _EVERY == 0 and (passed > 0 or (self.what == "review" and day >= begins))


def waiting(session: Session, day: date) -> list[Waiting]:
    """Everything that waits on `day`, in the order of the ledger; a measure that was closed waits for nothing."""
    stands = (text(f"measure.{ASIDE}"), col(MeasureRow.status) == Status.CLAIMED.value)
    claimed = _latest(session, *stands, col(EventRow.status) == Status.CLAIMED.value)
    found = [_waiting("claim", event, row) for event, row in claimed]
    asked = _latest(session, text(ASKED), col(EventRow.act).in_(_ABOUT_EXTENSION))
    found += [
        _waiting("extension", event, row) for event, row in asked if event.act == "ask_extension" and row.status in OPEN
    ]
    passed = _latest(session, text(ASKED), col(EventRow.act).in_(ASKED_ABOUT_UNIT))
    found += [
        replace(_waiting("pass_on", event, row), whose=event.facts["unit"])
        for event, row in passed
        if event.act == "pass_on" and row.status in OPEN and _still_its(session, row, event)
    ]
    for event, row in _latest(session, text(ASKED), col(EventRow.act) == "suspend"):
        review = _day(event, "review")
        if review and review <= day and _stands(session, row, day) is Status.SUSPENDED:
            found.append(replace(_waiting("review", event, row), since=review))
    return sorted(found, key=lambda one: (one.measure.ledger, one.measure.id or 0))


def _still_its(session: Session, row: MeasureRow, event: EventRow) -> bool:
    """Whether the workbook has not given the measure to the unit that was named meanwhile."""
    units = select(MeasureUnitRow.unit).where(
        col(MeasureUnitRow.measure_id) == row.id, col(MeasureUnitRow.role) == "responsible"
    )
    return event.facts["unit"] not in session.exec(units).all()


def request_of(session: Session, measure_id: int) -> EventRow | None:
    """The request for an extension of this measure that nobody has answered yet."""
    events = select(EventRow).where(EventRow.measure_id == measure_id, col(EventRow.act).in_(_ABOUT_EXTENSION))
    latest = session.exec(events.order_by(col(EventRow.id).desc())).first()
    return latest if latest and latest.act == "ask_extension" else None


def passed_on(session: Session, measure_id: int) -> EventRow | None:
    """The statement that a measure belongs to another unit, where nobody has answered it yet."""
    said = select(EventRow).where(EventRow.measure_id == measure_id, col(EventRow.act).in_(ASKED_ABOUT_UNIT))
    latest = session.exec(said.order_by(col(EventRow.id).desc())).first()
    return latest if latest and latest.act == "pass_on" else None


def _waiting(what: What, event: EventRow, row: MeasureRow) -> Waiting:
    return Waiting(what=what, measure=row, since=event.on, by=event.by, because=event.because, to=_day(event, "to"))


def _day(event: EventRow, name: str) -> date | None:
    return date.fromisoformat(event.facts[name]) if event.facts.get(name) else None


def _latest(session: Session, *where: ColumnElement[bool] | TextClause) -> Iterable[tuple[EventRow, MeasureRow]]:
    """For each measure the last of the acts that meet `where`, with the measure."""
    named = select(EventRow, MeasureRow).join(MeasureRow, col(MeasureRow.id) == col(EventRow.measure_id)).where(*where)
    acts = (found for found in session.exec(named.order_by(col(EventRow.id))) if not _said_again(found[0]))
    return {row.id: (event, row) for event, row in acts}.values()


def _said_again(event: EventRow) -> bool:
    """Whether it only repeats or ends what another event says."""
    return bool(event.facts.get("planned") or event.facts.get("repeat"))


def _stands(session: Session, row: MeasureRow, day: date) -> Status:
    events = select(EventRow).where(EventRow.measure_id == row.id, col(EventRow.status).is_not(None))
    found = session.exec(events.order_by(col(EventRow.on), col(EventRow.id)))
    return status_at([Change(one.on, Status(one.status)) for one in found if one.status], day, Status(row.status))
