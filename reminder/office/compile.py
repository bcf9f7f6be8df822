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
from reminder.store.tables import EventRow, MeasureRow, ReportRow
from reminder.words import say

_WIDTHS = (20, 10, 18, 18, 80)


def notes_of(session: Session, week: str, locale: str) -> dict[str, str]:
    """What each unit wrote for `week`, and what it said of single measures on its page; amendments follow what they
    amend."""
    notes: dict[str, list[str]] = defaultdict(list)
    wanted = select(ReportRow).where(ReportRow.week == week).order_by(col(ReportRow.submitted_at), col(ReportRow.id))
    rows = session.exec(wanted).all()
    said = _of_measures(session, rows, locale)
    for row in rows:
        notes[row.unit] += [*([row.note] if row.note else []), *said[str(row.sent.get("via")), row.submitted_at]]
    return {unit: "\n".join(told) for unit, told in notes.items()}


def _of_measures(session: Session, reports: Sequence[ReportRow], locale: str) -> dict[tuple[str, datetime], list[str]]:
    """By link and instant of the reports that came through a page, a line for everything they said of a measure."""
    found: dict[tuple[str, datetime], list[str]] = defaultdict(list)
    instants = {row.submitted_at for row in reports if row.sent.get("via")}
    if not instants:
        return found
    named = select(EventRow, MeasureRow.ledger, MeasureRow.code).join(
        MeasureRow, col(MeasureRow.id) == col(EventRow.measure_id)
    )
    then = named.where(col(EventRow.recorded_at).between(min(instants), max(instants)))
    for event, ledger, code in session.exec(then.order_by(col(EventRow.id))):
        if event.recorded_at in instants and event.facts.get("via"):
            key = f"{ledger}/{code}" if ledger else code
            found[str(event.facts["via"]), event.recorded_at].append(_line(event, key, locale))
    return found


def _line(event: EventRow, key: str, locale: str) -> str:
    percent = event.facts.get("percent")
    more = (f"{percent}%" if percent is not None else "", event.facts.get("to"), event.facts.get("unit"))
    act = say(locale, f"office.act_{event.act}")
    return " ".join(str(one) for one in (key, act, *more, event.because) if one)


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
