"""A week's reports compiled into one table, for the people who read all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook
from sqlmodel import Session, col, select

from reminder.cells import headings, text_cell
from reminder.office.reports import UnitWeek
from reminder.store.tables import ReportRow
from reminder.words import say

_WIDTHS = (20, 10, 18, 18, 80)


def notes_of(session: Session, week: str) -> dict[str, str]:
    """What each unit wrote for `week`; amendments follow what they amend."""
    notes: dict[str, list[str]] = defaultdict(list)
    rows = select(ReportRow).where(ReportRow.week == week).order_by(col(ReportRow.submitted_at), col(ReportRow.id))
    for row in session.exec(rows):
        notes[row.unit] += [row.note] if row.note else []
    return {unit: "\n".join(told) for unit, told in notes.items()}


def compile_reports(path: Path, weeks: Sequence[UnitWeek], notes: Mapping[str, str], locale: str) -> None:
    """Writes one row for each unit: whether its report came, when it was due and came, what it says."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = weeks[0].week if weeks else "-"
    headings(sheet, say(locale, "reports.table").split("|"), _WIDTHS)
    for one in weeks:
        row = (one.unit, say(locale, f"reports.{one.state}"), _minute(one.due_at), _minute(one.submitted_at))
        sheet.append([text_cell(sheet, text) for text in (*row, notes.get(one.unit, ""))])
    book.save(path)


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
