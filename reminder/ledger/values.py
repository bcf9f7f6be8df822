"""Percentages, statuses, progress dates, codes and ticks, as ledgers write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta

from reminder.domain.measure import Status
from reminder.ledger.stretches import SANE_YEARS, Frame, Impossible, Shape, read_stretch
from reminder.ledger.text import Cell, cell_text, is_nothing, squeeze, wording, words_of

STATUS_WORDS: Mapping[Status, tuple[str, ...]] = {
    Status.NOT_STARTED: words_of(
        """
        未启动 未开始 尚未启动 未开展 未整改 待启动 尚未开始 尚未开展 notstarted
        """
    ),
    Status.IN_PROGRESS: words_of(
        """
        推进中 整改中 进行中 正在推进 正在整改 正在进行 持续推进 持续整改 持续推进中 持续整改中 办理中 落实中 未完成 否
        有序推进 稳步推进 正常推进 正在落实 正在开展 在办 部分整改 未销号 未办结 尚未销号 推进较慢
        已启动 正在办理 按计划推进 序时推进 尚未完成 长期坚持 滞后 待完成 inprogress ongoing
        """
    ),
    Status.PHASE_COMPLETE: words_of(
        """
        阶段性完成 基本完成 取得阶段性成效 已取得阶段性成效 阶段性成效 部分完成 完成并长期坚持 phasecomplete
        已完成并长期坚持 已完成,长期坚持 已完成并持续坚持 已基本完成 取得阶段性成果 已取得阶段性成果
        partlydone
        """
    ),
    Status.CLAIMED: words_of(
        """
        待销号 申请销号 已申请销号 待核验 待验收 待审核 待核查 待核实 待复核 拟销号 claimed
        """
    ),
    Status.WRITTEN_OFF: words_of(
        """
        已完成 已销号 已办结 完成 办结 销号 已整改 已整改完成 整改完成 已完成整改 整改到位 已整改到位 全部完成
        已整改完毕 整改完毕 完成整改 已全部完成 办理完毕 已办理完毕 完成销号 已完成销号
        全面完成 已全面完成 全部整改完成 已结案 已落实 是 done completed closed writtenoff
        """
    ),
    Status.SUSPENDED: words_of(
        """
        暂缓 暂停 中止 已暂停 暂缓实施 缓办 suspended onhold
        """
    ),
    Status.DECLINED: words_of(
        """
        不予采纳 不采纳 未采纳 不予支持 declined rejected
        """
    ),
}


class Unreadable(ValueError):
    """The cell's text is not understood; `code` names the problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_status(text: str, extra: Mapping[str, tuple[str, ...]], percent: int | None) -> Status:
    """The status a word names; a blank cell says nothing but what the percentage says."""
    said = squeeze(text).lower()
    word = said.strip("。.;,√☑✓✔")  # a tick alone says not what of
    bare = re.sub(r"\(.*?\)", "", word)
    if is_nothing(said):
        return Status.NOT_STARTED if percent == 0 else Status.IN_PROGRESS
    for candidate in (word, bare):
        for code, words in extra.items():
            if candidate in {squeeze(known).lower() for known in words}:
                return Status(code)
        for status, known_words in STATUS_WORDS.items():
            if candidate in known_words or candidate == status:
                return status
    raise Unreadable("status_unknown")


def one_means_all(column: Iterable[Cell]) -> bool:
    """Whether a bare 1 is 100 %: not in a column of whole per cents (80, 35, 1)."""
    numbers = [value for cell in column if (value := _bare_number(cell)) is not None]
    return not any(value > 1 for value in numbers) or any(0 < value < 1 for value in numbers)


def _bare_number(cell: Cell) -> float | None:
    if isinstance(cell, bool):
        return None
    text = cell_text(cell) if isinstance(cell, (int, float)) else squeeze(cell)
    return float(text) if re.fullmatch(r"-?\d{1,9}(?:\.\d{1,9})?", text) else None


def read_percent(cell: Cell, *, one_is_all: bool) -> int | None:
    """0.8, 80, "80%", "４０％" → 0..100; None for a blank."""
    text = squeeze(cell_text(cell))
    if is_nothing(text):
        return None
    bare = _bare_number(cell)
    if bare is not None and 1 < bare < 2 and not bare.is_integer():  # 1.2 is how a spreadsheet keeps 120 %
        raise Unreadable("percent_range")
    if bare is not None:
        value = bare * 100 if 0 < bare < 1 or (bare == 1 and one_is_all) else bare
    elif match := re.fullmatch(r"(-?\d{1,9}(?:\.\d{1,9})?)%", text):
        value = float(match[1])
    else:
        raise Unreadable("percent_invalid")
    if not 0 <= value <= 100:
        raise Unreadable("percent_range")
    return round(value)


def read_share(cell: Cell) -> int | None:
    """The per cent that a cell meant for a status gives: 80%, or 0.8 as a spreadsheet keeps it; else None."""
    bare = _bare_number(cell)
    plain_share = bare is not None and 0 < bare < 1
    if not plain_share and not re.fullmatch(r"(?:100|\d{1,2})(?:\.\d{1,9})?%", squeeze(cell_text(cell))):
        return None
    return read_percent(cell, one_is_all=True)


def read_progress_date(cell: Cell, *, as_of: date, frame: Frame) -> date | None:
    """A progress date; a missing year is the default year, else the latest such day on or before `as_of`."""
    if isinstance(cell, date) and not isinstance(cell, bool):
        day = cell.date() if isinstance(cell, datetime) else cell
        if day.year not in SANE_YEARS:
            raise Unreadable("progress_date_invalid")
        return day
    text = cell_text(cell)
    if is_nothing(text):
        return None
    words = re.sub(r"[t ]\d{1,2}:\d\d(?::\d\d(?:\.0+)?)?$|[。.]$", "", wording(text))
    try:
        stretch = read_stretch(words, frame)
        if stretch and stretch.shape is Shape.DAY and not stretch.doubt:
            year = stretch.year or frame.default_year
            return stretch.days(year)[1] if year else _latest(stretch.days, as_of)
    except Impossible as fault:
        raise Unreadable("progress_date_invalid") from fault
    raise Unreadable("progress_date_invalid")


def _latest(days: Callable[[int], tuple[date, date]], as_of: date) -> date:
    for year in (as_of.year, as_of.year - 1):
        try:
            day = days(year)[1]
        except Impossible:
            continue
        if day <= as_of:
            return day
    raise Unreadable("progress_date_invalid")


def read_code(cell: Cell) -> str | None:
    """1.0 → "1"; a text code trimmed. None where the cell is blank or a spreadsheet has made a date of it."""
    if isinstance(cell, (date, bool, timedelta)):
        return None
    text = " ".join(cell_text(cell).split())
    return None if not text or is_nothing(text) else text


def read_tick(text: str) -> bool:
    """Whether a cell says yes: 是, √, 挂账, 1."""
    return squeeze(text).lower() in {
        "是",
        "√",
        "✓",
        "✔",
        "☑",
        "有",
        "挂账",
        "挂账不销账",
        "长期坚持",
        "1",
        "y",
        "yes",
        "true",
    }
