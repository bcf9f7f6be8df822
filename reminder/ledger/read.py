"""A ledger's workbook as rows of measures: find the sheet and its header, then read row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from reminder.errors import UsageError
from reminder.ledger.grid import Grid, read_grid
from reminder.ledger.headers import find_header, spread, with_extra
from reminder.ledger.layout import Sheet, classify, laid_out, tables
from reminder.ledger.row import read_row
from reminder.ledger.rows import ReadRow, ReadSettings, ReadSheet, RowProblem, Skipped
from reminder.ledger.values import one_means_all
from reminder.words import say

NEEDED = ("deadline", "units")

Wordings = Mapping[tuple[str, str], date]  # (code, comparable deadline text) → the day it was first read


def read_ledger(
    path: Path, settings: ReadSettings, sheet: str | None = None, dated_texts: Wordings | None = None
) -> ReadSheet:
    """The sheet `sheet`, or the one sheet with a deadline and a unit column.

    `dated_texts` holds, for wording known from earlier imports, the day from which it is to be read.
    Raises UnreadableLedger or UsageError, each with one clear line.
    """
    found = choose(read_grid(path, settings.locale), settings, sheet)
    return read_sheet(found, settings, dated_texts or {})


def choose(grids: Sequence[Grid], settings: ReadSettings, sheet: str | None) -> Sheet:
    """The ledger's sheet with its header."""
    if sheet is not None and sheet not in {grid.name for grid in grids}:
        names = _listed(grid.name for grid in grids)
        raise UsageError(say(settings.locale, "ledger.no_such_sheet", sheet=sheet, sheets=names))
    wanted = [grid for grid in grids if sheet in (None, grid.name)]
    fields = with_extra(settings.columns)
    ledgers = [laid_out(grid, header) for grid in wanted if (header := find_header(grid, fields, NEEDED, spread(grid)))]
    if not ledgers:
        looked_for = {field: "/".join(list(dict.fromkeys(fields[field]))[:4]) for field in NEEDED}
        names = _listed(grid.name for grid in wanted)
        raise UsageError(say(settings.locale, "ledger.no_header", sheets=names, **looked_for))
    if len(ledgers) > 1:
        names = _listed(ledger.grid.name for ledger in ledgers)
        raise UsageError(say(settings.locale, "ledger.several_sheets", sheets=names))
    return ledgers[0]


def _listed(names: object) -> str:
    return "、".join(f"“{name}”" for name in names)  # type: ignore[attr-defined]  # an iterable of names


def read_sheet(sheet: Sheet, settings: ReadSettings, dated_texts: Wordings) -> ReadSheet:
    """Every row under the header, read or skipped with a reason."""
    rows: list[ReadRow] = []
    skipped: list[Skipped] = []
    unknown: dict[str, None] = {}
    for table in tables(sheet, with_extra(settings.columns), NEEDED):
        if table.header is not sheet.header:
            skipped.append(Skipped(table.header.first_row + 1, "repeated_header"))
        one_is_all = one_means_all(table.value(row, "percent") for row in table.below_header())
        for index, why in classify(table):
            if why is not None:
                skipped.append(Skipped(index + 1, why))
                continue
            row = read_row(table, index, settings, dated_texts, one_is_all=one_is_all)
            rows.append(row)
            bodies = row.supporting_units if settings.unit_names else ()
            unknown |= dict.fromkeys(name for name in bodies if name not in settings.unit_names.values())
    return ReadSheet(
        sheet=sheet.grid.name,
        header_row=sheet.header.first_row + 1,
        rows=_with_duplicates(rows, sheet, settings),
        skipped=tuple(skipped),
        fields=tuple(sheet.header.columns),
        unknown_bodies=tuple(unknown),
    )


def _with_duplicates(rows: Sequence[ReadRow], sheet: Sheet, settings: ReadSettings) -> tuple[ReadRow, ...]:
    """`code_duplicate` stands on every row of the code."""
    counts = Counter(row.code for row in rows if row.code is not None)
    column = sheet.header.title("code")
    marked = []
    for row in rows:
        if row.code is not None and counts[row.code] > 1:
            others = "、".join(str(other.row) for other in rows if other.code == row.code)
            message = say(settings.locale, "ledger.code_duplicate", code=row.code, rows=others)
            row = replace(row, problems=(*row.problems, RowProblem("code_duplicate", column, row.code, message)))  # noqa: PLW2901
        marked.append(row)
    return tuple(marked)
