"""Which rows under the header hold a measure, and why the others do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reminder.ledger.grid import Grid
from reminder.ledger.headers import Header, header_among, spread
from reminder.ledger.rivals import together
from reminder.ledger.rows import Why
from reminder.ledger.text import Cell, cell_text, squeeze

_SUM = re.compile(r".{0,12}?(?P<kind>小计|分计|合计|总计|共计|subtotal|total)(?:[:(].*)?")
_FOOTER = re.compile(
    r"(?:说明|注|备注|填报|填表|制表|审核|审批|复核|单位\(盖章\)|盖章|联系人|联系电话|报送|日期|负责人|签字|签名|主要领导|分管领导|经办|"
    r"制单|统计|打印|抄送|本表|以上|以下空白|note|\*|※).*",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r".{0,8}(?:填报|填表|制表|审核|审批|复核|联系人|联系电话|电话|负责人|签字|签名|经办|日期|时间|盖章|单位)[^:]{0,6}:.*"
)
_COUNT = re.compile(r"[\d.,%项条件个家-]+")
_HEADING = re.compile(r"(?:\([一二三四五六七八九十]{1,3}\)|[一二三四五六七八九十]{1,3}[、.])(?!\d)")
_ORDINAL = re.compile(r"\(?[一二三四五六七八九十]{1,3}\)?[、.]?")
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_SUBSTANCE = ("text", "deadline", "units")
_TEXTS = ("text", "problem_text", "goal")  # where a ledger says what is to be done
_HEADED = frozenset({"code", "problem", "text", "problem_text", "aspect", "goal"})  # where a section may be headed


@dataclass(frozen=True, slots=True)
class Sheet:
    """A grid with its header found. `value` fills down, but only inside a real merge."""

    grid: Grid
    header: Header
    source: Mapping[tuple[int, int], tuple[int, int]]
    end: int  # the row after its last

    def value(self, row: int, field: str) -> Cell:
        """The cell of a field, taken from the merge that covers it."""
        column = self.header.columns.get(field)
        if column is None:
            return None
        columns = (column, *self.header.others.get(field, ()))
        cells = [self.grid.cell(*self.source.get((row, one), (row, one))) for one in columns]
        return together(field, cells) if len(cells) > 1 else cells[0]

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
        return range(self.header.last_row + 1, self.end)


def laid_out(grid: Grid, header: Header) -> Sheet:
    """The sheet with its merges resolved."""
    return Sheet(grid, header, spread(grid), len(grid.rows))


def tables(sheet: Sheet, names: Mapping[str, tuple[str, ...]], needed: Sequence[str]) -> Iterator[Sheet]:
    """The sheet's tables: a header that comes again with its columns in another order begins a new one."""
    words = frozenset().union(*sheet.header.words)
    for row in sheet.below_header():
        texts = sheet.texts(row)
        if len(words.intersection(texts.values())) < len(needed) or _same_words(sheet, texts) == len(texts):
            continue
        header = header_among(sheet.grid, names, needed, sheet.source, [row])
        if header and any(
            header.columns.get(field, column) != column for field, column in sheet.header.columns.items()
        ):
            yield replace(sheet, end=row)
            sheet = replace(sheet, header=header)
    yield sheet


def classify(sheet: Sheet) -> Iterator[tuple[int, Why | None]]:
    """Each row under the header from 0, with the reason why it is no measure, or None where it is one."""
    whys = _without_tail(sheet, {row: _why(sheet, row) for row in sheet.below_header()})
    last = max((row for row, why in whys.items() if why is None), default=-1)
    for row, why in whys.items():
        # a line of prose among the measures heads a section; after them it closes the table
        yield row, "repeated_header" if why == "footer" and row < last and not _signs_off(sheet, row) else why


def _without_tail(sheet: Sheet, whys: dict[int, Why | None]) -> dict[int, Why | None]:
    """What signs the table off under its last measure, in whatever columns, is no measure that lacks its text."""
    field = next((name for name in _TEXTS if name in sheet.header.columns), "text")
    last = max((row for row, why in whys.items() if why is None and _has(sheet, row, field)), default=-1)
    signed = False
    for row, why in whys.items():
        if row > last and why in (None, "footer"):
            signed = signed or why == "footer" or any(map(_SIGNATURE.fullmatch, sheet.texts(row).values()))
            whys[row] = "footer" if signed else why
    return whys


def _has(sheet: Sheet, row: int, field: str) -> bool:
    return bool(squeeze(cell_text(sheet.value(row, field))))


def _why(sheet: Sheet, row: int) -> Why | None:
    texts = sheet.texts(row)
    inherited = {field for field in _SUBSTANCE if _has(sheet, row, field)}
    if not texts and not ("text" in inherited and len(inherited) > 1):
        return "blank"
    if _repeats_header(sheet, texts) or _numbers_columns(sheet, row, texts) or _heads_section(sheet, texts, inherited):
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
    same = _same_words(sheet, texts)
    return same >= 2 and same * 2 >= len(texts)


def _same_words(sheet: Sheet, texts: Mapping[int, str]) -> int:
    words = sheet.header.words
    return sum(1 for column, text in texts.items() if column < len(words) and text in words[column])


def _numbers_columns(sheet: Sheet, row: int, texts: Mapping[int, str]) -> bool:
    """The line under a printed header that counts its columns: 1 2 3 4, 甲 乙 1 2."""
    if row > sheet.header.last_row + 2 or len(texts) < len(sheet.header.columns):
        return False
    stems = 0
    for text in texts.values():
        if text != _STEMS[stems : stems + 1]:
            break
        stems += 1
    counted = [str(n) for n in range(1, len(texts) - stems + 1)]
    return [text.strip("()") for text in texts.values()][stems:] == counted


def _heads_section(sheet: Sheet, texts: Mapping[int, str], inherited: set[str]) -> bool:
    """一 | 党的建设方面, or 一、党的建设方面 in the measures' column: nobody is named, no day, nothing else."""
    columns = {column: field for field, column in sheet.header.columns.items()}
    if inherited - {"text"} or any(columns.get(column) not in _HEADED for column in texts):
        return False
    first, *rest = texts.values()
    return bool(_HEADING.match(first) or (rest and _ORDINAL.fullmatch(first)))


def _sum(sheet: Sheet, row: int, texts: Mapping[int, str]) -> Why | None:
    found = [_SUM.fullmatch(text.lower()) for text in texts.values()]
    kinds = [match["kind"] for match in found if match]
    # "本年度经费合计" may be a measure: a sum's row has little else in words
    prose = [text for text in texts.values() if not _COUNT.fullmatch(text)]
    limit = squeeze(sheet.own(row, "deadline"))
    if limit and not (_COUNT.fullmatch(limit) and kinds == prose):
        return None
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
