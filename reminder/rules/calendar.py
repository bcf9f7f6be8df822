"""Which days people work: the State Council's calendar, days typed in by the office, and what is only guessed.

Typed-in days win over the published tables. A year that neither covers is computed from weekends and the
fixed holidays and called provisional; the caller then moves reminders earlier rather than later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache

import chinese_calendar
from chinese_calendar.constants import holidays as _published_holidays

ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_PUBLISHED = (11, 1)  # next year's holidays are published in these weeks
_FIXED_HOLIDAYS = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}  # 《全国年节及纪念日放假办法》, solar dates


@cache
def published_years() -> frozenset[int]:
    """The years for which the bundled table holds the State Council's notice.

    A year counts only when the notice's last holiday, National Day, is in it: the notice for a year also names
    days of the year before.
    """
    return frozenset(day.year for day in _published_holidays if (day.month, day.day) == (10, 1))


@cache
def _published_workday(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days. `base` is "cn" or "weekdays"; `off` and `work` are typed-in days; `covered_years` are
    years for which those are complete. `published_to` is the last year that the bundled table knew when a past
    calendar is told of; None: all that it knows."""

    base: str = "cn"
    off: frozenset[date] = field(default_factory=frozenset)
    work: frozenset[date] = field(default_factory=frozenset)
    covered_years: frozenset[int] = field(default_factory=frozenset)
    published_to: int | None = None

    def certain(self, day: date) -> bool:
        """Whether what `is_working_day` says of `day` will not change when a notice is published."""
        if self.base == "weekdays" or day in self.off or day in self.work:
            return True
        return self._covers(day.year)

    def is_working_day(self, day: date) -> bool:
        """Whether the office works on `day`; a guess where `certain(day)` is False."""
        if day in self.work:
            return True
        if day in self.off:
            return False
        if self.base == "cn":
            if day.year not in self.covered_years and self._published(day.year):
                return _published_workday(day)
            if (day.month, day.day) in _FIXED_HOLIDAYS and day.year not in self.covered_years:
                return False
        return day.weekday() < _SATURDAY

    def on_or_before(self, day: date) -> date:
        """The nearest working day on or before `day`."""
        while not self.is_working_day(day):
            day -= ONE_DAY
        return day

    def on_or_after(self, day: date) -> date:
        """The nearest working day on or after `day`."""
        while not self.is_working_day(day):
            day += ONE_DAY
        return day

    def add(self, day: date, working_days: int) -> date:
        """The working day that many working days after `day` (before it, where negative); `day` itself for 0."""
        step = ONE_DAY if working_days > 0 else -ONE_DAY
        for _ in range(abs(working_days)):
            day += step
            while not self.is_working_day(day):
                day += step
        return day

    def between(self, first: date, last: date) -> int:
        """How many working days lie after `first` up to and including `last`; 0 where last ≤ first."""
        if last <= first:
            return 0
        whole = sum(len(_worked(self, year)) for year in range(first.year, last.year))
        return whole + bisect_right(_worked(self, last.year), last) - bisect_right(_worked(self, first.year), first)

    def certain_through(self, first: date, last: date) -> bool:
        """Whether every day from the earlier to the later date, both included, is certain."""
        low, high = min(first, last), max(first, last)
        if self.base == "weekdays":
            return True
        return all(
            self.certain(day)
            for year in range(low.year, high.year + 1)
            if not self._covers(year)
            for day in days(max(low, date(year, 1, 1)), min(high, date(year, 12, 31)))
        )

    def covered_to(self) -> int | None:
        """The last year of the unbroken run of covered years that the tables end with; None for "weekdays"."""
        if self.base == "weekdays":
            return None
        year = max(year for year in published_years() if self._published(year))
        while self._covers(year + 1):
            year += 1
        return year

    def _covers(self, year: int) -> bool:
        return year in self.covered_years or self._published(year)

    def _published(self, year: int) -> bool:
        return year in published_years() and (self.published_to is None or year <= self.published_to)


def missing_year(calendar: Calendar, today: date) -> int | None:
    """The year whose rest days must be typed in: this one, from November on the next; None where they are known."""
    covered_to = calendar.covered_to()
    needed = today.year + ((today.month, today.day) >= _PUBLISHED)
    return needed if covered_to is not None and covered_to < needed else None


@lru_cache(maxsize=256)
def _worked(calendar: Calendar, year: int) -> tuple[date, ...]:
    """The working days of a year, in order: they are counted again and again."""
    return tuple(day for day in days(date(year, 1, 1), date(year, 12, 31)) if calendar.is_working_day(day))


def days(first: date, last: date) -> Iterable[date]:
    """Every day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
