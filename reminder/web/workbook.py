"""A table as a workbook to download."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from io import BytesIO
from urllib.parse import quote

from fastapi import Response

_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDTH = 18
Value = str | int | date


def workbook(name: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> Response:
    """One sheet with a header, as the file `name`."""
    from openpyxl import Workbook  # noqa: PLC0415 - 20 MB that the daemon needs only here

    from reminder.cells import headings, text_cell  # noqa: PLC0415 - the same

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title[:31]
    headings(sheet, columns, [_WIDTH] * len(columns))
    for row in rows:
        sheet.append([text_cell(sheet, value) if isinstance(value, str) else value for value in row])
    saved = BytesIO()
    book.save(saved)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(saved.getvalue(), media_type=_TYPE, headers=headers)
