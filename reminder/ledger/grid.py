"""Any workbook as plain cells, parsed in a limited child process. Nothing a file holds can harm the service."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from reminder import bounds
from reminder.errors import UnreadableLedger
from reminder.ledger.text import Cell
from reminder.words import say

WALL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet: cells by row and column from 0, absolute; merged ranges as (row, column, last row, last column)."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    merges: tuple[tuple[int, int, int, int], ...] = ()
    since_1904: bool = False

    @property
    def width(self) -> int:
        """The number of columns of the widest row."""
        return max(map(len, self.rows), default=0)

    def cell(self, row: int, column: int) -> Cell:
        """The cell as written; None outside of the sheet."""
        cells = self.rows[row] if 0 <= row < len(self.rows) else ()
        return cells[column] if column < len(cells) else None


def read_grid(path: Path, locale: str = "zh_CN") -> tuple[Grid, ...]:
    """Every worksheet of a workbook or CSV file; UnreadableLedger with one clear line otherwise."""
    _check_place(path, locale)
    answer = _ask_child(path, locale)
    if "refused" in answer:
        raise _unreadable(locale, path, answer["refused"], answer.get("facts") or {})
    return tuple(_grid(sheet) for sheet in answer["sheets"])


def _unreadable(locale: str, path: Path, why: str, facts: Mapping[str, object] | None = None) -> UnreadableLedger:
    return UnreadableLedger(say(locale, f"ledger.unreadable_{why}", **({"file": path.name} | dict(facts or {}))))


def _check_place(path: Path, locale: str) -> None:
    if path.name.startswith("~$"):
        raise _unreadable(locale, path, "lock_file")
    try:
        if path.is_dir():
            raise _unreadable(locale, path, "folder")
        if not path.is_file():
            raise _unreadable(locale, path, "missing", {"file": str(path)})
        with path.open("rb"):
            pass
    except (OSError, ValueError) as fault:
        why = "locked" if isinstance(fault, PermissionError) else "missing"
        raise _unreadable(locale, path, why) from fault


def _ask_child(path: Path, locale: str) -> dict[str, Any]:
    command = bounds.command("reminder.ledger.child", str(path.resolve()))
    with tempfile.TemporaryFile() as output:  # a file, so that the child's own limit bounds what comes back
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
                env=bounds.environment(), timeout=WALL_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as fault:
            raise _unreadable(locale, path, "hostile") from fault
        output.seek(0)
        answer = output.read()
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError as fault:
        # killed by a limit, or stopped in the middle of a too long answer
        raise _unreadable(locale, path, "hostile" if done.returncode else "damaged") from fault
    return found


def _grid(sheet: Mapping[str, Any]) -> Grid:
    rows = tuple(tuple(map(_cell, row)) for row in sheet["rows"])
    merges = tuple((r0, c0, r1, c1) for r0, c0, r1, c1 in sheet["merges"])
    return Grid(sheet["name"], rows, merges, sheet["since_1904"])


def _cell(value: Any) -> Cell:
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]  # JSON's own str, int, float, bool, None
    if "date" in value:
        return date.fromisoformat(value["date"])
    if "moment" in value:
        return datetime.fromisoformat(value["moment"])
    return time() if "time" in value else None
