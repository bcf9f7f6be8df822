"""Dated limits: a stretch with 前, a time of day or 完成 around it; ranges, durations, holidays."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from reminder.ledger.holidays import NAMES, last_day_before
from reminder.ledger.stretches import Frame, Impossible, Shape, Stretch, read_stretch, real_day
from reminder.ledger.text import NUMBER, number
from reminder.rules.calendar import ONE_DAY

SHOWN = frozenset(
    {"rolled", "before_period", "midnight", "uncovered", "before_tenday"}
)  # doubts that still show a date
SETTLED = frozenset({"before_tenday"})  # told, but counted down: the office's usual reading is known

_LEAD = re.compile(
    r"(?:(?:整改|完成|办结|办理|截止|销号|落实|计划|预计|拟)*(?:时限|期限|时间|日期|节点)(?:要求)?[:为是]?|[:应须需拟于在到至限]|"
    r"[自从]?即日起|直[至到]|(?:延期|延长|顺延|推迟|延|调整)[至到为]|请于|要求|必须|务必|确保|力争|争取|计划|预计|原则上|最迟|最晚|不得?[晚迟]于|限期|限于|截[至止]到?|by(?:the)?|before|due)+"
)
_TRAIL = re.compile(
    r"(?:取得(?:明显|显著|阶段性|实质性|初步)?(?:成效|进展|成果)|(?:初)?见(?:到)?成效"
    r"|(?:必须|务必|应当?|须|力争|确保|原则上)?(?:全部|全面|基本)?(?:完成|办结|办理完毕|整改完毕|整改|落实|销号|报送|上报|提交|见效|完工|竣工|建成|达标|印发|出台)(?:到位|完毕|任务|工作)?|并(?=销号)|[止。.])+$"
)
_TIME = re.compile(
    rf"(?P<day>.+?(?:[日号]|(?:周|星期)[一二三四五六日天])|.+\d(?=[t ]))[t ]?"
    rf"(?:(?:上午|下午|中午|晚上?|早上|当[日天])?(?P<hour>{NUMBER})(?:[时点](?:整|半|(?P<minute>{NUMBER})分?)?|:(?P<clock>\d\d)(?::\d\d(?:\.0+)?)?)"
    rf"|(?:当[日天])?(?:下班|上午|中午|下午|晚上?))"
)
_WEEKDAY = re.compile(r"(?<=[日号])\(?(?:周|星期|礼拜)([一二三四五六日天])\)?")
_BEFORE = re.compile(r"(?:之前|以前|前)$")
_INCLUSIVE = re.compile(r"\((?:包?含(?:当[日天])?)\)|(?<=[日号])含(?=前)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A dated limit. `doubt` names why a person should look at it; `on` is None where no date is safe to show."""

    on: date | None
    doubt: str | None = None


def read_limit(text: str, frame: Frame) -> Limit | None:
    """The limit that the whole text sets; None where it sets none that is fully understood."""
    text = _INCLUSIVE.sub("", text)
    core = _TRAIL.sub("", _LEAD.sub("", text, count=1) if _LEAD.match(text) else text)
    for words in dict.fromkeys((text, core)):
        found = _duration(words, frame) or _holiday(words, frame) or _by_day(words, frame) or _range(words, frame)
        if found:
            return found
    return _foreign(core)


def _by_day(text: str, frame: Frame) -> Limit | None:
    before = bool(_BEFORE.search(text))
    core = re.sub(r"(?:之内|以内)$", "", _BEFORE.sub("", text))
    weekday = _WEEKDAY.search(core)
    core = _WEEKDAY.sub("", core)
    stretch = read_stretch(core, frame)
    midnight = False
    if stretch is None and (timed := _TIME.fullmatch(core)):
        stretch = read_stretch(timed["day"], frame)
        if stretch is None or stretch.shape is not Shape.DAY:
            return None
        # "00:00:00" after a date is how a spreadsheet writes the bare date; 0时 ends with the day before
        midnight = _hour(timed) == 0 and (before or not timed["clock"])
    if stretch is None:
        return None
    limit = settle(stretch, frame, before=before)
    if limit.on and weekday and "一二三四五六日".index(weekday[1].replace("天", "日")) != limit.on.weekday():
        return Limit(None, "weekday")
    return Limit(limit.on - ONE_DAY, "midnight") if midnight and limit.on else limit


def _hour(timed: re.Match[str]) -> int | None:
    hour = number(timed["hour"]) if timed["hour"] else None
    minute = number(timed["minute"] or timed["clock"] or "0")
    if timed["hour"] and (hour is None or hour > 24 or minute is None or minute > 59):
        raise Impossible
    return hour


def settle(stretch: Stretch, frame: Frame, *, before: bool = False) -> Limit:
    """The stretch's last day; a missing year is the default year, else the first such day from the reference on."""
    if stretch.doubt:
        return Limit(None, stretch.doubt)
    last, rolled = _last_day(stretch, frame)
    if rolled:
        return Limit(last, "rolled")
    doubts = {Shape.PERIOD: "before_period", Shape.TENDAY: "before_tenday"}
    return Limit(last, doubts.get(stretch.shape) if before else None)


def _last_day(stretch: Stretch, frame: Frame) -> tuple[date, bool]:
    year = stretch.year or frame.default_year
    if year is not None:
        return stretch.days(year)[1], False
    this_year = frame.reference.year
    for candidate in (this_year, this_year + 1):
        try:
            last = stretch.days(candidate)[1]
        except Impossible:  # 29 February may exist in the next year only
            continue
        if last >= frame.reference:
            return last, candidate != this_year
    raise Impossible


def _range(text: str, frame: Frame) -> Limit | None:
    text = re.sub(r"^[自从]|期间$|[止]$", "", text)
    before = bool(_BEFORE.search(text))
    for split in re.finditer(r"起?(?:至|到|-|~)", text):
        left, right = text[: split.start()], _BEFORE.sub("", text[split.end() :])
        if not left or not right or re.search(r"[次明来]年", right):  # the next year after which is not said
            continue
        for first, last in _ends(left, right, frame):
            return _ascending(first, last, frame, before=before)
    return None


def _ends(left: str, right: str, frame: Frame) -> Iterator[tuple[Stretch, Stretch]]:
    """Both ends of a range, each lending the other what it leaves out (4-6月, 5月1日-30日)."""
    month = re.match(rf"((?:\d{{4}}年)?)((?:{NUMBER}月)?)", left)
    lent = ("", month[1], month[1] + month[2]) if month else ("",)
    unit = re.search(r"(年|月|季度)(?:底|末)?$", right)
    lends = unit and re.search(rf"{NUMBER}$", left)
    for start in dict.fromkeys((left, left + unit[1] if unit and lends else left)):
        first = read_stretch(start, frame)
        for prefix in dict.fromkeys(lent):
            last = read_stretch(prefix + right, frame)
            if first and last:
                yield first, last


def _ascending(first: Stretch, last: Stretch, frame: Frame, *, before: bool) -> Limit:
    last = last if last.year else replace(last, year=first.year)
    limit = settle(last, frame, before=before)
    if limit.on and first.days(first.year or limit.on.year)[1] > limit.on:
        return Limit(None, "range")
    return limit


_DURATION = re.compile(
    rf"(?:within)?(?P<n>半|{NUMBER})(?P<measure>个工作日|工作日|个?自然日|天|日|个?周|个?星期|个?礼拜|个月|月|个季度|年"
    r"|workingdays?|days?|weeks?|months?)(?P<within>之内|以内|内)?"
)


def _duration(text: str, frame: Frame) -> Limit | None:
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    measure = match["measure"].removeprefix("个")
    count = 0 if match["n"] == "半" else number(match["n"])
    within = bool(match["within"]) or text.startswith("within")
    if count is None or (match["n"] != "半" and not 0 < count <= 400):
        return None
    if not within and (match["measure"] in ("日", "月") or count == 0):  # 15日, 6月, 半年: a day, a month, a cadence
        return Limit(None, "bare_day") if measure == "日" else None
    if match["measure"] == "月":  # 3月内
        return None
    return _after(frame, measure, count)


def _after(frame: Frame, measure: str, count: int) -> Limit | None:
    reference = frame.reference
    if measure.startswith("working") or measure == "工作日":
        day = frame.calendar.add(reference, count)
        return Limit(day, None if frame.calendar.certain_through(reference, day) else "uncovered") if count else None
    if count == 0:  # 半年内, 半个月内
        return (
            Limit(add_months(reference, 6))
            if measure == "年"
            else Limit(reference + timedelta(15))
            if measure == "月"
            else None
        )
    if measure in ("月", "季度", "年") or measure.startswith("month"):
        months = count * {"季度": 3, "年": 12}.get(measure, 1)
        return Limit(add_months(reference, months)) if months <= 120 else None
    return Limit(reference + timedelta(count * (7 if measure[0] in "周星礼w" else 1)))


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day."""
    month0 = day.year * 12 + day.month - 1 + months
    year, month = month0 // 12, month0 % 12 + 1
    return real_day(year, month, min(day.day, monthrange(year, month)[1]))


_HOLIDAY = re.compile(rf"(?:(\d{{4}})年|([今本明])年)?({NAMES})(?:佳?节|假期)?(?:之前|以前|前)")


def _holiday(text: str, frame: Frame) -> Limit | None:
    match = _HOLIDAY.fullmatch(text)
    if match is None:
        return None
    if match[1] or match[2]:
        year = int(match[1]) if match[1] else frame.reference.year + (match[2] == "明")
        real_day(year, 1, 1)
        day, doubt = last_day_before(match[3], year, frame.calendar), None
    else:
        day, doubt = _next_holiday(match[3], frame)
    if day is None:
        return Limit(None, "holiday")
    return Limit(day, doubt if doubt or frame.calendar.certain_through(day, day + ONE_DAY) else "uncovered")


def _next_holiday(name: str, frame: Frame) -> tuple[date | None, str | None]:
    """The limit that lies in the default year, else the first from the reference on. 元旦前 lies in the year before."""
    first = frame.default_year or frame.reference.year
    days = [day for year in range(first, first + 3) if (day := last_day_before(name, year, frame.calendar))]
    if frame.default_year:
        day = next((day for day in days if day.year == first), None)
        # 春节 of the default year may be over when the plan is adopted: then the next one may be meant
        return day, "rolled" if day and day < frame.reference and name in ("元旦", "春节") else None
    day = next((day for day in days if day >= frame.reference), None)
    return day, "rolled" if day and day.year != first else None


def _foreign(text: str) -> Limit | None:
    """Dates that are plain to their writer only: two-digit years, the day or the month first."""
    text = _BEFORE.sub("", text)
    if re.fullmatch(r"'?\d{2}([-./])\d{1,2}\1\d{1,2}[日号]?|'?\d{2}年(?:\d{1,2}月.{0,3}|年?底|末)|\d{6}", text):
        return Limit(None, "short_year")
    if re.fullmatch(r"\d{1,2}([-./])\d{1,2}\1\d{4}", text):
        return Limit(None, "month_first")
    return Limit(None, "bare_day") if re.fullmatch(rf"{NUMBER}[日号]", text) else None
