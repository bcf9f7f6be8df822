"""Cells of workbooks that the service writes: text stays text, whatever it begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no XML file can hold these


def headings(sheet: Worksheet, titles: Sequence[str], widths: Sequence[int]) -> None:
    """The first row in bold, standing still while people scroll."""
    for number, (title, width) in enumerate(zip(titles, widths, strict=True), 1):
        cell = sheet.cell(1, number, title)
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"


def text_cell(sheet: Worksheet, text: str) -> Cell:
    """A cell to be appended to `sheet`, which gives it its place."""
    cell = Cell(sheet, row=1, column=1, value=_ILLEGAL.sub("", text) or None)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if text:
        cell.data_type = "s"  # a text is never a formula, whatever it begins with
        cell.quotePrefix = text[0] in "=+-@"  # nor when somebody edits the cell
    return cell
