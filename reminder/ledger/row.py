"""One row of the sheet: each cell read by its own reader, each doubt kept as a problem of the row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from reminder.domain.measure import Deadline, Status
from reminder.ledger.bodies import Bodies, read_bodies
from reminder.ledger.deadline_text import read_deadline
from reminder.ledger.layout import Sheet
from reminder.ledger.rows import ReadRow, ReadSettings, RowProblem
from reminder.ledger.stretches import Frame
from reminder.ledger.text import Cell, cell_text, is_error, is_nothing, prose, squeeze
from reminder.ledger.values import (
    Unreadable,
    read_code,
    read_percent,
    read_progress_date,
    read_share,
    read_status,
    read_tick,
)
from reminder.words import say

_FROM_1904 = 1462  # days between Excel's two calendars
_T = TypeVar("_T")


@dataclass(slots=True)
class _Reader:
    """The row being read; gathers its problems."""

    sheet: Sheet
    index: int
    settings: ReadSettings
    problems: list[RowProblem] = field(default_factory=list)

    def cell(self, name: str) -> Cell:
        """A field's cell; an error in place of a value counts as blank and is told."""
        value = self.sheet.value(self.index, name)
        if is_error(value):
            if name != "deadline":
                self.report("cell_error", name)
                return None
            return value
        return value

    def text(self, name: str) -> str:
        """A field's prose."""
        return prose(self.cell(name))

    def report(self, code: str, name: str, sentence: str | None = None, **facts: object) -> None:
        """Keeps a problem of the field `name`; `sentence` where one code has several sentences."""
        text = prose(self.sheet.value(self.index, name))
        column = self.sheet.header.title(name)
        message = say(self.settings.locale, f"ledger.{sentence or code}", **({"text": text, "column": column} | facts))
        self.problems.append(RowProblem(code, column, text, message))

    def read(self, name: str, reader: Callable[[Cell], _T]) -> _T | None:
        """What `reader` makes of the cell; None and a problem where it makes nothing."""
        try:
            return reader(self.cell(name))
        except Unreadable as fault:
            self.report(fault.code, name)
            return None


def read_row(
    sheet: Sheet, index: int, settings: ReadSettings, dated_texts: Mapping[tuple[str, str], date], *, one_is_all: bool
) -> ReadRow:
    """The measure in the sheet's row `index` (from 0)."""
    row = _Reader(sheet, index, settings)
    code = _code(row)
    text = _measure(row)
    bodies = _units(row)
    percent = row.read("percent", lambda cell: read_percent(cell, one_is_all=one_is_all))
    if "percent" not in sheet.header.columns:
        percent = read_share(row.cell("status"))  # 完成情况: 80%
    status = _status(row, percent)
    cells = {name: _comparable(sheet, index, name) for name in sheet.header.columns}
    deadline = _deadline(row, dated_texts.get((code or "", cells.get("deadline", ""))))
    return ReadRow(
        row=index + 1,
        code=code,
        text=text,
        problem=read_code(row.cell("problem")) or "",
        problem_text=row.text("problem_text"),
        aspect=row.text("aspect"),
        goal=row.text("goal"),
        leader=_leader(row.text("leader")),
        units=bodies.leading,
        supporting_units=bodies.helping,
        deadline=deadline,
        status=status,
        percent=percent,
        progress=_progress(row),
        progress_on=_progress_on(row),
        parent=read_code(row.cell("parent")),
        tags=_tags(row.text("tags")),
        standing=read_tick(row.text("standing")),
        cells=cells,
        rejected=not text,
        problems=tuple(row.problems),
    )


def _comparable(sheet: Sheet, index: int, name: str) -> str:
    return cell_text(sheet.value(index, name))


def _code(row: _Reader) -> str | None:
    code = read_code(row.cell("code"))
    if code is None:
        row.report("code_missing", "code")
    return code


def _measure(row: _Reader) -> str:
    columns = row.sheet.header.columns
    # a ledger without a column of measures lists problems as what is to be done
    name = next((name for name in ("text", "problem_text", "goal") if name in columns), "text")
    text = row.text(name)
    if not text or is_nothing(text):
        row.report("measure_missing", name)
        return ""
    return text


def _units(row: _Reader) -> Bodies:
    names = row.settings.unit_names
    lead = read_bodies(_lines(row.cell("units")), names)
    helping = read_bodies(_lines(row.cell("supporting_units")), names)
    if not lead.leading:
        row.report("unit_missing", "units")
    for name in lead.leading:
        if names and name not in names.values():
            row.report("unit_unknown", "units", unit=name)
    supporting = dict.fromkeys(lead.helping + helping.leading + helping.helping)
    return Bodies(lead.leading, tuple(name for name in supporting if name not in lead.leading))


def _lines(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell_text(cell)


def _leader(text: str) -> str | None:
    return None if not text or is_nothing(text) else text


def _deadline(row: _Reader, first_read: date | None) -> Deadline:
    settings = row.settings
    reading = read_deadline(
        _rebased(row.cell("deadline"), row.sheet.grid.since_1904),
        reference=settings.dated or first_read or settings.as_of,
        default_year=settings.default_year,
        calendar=settings.calendar,
        immediate_within=settings.immediate_within,
    )
    for code, facts in reading.problems:
        why = facts.get("why")
        row.report(code, "deadline", f"{code}_{why}" if why else code, **facts)
    return reading.deadline


def _rebased(cell: Cell, since_1904: bool) -> Cell:
    """A bare day number of a 1904 workbook as every other workbook counts it."""
    if since_1904 and not isinstance(cell, bool) and re.fullmatch(r"\d{5}(\.\d+)?", squeeze(cell_text(cell))):
        return float(squeeze(cell_text(cell))) + _FROM_1904
    return cell


def _status(row: _Reader, percent: int | None) -> Status:
    if percent is not None and "percent" not in row.sheet.header.columns:
        return Status.IN_PROGRESS if percent else Status.NOT_STARTED
    status = row.read("status", lambda cell: read_status(cell_text(cell), row.settings.statuses, percent))
    return status or Status.IN_PROGRESS


def _progress(row: _Reader) -> str:
    """Where no column is called progress, what stands in place of a status is kept as such."""
    if "progress" not in row.sheet.header.columns and any(one.code == "status_unknown" for one in row.problems):
        return row.text("status")
    return row.text("progress")


def _progress_on(row: _Reader) -> date | None:
    settings = row.settings
    frame = Frame(settings.as_of, settings.default_year, settings.calendar)
    since_1904 = row.sheet.grid.since_1904
    return row.read(
        "progress_on", lambda cell: read_progress_date(_rebased(cell, since_1904), as_of=settings.as_of, frame=frame)
    )


def _tags(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(r"[、,;/\s]+", text))
    return tuple(dict.fromkeys(part for part in parts if part and not is_nothing(part)))
