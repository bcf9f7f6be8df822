"""The last working day before a public holiday."""

from __future__ import annotations

from datetime import date
from functools import cache

from chinese_calendar.constants import holidays as _published

from reminder.rules.calendar import ONE_DAY, Calendar

_FIXED = {"元旦": (1, 1), "五一": (5, 1), "劳动": (5, 1), "国庆": (10, 1)}
_LUNAR = {
    "春节": "Spring Festival",
    "清明": "Tomb-sweeping Day",
    "端午": "Dragon Boat Festival",
    "中秋": "Mid-autumn Festival",
}
NAMES = "|".join([*_FIXED, *_LUNAR])


@cache
def _first_days(name: str) -> dict[int, date]:
    """The first day off of a lunar holiday by year, as far as the State Council's notices go."""
    found: dict[int, date] = {}
    for day, holiday in sorted(_published.items()):
        if holiday == _LUNAR[name]:
            found.setdefault(day.year, day)
    return found


def last_day_before(name: str, year: int, calendar: Calendar) -> date | None:
    """The last working day before the holiday `name` of `year`; None where its date is not known."""
    first = date(year, *_FIXED[name]) if name in _FIXED else _first_days(name).get(year)
    return calendar.on_or_before(first - ONE_DAY) if first else None
