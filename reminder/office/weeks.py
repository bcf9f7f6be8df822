"""Weeks and instants as people write them for reports: "2021-W17", any date in it, "2021/4/30 16:00"."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from zoneinfo import ZoneInfo

from reminder.errors import UsageError
from reminder.rules.report_slots import week_name
from reminder.words import say

_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})|(\d{4})年第?(\d{1,2})周", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_INSTANT = re.compile(_DAY.pattern + r"[ T]*(\d{1,2})[:时](\d{1,2})?(?:分|:\d{1,2}(?:\.\d+)?)?")


def week_of(text: object, locale: str = "zh_CN") -> str:
    """The ISO week that `text` names or lies in, as 2021-W17. Takes dates too.

    Raises:
        UsageError: it is neither a week nor a date.
    """
    words = _folded(text)
    try:
        if isinstance(text, date):
            return _named(text)
        if match := _WEEK.fullmatch(words.replace(" ", "")):
            year, week = match[1] or match[3], match[2] or match[4]
            return _named(date.fromisocalendar(int(year), int(week), 1))
        if match := _DAY.fullmatch(words):
            return _named(date(int(match[1]), int(match[2]), int(match[3])))
    except ValueError:
        pass  # week 54, 30 February, the year 9999: no week of ours, said below
    raise UsageError(say(locale, "office.week_unknown", text=words))


def _named(day: date) -> str:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError("beyond every calendar")
    return week_name(day)


def instant_of(text: object, zone: ZoneInfo, locale: str = "zh_CN") -> datetime:
    """The instant that `text` names, on the office's clock where it names no zone.

    Raises:
        UsageError: it is no instant, or only a day: whether a report was in time depends on the hour.
    """
    moment = text if isinstance(text, datetime) else _moment(_folded(text))
    bare_day = isinstance(text, datetime) and text.tzinfo is None and not (text.hour or text.minute or text.second)
    if moment is None or bare_day:
        raise UsageError(say(locale, "office.instant_unknown", text=_folded(text)))
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _moment(words: str) -> datetime | None:
    try:
        if match := _INSTANT.fullmatch(words):
            return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 - five whole numbers; the caller sets the zone
        return datetime.fromisoformat(words) if ":" in words else None
    except ValueError:
        return None


def _folded(text: object) -> str:
    return unicodedata.normalize("NFKC", "" if text is None else str(text)).strip()
