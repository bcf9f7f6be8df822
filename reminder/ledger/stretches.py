"""Stretches of days as a ledger names them: 2021年6月底, 三季度, 4月中旬, 下月15日, 2021.6.30.

Each reader takes the whole text or nothing. A stretch used as a limit means its last day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from reminder.ledger.text import NUMBER, number
from reminder.rules.calendar import Calendar

SANE_YEARS = range(2000, 2100)  # outside these a year is a slip of the pen
_SERIALS = range(36526, 73051)  # the same years as Excel counts days
_EXCEL_ZERO = date(1899, 12, 30)
_TENDAYS = {"上": (1, 10), "中": (11, 20), "下": (21, 31)}
_RELATIVE_YEARS = {"今": 0, "本": 0, "当": 0, "明": 1, "次": 1, "来": 1, "后": 2}
_WEEKDAYS = "一二三四五六日"


class Impossible(ValueError):
    """The text names a day that does not exist."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What fills the parts that wording leaves out."""

    reference: date
    default_year: int | None
    calendar: Calendar


class Shape(StrEnum):
    """How exact a stretch is; "before a period" is read differently from "before a day"."""

    DAY = "day"
    END = "end"
    TENDAY = "tenday"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Stretch:
    """First and last day in a year still to be filled in where the text names none."""

    year: int | None
    days: Callable[[int], tuple[date, date]]
    shape: Shape
    doubt: str | None = None


def real_day(year: int, month: int, day: int) -> date:
    """The date, or Impossible."""
    if year not in SANE_YEARS:
        raise Impossible
    try:
        return date(year, month, day)
    except ValueError as fault:
        raise Impossible from fault


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    real_day(year, month, 1)
    return date(year, month, monthrange(year, month)[1])


def _months(first: int, last: int) -> Callable[[int], tuple[date, date]]:
    return lambda year: (real_day(year, first, 1), month_end(year, last))


def _day(month: int, day: int) -> Callable[[int], tuple[date, date]]:
    return lambda year: (real_day(year, month, day),) * 2


def _fixed(first: date, last: date, shape: Shape) -> Stretch:
    return Stretch(last.year, lambda _year: (first, last), shape)


_CALENDAR = re.compile(
    rf"""(?:(?P<year>\d{{4}}|[〇一二三四五六七八九]{{4}})年度?|(?P<other>[今本当明次来后])年度?)?
    (?:(?P<half>[上下])半年(?P<half_end>末|底)?内?
      |第?(?P<quarter>{NUMBER})个?季度?(?P<quarter_end>末|底)?内?
      |(?P<month>{NUMBER}|元)月份?
         (?:(?:(?P<day>{NUMBER})[日号]|(?P<figures>\d{{1,2}}))|(?P<month_end>底|末)|(?P<tenday>[上中下])旬内?|(?P<inside>内)?)
      |(?P<year_end>年?(?:底|末))|年?内|)""",
    re.VERBOSE,
)


def _on_calendar(text: str, frame: Frame) -> Stretch | None:
    match = _CALENDAR.fullmatch(text)
    if match is None or text in ("", "内", "底", "末"):
        return None
    part = match.groupdict()
    part["day"] = part["day"] or part["figures"]  # 6月30前
    year = number(part["year"]) if part["year"] else None
    if part["other"]:
        year = frame.reference.year + _RELATIVE_YEARS[part["other"]]
    if part["month"]:
        return _in_month(year, 1 if part["month"] == "元" else number(part["month"]), part)
    if part["half"]:
        first = 1 if part["half"] == "上" else 7
        return Stretch(year, _months(first, first + 5), Shape.END if part["half_end"] else Shape.PERIOD)
    if part["quarter"]:
        quarter = number(part["quarter"])
        if quarter is None or quarter not in range(1, 5):
            raise Impossible
        shape = Shape.END if part["quarter_end"] else Shape.PERIOD
        return Stretch(year, _months(quarter * 3 - 2, quarter * 3), shape)
    return Stretch(year, _months(1, 12), Shape.END if part["year_end"] or text.endswith("内") else Shape.PERIOD)


def _in_month(year: int | None, month: int | None, part: dict[str, str | None]) -> Stretch | None:
    day = number(part["day"]) if part["day"] else None
    if month is None or (part["day"] and day is None):
        return None
    if month not in range(1, 13):
        raise Impossible
    if day is not None:
        return Stretch(year, _day(month, day), Shape.DAY)
    if part["tenday"]:
        first, last = _TENDAYS[part["tenday"]]
        return Stretch(
            year,
            lambda y: (
                real_day(y, month, first),
                min(real_day(y, month, first) + timedelta(last - first), month_end(y, month)),
            ),
            Shape.TENDAY,
        )
    # "6月内" without a year is June to one office and "within six months" to another
    doubt = "bare_month" if part["inside"] and year is None else None
    return Stretch(year, _months(month, month), Shape.END if part["month_end"] else Shape.PERIOD, doubt)


def _in_figures(text: str, _frame: Frame) -> Stretch | None:
    if match := re.fullmatch(r"(\d{4})([-./])(\d{1,2})\2(\d{1,2})[日号]?|(\d{4})()(\d{2})(\d{2})", text):
        year, month, day = (int(match[i] or match[i + 4]) for i in (1, 3, 4))
        return Stretch(year, _day(month, day), Shape.DAY)
    if match := re.fullmatch(r"(\d{4})([-./])(\d{1,2})", text):
        # a spreadsheet keeps 2021.10 as the number 2021.1
        doubt = "decimals" if match[2] == "." and match[3] == "1" else None
        return _shifted(
            _in_month(int(match[1]), int(match[3]), dict.fromkeys(("day", "tenday", "inside", "month_end"))), doubt
        )
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})[日号]?", text):
        # and 6.30 as 6.3
        doubt = "decimals" if match[2] in ("1", "2", "3") else None
        return Stretch(None, _day(int(match[1]), int(match[2])), Shape.DAY, doubt)
    if match := re.fullmatch(r"(\d{1,2})[/-](\d{1,2})[日号]?", text):
        doubt = "month_first" if int(match[2]) <= 12 else None
        return Stretch(None, _day(int(match[1]), int(match[2])), Shape.DAY, doubt)
    if re.fullmatch(r"\d{5}(?:\.\d+)?", text) and int(text[:5]) in _SERIALS:
        counted = _EXCEL_ZERO + timedelta(int(text[:5]))
        return _fixed(counted, counted, Shape.DAY)
    return None


def _year_and_month(text: str, _frame: Frame) -> Stretch | None:
    match = re.fullmatch(r"(20[1-9]\d)(0[1-9]|1[0-2])", text)
    if match is None:
        return None
    # 202106; but 201206 may be 20 December 2006
    doubt = "short_year" if int(match[1][2:]) in range(1, 13) else None
    return Stretch(int(match[1]), _months(int(match[2]), int(match[2])), Shape.PERIOD, doubt)


def _shifted(stretch: Stretch | None, doubt: str | None) -> Stretch | None:
    return stretch and Stretch(stretch.year, stretch.days, stretch.shape, doubt)


def _relative_month(text: str, frame: Frame) -> Stretch | None:
    match = re.fullmatch(rf"(本|当|这个?|下个?|次)?月份?(?:({NUMBER})[日号]|(底|末)|([上中下])旬|内?)", text)
    if match is None or (match[1] is None and not match[3]):
        return None
    ahead = 1 if match[1] and match[1][0] in "下次" else 0
    month0 = frame.reference.month - 1 + ahead
    year, month = frame.reference.year + month0 // 12, month0 % 12 + 1
    return _in_month(year, month, {"day": match[2], "month_end": match[3], "tenday": match[4], "inside": None})


def _relative_week(text: str, frame: Frame) -> Stretch | None:
    match = re.fullmatch(r"(本|这个?|下个?)(?:周|星期|礼拜)(?:([一二三四五六日天])|(末|内)|)", text)
    if match is None:
        return None
    monday = frame.reference - timedelta(frame.reference.weekday()) + timedelta(7 if match[1][0] == "下" else 0)
    if match[2]:
        day = monday + timedelta(_WEEKDAYS.index(match[2].replace("天", "日")))
        return _fixed(day, day, Shape.DAY)
    return _fixed(monday, monday + timedelta(6), Shape.END if match[3] else Shape.PERIOD)


def _relative_quarter(text: str, frame: Frame) -> Stretch | None:
    match = re.fullmatch(r"(本|当|这个?|下个?|下一个?)?季度?(末|底)?内?", text)
    if match is None or (match[1] is None and not match[2]):
        return None
    quarter0 = (frame.reference.month - 1) // 3 + (1 if match[1] and match[1][0] == "下" else 0)
    year, first = frame.reference.year + quarter0 // 4, quarter0 % 4 * 3 + 1
    return Stretch(year, _months(first, first + 2), Shape.END if match[2] else Shape.PERIOD)


_READERS = (_in_figures, _year_and_month, _on_calendar, _relative_month, _relative_week, _relative_quarter)


def read_stretch(text: str, frame: Frame) -> Stretch | None:
    """The stretch the whole text names, or None; Impossible for a day that does not exist."""
    # 2021.6月底, 2021-6底
    text = re.sub(r"^(\d{4})[-./](\d{1,2})月?(?=[底末上中下])|^(\d{4})[-./](\d{1,2})月$", _spelt, text)
    text = re.sub(r"^(\d{4})年?第?q([1-4])$|^q([1-4])[/ -]?(\d{4})$", _english_quarter, text)
    text = re.sub(r"^q([1-4])(末|底)?$", r"\1季度末", text)
    return next((found for reader in _READERS if (found := reader(text, frame))), None)


def _spelt(match: re.Match[str]) -> str:
    return f"{match[1] or match[3]}年{match[2] or match[4]}月"


def _english_quarter(match: re.Match[str]) -> str:
    return f"{match[1] or match[4]}年{match[2] or match[3]}季度末"
