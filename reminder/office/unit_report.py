"""A unit's weekly report from its page: the week, and what it says of the measures that it touched.

Everything of one report is done or nothing; the very same report sent again changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Literal

from sqlmodel import Session, col, select

from reminder.domain.measure import OPEN, Measure, Status
from reminder.office.act import Act, Office
from reminder.office.acts import perform
from reminder.office.evidence import Evidence, keep
from reminder.store.engine import one_at_a_time
from reminder.store.measures import load_measures
from reminder.store.tables import MeasureRow, MeasureUnitRow, ReportRow
from reminder.words import say

_NEXT = timedelta(microseconds=1)  # an amendment comes after what it amends, also by a clock that was set back
State = Literal["", "phase_complete", "claim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a report says of one measure. Whatever is empty is not said.

    `extend_to` with `extend_because` asks for an extension; `pass_to` says whose the measure is instead.
    """

    measure: Measure
    percent: int | None = None
    text: str = ""
    state: State = ""
    extend_to: date | None = None
    extend_because: str = ""
    pass_to: str = ""
    blocked_by: str = ""
    evidence: tuple[Evidence, ...] = ()

    def acts(self, unit: str, by: str, via: str, office: Office) -> list[Act]:
        """What it orders for `unit`, in the order in which it is done."""
        said = self.text or say(office.locale, "office.reported_weekly")
        progress = Act(
            name="progress", on=office.today, by=by, because=said, percent=self.percent, text=self.text, via=via
        )
        plain = replace(progress, percent=None, text="")
        found = []
        if self.text or self.percent is not None or (self.evidence and not self.state):
            found.append(progress)
        if self.blocked_by:
            found.append(replace(plain, name="block", because=self.blocked_by))
        if self.extend_to:
            found.append(replace(plain, name="ask_extension", because=self.extend_because, to=self.extend_to))
        if self.pass_to:
            found.append(replace(plain, name="pass_on", text=self.pass_to, instead_of=unit))
        if self.state:
            found.append(replace(plain, name=self.state))
        return found

    def facts(self) -> dict[str, object]:
        """What tells this from another report of the same measure."""
        return {
            "measure": self.measure.id,
            "percent": self.percent,
            "text": self.text,
            "state": self.state,
            "extend": [str(self.extend_to or ""), self.extend_because],
            "pass_to": self.pass_to,
            "blocked_by": self.blocked_by,
            "evidence": [one.digest for one in self.evidence],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReport:
    """One report of `unit` for `week`, by somebody of it, through the link `via` (R-12)."""

    unit: str
    week: str
    by: str
    via: str
    note: str = ""
    touched: tuple[Touched, ...] = ()

    @property
    def signature(self) -> str:
        """Equal for equal reports."""
        said = [one.facts() for one in sorted(self.touched, key=lambda one: one.measure.id)]
        told = json.dumps([self.unit, self.week, self.note, said], ensure_ascii=False)
        return sha256(told.encode()).hexdigest()


def hand_in(session: Session, report: UnitReport, office: Office) -> bool:
    """Records the report and does what it says, in the caller's transaction. False where it is the latest one again.

    Raises:
        UsageError: something of it is not possible; nothing of it must be kept.
    """
    one_at_a_time(session, f"report:{report.unit}")
    latest = latest_report(session, report.unit, report.week)
    if latest is not None and latest.sent.get("signature") == report.signature:
        return False
    by = f"{report.unit} {report.by}".strip()
    for one in report.touched:
        evidence = [piece.checked(office) for piece in one.evidence]
        for act in one.acts(report.unit, by, report.via, office):
            perform(session, one.measure.key, act, office)
        for piece in evidence:
            keep(session, one.measure.id, piece, report.unit, by, office)
    at = office.now if latest is None else max(office.now, latest.submitted_at + _NEXT)
    sent = {"by": report.by, "via": report.via, "signature": report.signature}
    session.add(ReportRow(unit=report.unit, week=report.week, submitted_at=at, note=report.note.strip(), sent=sent))
    session.flush()
    return True


def latest_report(session: Session, unit: str, week: str) -> ReportRow | None:
    """The latest report of `unit` for `week`, or its latest amendment."""
    wanted = select(ReportRow).where(ReportRow.unit == unit, ReportRow.week == week)
    wanted = wanted.order_by(col(ReportRow.submitted_at).desc(), col(ReportRow.id).desc()).limit(1)
    return session.exec(wanted).first()


def open_measures(session: Session, names: list[str]) -> list[Measure]:
    """The measures that a unit (by all its `names`) has to carry out or has claimed, the most urgent first."""
    own = select(MeasureUnitRow.measure_id).where(
        col(MeasureUnitRow.unit).in_(names), col(MeasureUnitRow.role) == "responsible"
    )
    known = (*(status.value for status in OPEN), Status.CLAIMED.value)
    found = load_measures(session, col(MeasureRow.id).in_(own), col(MeasureRow.status).in_(known))
    return sorted(found, key=lambda one: (one.deadline.counted_down or date.max, one.ledger, one.id))
