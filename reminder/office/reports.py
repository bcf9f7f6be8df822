"""The units' weekly reports: recorded one by one or from a list, and told against what each unit owed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from reminder.errors import UsageError
from reminder.office.find import nearest
from reminder.office.naming import note_answers
from reminder.office.weeks import instant_of, week_of
from reminder.rules.kinds.report import ReportRule
from reminder.rules.rule import Practice, Span
from reminder.store.owing import units_owing
from reminder.store.tables import ReportRow
from reminder.words import say

State = Literal["received", "late", "missing", "not_owed"]
_HEADERS = {
    "unit": ("unit", "单位", "单位名称", "报送单位", "责任单位", "责任部门"),
    "week": ("week", "周", "周次", "报告周", "所属周"),
    "submitted_at": ("submitted_at", "submittedat", "报送时间", "提交时间", "收到时间"),
    "note": ("note", "备注", "说明", "附注"),
}
_NEEDED = ("unit", "week", "submitted_at")
_SEARCHED_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One weekly report as submitted. `unit` is a canonical name, `submitted_at` aware."""

    unit: str
    week: str
    submitted_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWeek:
    """What became of one unit's report of one week."""

    unit: str
    week: str
    due_at: datetime | None
    state: State
    submitted_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The line as the contract writes it."""
        return {
            "unit": self.unit,
            "week": self.week,
            "due_at": self.due_at and self.due_at.isoformat(),
            "state": self.state,
            "submitted_at": self.submitted_at and self.submitted_at.isoformat(),
        }


def canonical_unit(name: str, unit_names: Mapping[str, str], locale: str = "zh_CN") -> str:
    """The canonical name of a unit or alias.

    Raises:
        UsageError: no unit is called so.
    """
    known = unit_names.get(name.strip()) or unit_names.get("".join(name.split()))
    if known:
        return known
    near = nearest(name.strip(), [*unit_names])
    raise UsageError(say(locale, "office.unit_unknown_near" if near else "office.unit_unknown", unit=name, near=near))


def record_report(session: Session, report: Report, zone: ZoneInfo) -> bool:
    """Stores a report; False where the very same one (unit, week, instant) is stored already. The measures that its
    note names are answered on its day.
    """
    same = select(ReportRow.id).where(
        ReportRow.unit == report.unit,
        ReportRow.week == report.week,
        col(ReportRow.submitted_at) == report.submitted_at,
    )
    if session.exec(same).first() is not None:
        return False
    session.add(
        ReportRow(unit=report.unit, week=report.week, submitted_at=report.submitted_at, note=report.note.strip())
    )
    note_answers(session, report.unit, report.note, report.submitted_at.astimezone(zone).date(), report.submitted_at)
    session.flush()
    return True


def read_reports(
    rows: Sequence[Sequence[object]], unit_names: Mapping[str, str], zone: ZoneInfo, locale: str = "zh_CN"
) -> list[Report]:
    """The reports of a list's cells, as `ledger.grid.read_grid` gives them.

    Raises:
        UsageError: no header, or some rows cannot be read; all of them are told, one a line.
    """
    header, columns = _header(rows, locale)
    reports: list[Report] = []
    faults: list[str] = []
    for number, row in enumerate(rows[header + 1 :], header + 2):
        cells = {name: row[place] if place < len(row) else None for name, place in columns.items()}
        if not any(str(cell or "").strip() for cell in cells.values()):
            continue
        read = _Row(cells, unit_names, zone, locale)
        report = read.report()
        reports += [report] if report else []
        faults += [say(locale, "office.report_row", row=number, fault=fault) for fault in read.faults]
    if faults:
        raise UsageError("\n".join(faults))
    return reports


def _header(rows: Sequence[Sequence[object]], locale: str) -> tuple[int, dict[str, int]]:
    for number, row in enumerate(rows[:_SEARCHED_ROWS]):
        titles = ["".join(str(cell or "").lower().split()) for cell in row]
        columns = {
            name: next(place for place, title in enumerate(titles) if title in names)
            for name, names in _HEADERS.items()
            if any(title in names for title in titles)
        }
        if all(name in columns for name in _NEEDED):
            return number, columns
    raise UsageError(say(locale, "office.reports_header"))


class _Row:
    """One row of the list being read; gathers its faults."""

    def __init__(self, cells: Mapping[str, object], unit_names: Mapping[str, str], zone: ZoneInfo, locale: str) -> None:
        self.faults: list[str] = []
        self._cells = cells
        self._unit_names = unit_names
        self._zone = zone
        self._locale = locale

    def report(self) -> Report | None:
        """The report, or None and `faults`."""
        unit = self._try(lambda: canonical_unit(str(self._cells["unit"] or ""), self._unit_names, self._locale))
        week = self._try(lambda: week_of(self._cells["week"], self._locale))
        at = self._try(lambda: instant_of(self._cells["submitted_at"], self._zone, self._locale))
        if unit is None or week is None or at is None:
            return None
        return Report(unit=unit, week=week, submitted_at=at, note=str(self._cells.get("note") or "").strip())

    def _try(self, read: Any) -> Any:
        try:
            return read()
        except UsageError as fault:
            self.faults.append(str(fault))
            return None


def import_reports(session: Session, reports: Iterable[Report], zone: ZoneInfo) -> int:
    """Stores those reports that are not stored yet, in the caller's transaction; returns how many."""
    return sum(record_report(session, report, zone) for report in reports)


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed of one week: when it falls due (None: it owes none), and by which of the units that are known."""

    week: str
    due_at: datetime | None
    units: Mapping[str, bool]


def owed_in(session: Session, rule: ReportRule, practice: Practice, outside: frozenset[str], week: str) -> Owed:
    """What the units owe of `week` (as 2021-W17), of those that had an open measure as long before as the rule looks
    back."""
    monday = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    span = Span(monday, monday + timedelta(6))
    due_at = next((one.due_at for one in rule.weeks(span, practice) if one.name == week), None)
    asked = next(iter(rule.asks(span, practice)), None)
    on = due_at.date() if due_at else None
    units = units_owing(session, rule, outside, on, asked.open_since) if asked else {}
    return Owed(week, due_at, units)


def told(session: Session, owed: Owed, zone: ZoneInfo) -> list[UnitWeek]:
    """Every unit's report of that week, by unit. A unit that owes none but sent one is told too."""
    first = select(ReportRow.unit, func.min(ReportRow.submitted_at)).where(ReportRow.week == owed.week)
    submitted = {unit: at.astimezone(zone) for unit, at in session.exec(first.group_by(ReportRow.unit))}
    found = []
    for unit in sorted({*owed.units, *submitted}):
        at, owes = submitted.get(unit), owed.due_at is not None and owed.units.get(unit, False)
        state = _state(owed.due_at, at) if owes and owed.due_at else "not_owed"
        found.append(UnitWeek(unit=unit, week=owed.week, due_at=owed.due_at, state=state, submitted_at=at))
    return found


def reports_of_week(
    session: Session, rule: ReportRule, practice: Practice, outside: frozenset[str], week: str
) -> list[UnitWeek]:
    """Every unit's report of `week`, see `owed_in` and `told`."""
    return told(session, owed_in(session, rule, practice, outside, week), practice.zone)


def _state(due_at: datetime, submitted_at: datetime | None) -> State:
    if submitted_at is None:
        return "missing"
    return "received" if submitted_at <= due_at else "late"
