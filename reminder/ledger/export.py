"""The ledger out as a workbook that can be imported again with no difference.

A cell nobody touched since the last import goes out in the words it came in, above all a deadline's wording.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from sqlmodel import Session

from reminder.cells import headings, text_cell
from reminder.domain.measure import Status
from reminder.ledger.book import load
from reminder.ledger.known import Known

SHEET = "整改台账"
# by field, the headers of the 2021 ledger and how wide their columns are
_COLUMNS = (
    ("code", "序号", 7),
    ("aspect", "方面", 16),
    ("problem", "问题编号", 9),
    ("problem_text", "问题", 28),
    ("text", "整改措施", 40),
    ("goal", "成效目标", 24),
    ("leader", "责任领导", 18),
    ("units", "责任部门", 18),
    ("supporting_units", "配合单位", 18),
    ("deadline", "整改时限", 20),
    ("status", "状态", 12),
    ("percent", "完成比例", 10),
    ("progress", "最近进展", 40),
    ("progress_on", "最近进展日期", 13),
)
_ONLY_WHERE_USED = (("parent", "上级序号", 10), ("tags", "标签", 16), ("standing", "挂账", 7))
_STATUS_WORDS = {
    Status.NOT_STARTED: "未启动",
    Status.IN_PROGRESS: "推进中",
    Status.PHASE_COMPLETE: "阶段性完成",
    Status.CLAIMED: "待销号",
    Status.WRITTEN_OFF: "已完成",
    Status.SUSPENDED: "暂缓",
    Status.DECLINED: "不予采纳",
}
# read together with the rest of their column or with the day of the import: written in full where they were understood
_IN_FULL = ("percent", "progress_on")
_AS_IMPORTED = ("units", "supporting_units", "status", "tags", "standing")


def export(session: Session, path: Path, *, ledger: str, now: datetime) -> int:
    """Writes the measures of a ledger that its last import held; returns how many."""
    measures = [one for one in load(session, ledger, now.date()) if one.vanished_on is None]
    columns = [*_COLUMNS, *(one for one in _ONLY_WHERE_USED if any(measure.values[one[0]] for measure in measures))]
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = ledger[:31] if ledger and not re.search(r"[\\/*?:\[\]]", ledger) else SHEET
    headings(sheet, [title for _, title, _ in columns], [width for _, _, width in columns])
    for measure in measures:
        sheet.append([text_cell(sheet, cell_of(measure, name)) for name, _, _ in columns])
    book.save(path)
    return len(measures)


def cell_of(measure: Known, name: str) -> str:
    """The text of one cell."""
    imported = measure.imported.get(name)
    if name == "code":
        return (imported if imported is not None else measure.shown_code) or ""
    if name == "deadline":
        return _deadline(measure)
    value = measure.standing_at if name == "status" and name in measure.edited else measure.values[name]
    understood = name in _IN_FULL and value is not None
    if imported is not None and name not in measure.edited and not understood and (name in _AS_IMPORTED or not value):
        return imported
    return _words(name, value)


def _deadline(measure: Known) -> str:
    deadline = measure.deadline
    if "deadline" not in measure.edited or deadline.on is None:
        return deadline.text
    return deadline.on.isoformat() + ("，并长期坚持" if deadline.then_ongoing else "")


def _words(name: str, value: Any) -> str:
    if isinstance(value, Status):
        return _STATUS_WORDS[value]
    if isinstance(value, tuple):
        return "、".join(value)
    if isinstance(value, bool):
        return "是" if value else ""
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else f"{value}%" if name == "percent" else str(value)
