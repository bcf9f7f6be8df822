"""How a locale writes days, distances, states and reasons; the words stand in its `words/letters.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.domain.reminder import Reason
from reminder.render.text import tidy
from reminder.words import say

SOON_DAYS = 14  # what falls due within them is yellow
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?:[+-]\d{2}:\d{2})?)?")


@lru_cache(maxsize=4096)  # thousands of letters of one morning speak of the same days
def long_day(locale: str, day: date) -> str:
    """2021年4月30日（星期五）; Friday 30 April 2021."""
    weekday = say(locale, f"letters.weekday_{day.isoweekday()}")
    return say(locale, "letters.day_long", weekday=weekday, **_parts(locale, day))


@lru_cache(maxsize=4096)
def short_day(locale: str, day: date, beside: date) -> str:
    """4月30日 beside a day of the same year; 2020年4月30日 beside another's."""
    key = "letters.day_short" if day.year == beside.year else "letters.day_with_year"
    parts = _parts(locale, day)
    if day.year == beside.year:
        del parts["year"]
    return say(locale, key, **parts)


def _parts(locale: str, day: date) -> dict[str, object]:
    return {"year": day.year, "month": say(locale, f"letters.month_{day.month}"), "day": day.day}


def instant(locale: str, moment: datetime) -> str:
    """2021年4月30日（星期五）17:00."""
    return say(locale, "letters.instant", day=long_day(locale, moment.date()), hour=f"{moment:%H:%M}")


def short_instant(locale: str, moment: datetime, beside: date) -> str:
    """4月30日17:00."""
    return say(locale, "letters.instant", day=short_day(locale, moment.date(), beside), hour=f"{moment:%H:%M}")


def week(locale: str, name: str) -> str:
    """The ISO week `2021-W17` with its first and last day; as written where it is no such name."""
    match = re.fullmatch(r"(\d{4})-W(\d{2})", name)
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        monday = None
    if monday is None:
        return name
    sunday = monday + timedelta(days=6)
    first, last = short_day(locale, monday, monday), short_day(locale, sunday, monday)
    return say(locale, "letters.week", year=name[:4], week=int(name[6:]), first=first, last=last)


def period(locale: str, name: str) -> str:
    """A duty's period in words: a week, a month, a quarter, a year or a day; as written where it is none of them."""
    if match := re.fullmatch(r"(\d{4})(?:-Q([1-4]))?", name):
        key = "quarter" if match[2] else "year"
        return say(locale, f"letters.{key}", year=int(match[1]), quarter=match[2])
    try:
        if re.fullmatch(r"\d{4}-\d{2}", name):
            return say(locale, "letters.month", **_parts(locale, date.fromisoformat(f"{name}-01")))
        return long_day(locale, date.fromisoformat(name)) if _ISO.fullmatch(name) else week(locale, name)
    except ValueError:
        return name


def reply_distance(locale: str, left: int) -> str:
    """How far the day is on which a reply is due: 3 天后应复函; 今天应复函; 逾期未复 5 天."""
    if left == 0:
        return say(locale, "letters.reply_today")
    return counted(locale, "reply_soon" if left > 0 else "reply_late", abs(left))


@lru_cache(maxsize=4096)
def counted(locale: str, key: str, n: int) -> str:
    """`key_one` for one, `key_many` for more: 逾期 1 天; 3 days overdue."""
    return say(locale, f"letters.{key}_{'one' if n == 1 else 'many'}", n=n)


def state_of(left: int | None) -> str:
    """overdue, today, soon, later or undated: by the days that are left to the deadline."""
    if left is None:
        return "undated"
    if left <= 0:
        return "overdue" if left else "today"
    return "soon" if left <= SOON_DAYS else "later"


@lru_cache(maxsize=4096)
def distance(locale: str, left: int | None) -> str:
    """How far the deadline is, in words: 逾期 3 天, 今天到期, 3 天后到期, 期限充裕, 不倒计时."""
    seen = state_of(left)
    if left is not None and seen in ("overdue", "soon"):
        return counted(locale, seen, abs(left))
    return say(locale, f"letters.{seen}")


def limit(locale: str, deadline: Deadline, due: date | None, text: str) -> str:
    """The limit as people write it: `due` where it is counted down, else `text`, the ledger's own wording, tidied."""
    if due is None and deadline.on and not deadline.confirmed:
        return _limit(locale, "limit_unconfirmed", deadline.on)
    if due is None:
        return text or say(locale, "letters.limit_empty")
    key = "limit_then_ongoing" if deadline.then_ongoing else "limit"
    if deadline.computed or deadline.kind is DeadlineKind.IMMEDIATE:
        key = "limit_immediate"
    return _limit(locale, key, due)


@lru_cache(maxsize=4096)
def _limit(locale: str, key: str, day: date) -> str:
    return say(locale, f"letters.{key}", day=long_day(locale, day))


def status(locale: str, measure: Measure, on: date) -> str:
    """Where the measure stands, as the office says it."""
    return named(locale, "status", measure.status_on(on))


@cache
def named(locale: str, what: str, name: str) -> str:
    """The word for one of the few names of a `status` or, as a title, of a `group` of measures."""
    return say(locale, f"letters.{what}_{name}")


def step(locale: str, colour: str) -> str:
    """The name of a step of escalation: a colour in the locale's word, any other name as the office wrote it."""
    try:
        return say(locale, f"letters.step_{colour}") if colour else ""
    except KeyError:
        return colour


def pace(locale: str, about: Mapping[str, str], on: date) -> str:
    """How a measure lies behind its time, as its rule found; "" where none did."""
    told = [say(locale, "letters.pace_behind", **about)] if about.get("expected") else []
    if since := about.get("since"):
        told.append(say(locale, "letters.pace_stale", since=short_day(locale, date.fromisoformat(since), on)))
    return say(locale, "letters.semicolon").join(told)


def listed(locale: str, names: Sequence[str], most: int = 20) -> str:
    """Names in one line; of many the first ones, and how many there are."""
    if len(names) < 2:
        return names[0] if names else ""
    joined = say(locale, "letters.comma").join(names[:most])
    return joined if len(names) <= most else say(locale, "letters.and_more", names=joined, n=len(names))


def sentence(locale: str, reason: Reason) -> str:
    """A reason as one sentence, its days and statuses in the locale's words.

    Where a fact is empty, the reason's `…_bare` sentence says it without. A code ends with `_early` where what goes on
    the next working day goes before its own one, because that year's rest days are only guessed.
    """
    if reason.code.endswith("_early"):
        told_plainly = sentence(locale, replace(reason, code=reason.code.removesuffix("_early")))
        return say(locale, "reasons.early", told=told_plainly)
    facts = {name: _fact(locale, name, value) for name, value in reason.facts.items()}
    bare = "" if all(facts.values()) else "_bare"
    try:
        return say(locale, f"reasons.{reason.code}{bare}", **facts)
    except KeyError:
        return say(locale, f"reasons.{reason.code}", **facts)


def told(locale: str, key: str, facts: Mapping[str, str]) -> str:
    """The sentence `key` of any room, its days and statuses in the locale's words."""
    return say(locale, key, **{name: _fact(locale, name, value) for name, value in facts.items()})


def _fact(locale: str, name: str, value: str) -> str:
    if name == "status":
        return named(locale, "status", value)
    if name in ("week", "period"):
        return period(locale, value)
    if name == "step":
        return step(locale, tidy(value, 40))
    if name == "days":
        return value.replace("+", say(locale, "letters.comma"))
    return _ISO.sub(lambda match: _moment(locale, match[0]), tidy(value, 160))


def _moment(locale: str, iso: str) -> str:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:  # a ledger's own wording may look like a day that does not exist
        return iso
    return instant(locale, moment) if len(iso) > len("2021-04-30") else long_day(locale, moment.date())
