"""Which rows under the header hold a measure, and why the others do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reminder.ledger.grid import Grid
from reminder.ledger.headers import Header, spread
from reminder.ledger.rows import Why
from reminder.ledger.text import Cell, cell_text, squeeze

_SUM = re.compile(r".{0,12}?(?P<kind>小计|分计|合计|总计|共计|subtotal|total)(?:[:(].*)?")
_FOOTER = re.compile(
    r"(?:说明|注|备注|填报|填表|制表|审核|审批|复核|单位\(盖章\)|盖章|联系人|联系电话|报送|日期|负责人|签字|签名|主要领导|分管领导|经办|"
    r"制单|统计|打印|抄送|本表|以上|以下空白|note|\*|※).*",
    re.IGNORECASE,
)
_SUBSTANCE = ("text", "deadline", "units")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A grid with its header found. `value` fills down, but only inside a real merge."""

    grid: Grid
    header: Header
    source: Mapping[tuple[int, int], tuple[int, int]]

    def value(self, row: int, field: str) -> Cell:
        """The cell of a field, taken from the merge that covers it."""
        column = self.header.columns.get(field)
        return None if column is None else self.grid.cell(*self.source.get((row, column), (row, column)))

    def own(self, row: int, field: str) -> str:
        """Only what stands in this very row, as comparable text."""
        column = self.header.columns.get(field)
        return "" if column is None else cell_text(self.grid.cell(row, column))

    def texts(self, row: int) -> dict[int, str]:
        """The row's own non-empty cells by column."""
        cells = self.grid.rows[row]
        return {column: text for column, cell in enumerate(cells) if (text := squeeze(cell_text(cell)))}

    def below_header(self) -> range:
        """The rows after the header."""
        return range(self.header.last_row + 1, len(self.grid.rows))


def laid_out(grid: Grid, header: Header) -> Sheet:
    """The sheet with its merges resolved."""
    return Sheet(grid, header, spread(grid))


def classify(sheet: Sheet) -> Iterator[tuple[int, Why | None]]:
    """Each row under the header from 0, with the reason why it is no measure, or None where it is one."""
    whys = {row: _why(sheet, row) for row in sheet.below_header()}
    last = max((row for row, why in whys.items() if why is None), default=-1)
    for row, why in whys.items():
        # a line of prose among the measures heads a section; after them it closes the table
        yield row, "repeated_header" if why == "footer" and row < last and not _signs_off(sheet, row) else why


def _why(sheet: Sheet, row: int) -> Why | None:
    texts = sheet.texts(row)
    inherited = {field for field in _SUBSTANCE if squeeze(cell_text(sheet.value(row, field)))}
    if not texts and not ("text" in inherited and len(inherited) > 1):
        return "blank"
    if _repeats_header(sheet, texts):
        return "repeated_header"
    own = [field for field in _SUBSTANCE if sheet.own(row, field)]
    if summed := _sum(sheet, row, texts):
        return summed
    if _across(sheet, row, texts) or _opens_footer(sheet, row, texts, inherited):
        return "footer"
    if not own and "text" not in inherited:
        return _without_substance(sheet, texts)
    return "footer" if len(texts) == 1 and _signs_off(sheet, row) else None


def _repeats_header(sheet: Sheet, texts: Mapping[int, str]) -> bool:
    words = sheet.header.words
    same = sum(1 for column, text in texts.items() if column < len(words) and text in words[column])
    return same >= 2 and same * 2 >= len(texts)


def _sum(sheet: Sheet, row: int, texts: Mapping[int, str]) -> Why | None:
    if sheet.own(row, "deadline") or not texts:
        return None
    found = (_SUM.fullmatch(text.lower()) for text in texts.values())
    kinds = [match["kind"] for match in found if match]
    # "本年度经费合计" may be a measure: a sum's row has little else in words
    prose = [text for text in texts.values() if not re.fullmatch(r"[\d.,%项条件个-]+", text)]
    if not kinds or len(prose) > 2:
        return None
    return "subtotal" if kinds[0] in ("小计", "分计", "subtotal") else "total"


def _across(sheet: Sheet, row: int, texts: Mapping[int, str]) -> bool:
    """One text merged over most of the table: a heading or a note, not a measure."""
    return len(texts) == 1 and any(
        top == row and right - left + 1 >= max(3, len(sheet.header.columns) // 2)
        for top, left, _bottom, right in sheet.grid.merges
    )


def _opens_footer(sheet: Sheet, row: int, texts: Mapping[int, str], inherited: set[str]) -> bool:
    """填报人:… in the first cell, whatever the columns beside it are called."""
    first = texts[min(texts)] if texts else ""
    if "deadline" in inherited or len(first) <= 2 or not _FOOTER.fullmatch(first):
        return False
    # 填表人:张三 | 联系电话:123 may lie in any columns, the measure's too: then all of the row must be of that sort.
    return "text" not in inherited or (":" in first and all(_FOOTER.fullmatch(text) for text in texts.values()))


def _without_substance(sheet: Sheet, texts: Mapping[int, str]) -> Why | None:
    columns = sheet.header.columns
    rest = {column: text for column, text in texts.items() if column != columns.get("code")}
    if not rest and not any(_FOOTER.match(text) for text in texts.values()):
        code = next(iter(texts.values()))
        return "blank" if len(code) <= 8 else "footer"  # numbers prepared for rows to come
    named = [column for column in rest if column in columns.values()]
    prose = any(_FOOTER.match(text) for text in texts.values())
    return "footer" if prose or len(named) <= 1 else None


def _signs_off(sheet: Sheet, row: int) -> bool:
    texts = sheet.texts(row)
    return any(_FOOTER.match(text) and len(text) > 2 for text in texts.values())
