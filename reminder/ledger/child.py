"""`python -m reminder.ledger.child FILE`: a workbook as JSON on stdout, inside limits of memory and time.

A hostile or broken file may crash or exhaust this process; the parent then says so in one line.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from reminder.bounds import limit_memory, limit_work
from reminder.ledger import csv_text, guards, markup

MAX_CELLS = 2_000_000
MAX_COLUMNS = 500  # one stray cell at a sheet's far end would make every row of it thousands of cells wide
MEMORY = 512 * 2**20
CPU_SECONDS = 20
MAX_OUTPUT = 32 * 2**20


def main(path: Path) -> None:
    """Writes {"sheets": …} or {"refused": why, "facts": …}."""
    limit_memory(MEMORY)
    limit_work(cpu_seconds=CPU_SECONDS, most_written=MAX_OUTPUT)
    try:
        answer: dict[str, Any] = {"sheets": _sheets(path)}
    except guards.Refused as refusal:
        answer = {"refused": refusal.why, "facts": refusal.facts}
    except MemoryError:
        answer = {"refused": "hostile", "facts": {}}
    except PermissionError:
        answer = {"refused": "locked", "facts": {}}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))


def _sheets(path: Path) -> list[dict[str, Any]]:
    kind = guards.file_kind(path)
    if kind == "csv":
        rows: list[list[Any]] = [list(row[:MAX_COLUMNS]) for row in csv_text.read_csv(path.read_bytes())]
        if sum(map(len, rows)) > MAX_CELLS:
            raise guards.Refused("too_many_cells", limit=MAX_CELLS)
        return [{"name": path.stem, "rows": rows, "merges": [], "since_1904": False}]
    return _workbook(path, kind)


def _workbook(path: Path, kind: str) -> list[dict[str, Any]]:
    import python_calamine  # noqa: PLC0415 - a text file does not need it

    merges: dict[str, list[markup.Merge]] = {}
    errors: dict[str, dict[markup.Place, str]] = {}
    since_1904 = False
    try:
        if kind == "xlsx":
            since_1904, errors = markup.workbook_facts(path)
        elif kind == "ods":
            merges = markup.ods_merges(path)
        else:
            since_1904 = markup.counts_from_1904(path.read_bytes())
        with path.open("rb") as stream:
            book = python_calamine.CalamineWorkbook.from_filelike(stream)
            return [_sheet(book, name, merges, errors, since_1904) for name in _worksheets(book)]
    except (guards.Refused, MemoryError):
        raise
    except python_calamine.PasswordError as fault:
        raise guards.Refused("encrypted") from fault
    except BaseException as fault:  # a parser's panic is no Exception; all the office can do is save the file anew
        raise guards.Refused("damaged") from fault


def _worksheets(book: Any) -> list[str]:
    return [sheet.name for sheet in book.sheets_metadata if str(sheet.typ).endswith("WorkSheet")]


def _sheet(book: Any, name: str, merges: Any, errors: Any, since_1904: bool) -> dict[str, Any]:
    sheet = book.get_sheet_by_name(name)
    if (sheet.end or (0, 0))[0] * (sheet.end or (0, 0))[1] > MAX_CELLS:
        raise guards.Refused("too_many_cells", limit=MAX_CELLS)
    rows = [[_cell(value) for value in row[:MAX_COLUMNS]] for row in sheet.to_python(skip_empty_area=False)]
    for (row, column), text in errors.get(name, {}).items():
        while row < len(rows) + 1 <= MAX_CELLS and len(rows) <= row:
            rows.append([])
        if row < len(rows) and column < 200:
            rows[row] += [""] * (column + 1 - len(rows[row]))
            rows[row][column] = text
    ranges = [(r0, c0, r1, c1) for (r0, c0), (r1, c1) in sheet.merged_cell_ranges or []]
    return {"name": name, "rows": rows, "merges": ranges or merges.get(name, []), "since_1904": since_1904}


def _cell(value: object) -> object:
    """A cell as JSON; dates and times as one-key objects."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, (time, timedelta)):
        return {"time": str(value)}
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
