"""How rules write days and hours: distances ("5wd"), clock times, weekdays, and the calendars of `on`."""

from __future__ import annotations

import calendar as gregorian
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from reminder.rules.calendar import Calendar, days

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LAST_WORKING_DAY = "last wd"
_ORDINAL = re.compile(r"(1st|2nd|3rd|4th|last) (" + "|".join(WEEKDAYS) + ")")
_YES_OR_NO = {"type": "boolean"}
_LEAP = 2020  # any leap year
_ORDINALS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}


@dataclass(frozen=True, slots=True, order=True)
class Distance:
    """A number of days; `working` counts working days only."""

    n: int
    working: bool = False

    def __str__(self) -> str:
        """As rules.toml writes it."""
        return f"{self.n}wd" if self.working else str(self.n)

    def before(self, day: date, calendar: Calendar) -> date:
        """The day that lies this distance before `day`."""
        return calendar.add(day, -self.n) if self.working and self.n else day - timedelta(days=self.n)

    def after(self, day: date, calendar: Calendar) -> date:
        """The day that lies this distance after `day`."""
        return calendar.add(day, self.n) if self.working and self.n else day + timedelta(days=self.n)


def _distance(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Distance(value) if 0 <= value <= 3650 else _refuse("distance", value)
    match = re.fullmatch(r"(\d{1,4})\s*(wd)?", value) if isinstance(value, str) else None
    if match:
        return Distance(int(match[1]), working=bool(match[2]))
    return value if isinstance(value, Distance) else _refuse("distance", value)


def _time(value: Any) -> Any:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", value) if isinstance(value, str) else None
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        return time(int(match[1]), int(match[2]))
    return value if isinstance(value, time) else _refuse("clock", value)


def _week_time(value: Any) -> Any:
    match = re.fullmatch(r"(\w+) (\d{1,2}:\d{2})", value) if isinstance(value, str) else None
    if match and match[1] in WEEKDAYS:
        return WeekTime(WEEKDAYS.index(match[1]), _time(match[2]))
    return value if isinstance(value, WeekTime) else _refuse("week_clock", value)


_EXPECTED = {
    "distance": '0 to 3650 days (7) or working days ("5wd")',
    "clock": 'a time of day such as "09:00"',
    "week_clock": 'a weekday and a time such as "friday 17:00"',
    "weekday": "one of " + ", ".join(WEEKDAYS),
    "on_one": "exactly one of a weekday, week, month, quarter or year",
    "due_one": "exactly one of week, month, quarter, year or dates",
    "on_every": 'every with week and since: { every = 2, week = "monday", since = 2026-01-05 }',
    "on_month": 'a day of the month from 1 to 31, "last wd" or "2nd friday"',
    "on_quarter": '"last wd" or "last day"',
    "on_year": 'a month and day such as "12-25"',
}


def _refuse(wanted: str, value: Any = None) -> Any:
    """Refuses `value`; the error's type is `wanted`, by which the configuration finds its own sentence."""
    facts = {"expected": _EXPECTED[wanted], "got": value}
    raise PydanticCustomError(wanted, "expected {expected}, got {got}", facts)


def _alone(value: Any) -> Any:
    """[true] is true: every key of `match` may be written as a list."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


@dataclass(frozen=True, slots=True, order=True)
class WeekTime:
    """A weekday (0 = Monday) and an hour."""

    weekday: int
    at: time

    def __str__(self) -> str:
        """As rules.toml writes it."""
        return f"{WEEKDAYS[self.weekday]} {self.at:%H:%M}"

    def in_week_of(self, day: date) -> date:
        """The day with this weekday in the ISO week of `day`."""
        return day - timedelta(days=day.weekday()) + timedelta(days=self.weekday)

    def after(self, day: date) -> date:
        """The first day with this weekday after `day`."""
        return day + timedelta(days=(self.weekday - day.weekday() - 1) % 7 + 1)


Days = Annotated[
    Distance,
    BeforeValidator(_distance),
    PlainSerializer(lambda distance: str(distance) if distance.working else distance.n, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d{1,4}\s*(wd)?$"}]}),
]
Clock = Annotated[
    time,
    BeforeValidator(_time),
    PlainSerializer(lambda hour: f"{hour:%H:%M}", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$"}),
]
WeekClock = Annotated[
    WeekTime,
    BeforeValidator(_week_time),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(WEEKDAYS)}) ([01]?\\d|2[0-3]):[0-5]\\d$"}),
]


class Calendars(BaseModel):
    """What recurs: in weeks, months, quarters or years. Exactly one of them."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    fault: ClassVar[str] = "on_one"  # the sentence where there is none or more than one

    every: int = Field(default=1, ge=1, le=52, description="every so many weeks; needs since")
    week: str | None = Field(default=None, description="the weekday of every nth week")
    since: date | None = Field(default=None, description="a date in the first such week")
    month: int | str | None = Field(default=None, description='25, "last wd" or "2nd friday"')
    quarter: str | None = Field(default=None, description='"last wd" or "last day"')
    year: str | None = Field(default=None, description='"12-25"')

    @model_validator(mode="after")
    def _one_calendar(self) -> Self:
        if sum(bool(value) for value in self.calendars()) != 1:
            _refuse(self.fault, self.model_dump(exclude_defaults=True))
        for weekday in self.weekdays():
            if weekday not in WEEKDAYS:
                _refuse("weekday", weekday)
        if self.every > 1 and not (self.week and self.since):
            _refuse("on_every", self.every)
        self._check_month()
        if self.quarter and self.quarter not in (_LAST_WORKING_DAY, "last day"):
            _refuse("on_quarter", self.quarter)
        if self.year and not _month_day(self.year):
            _refuse("on_year", self.year)
        return self

    def calendars(self) -> tuple[object, ...]:
        """The values of which exactly one must be given."""
        return (self.week, self.month, self.quarter, self.year)

    def weekdays(self) -> tuple[str, ...]:
        """The weekdays it names."""
        return (self.week,) if self.week else ()

    def _check_month(self) -> None:
        if isinstance(self.month, int) and not 1 <= self.month <= 31:
            _refuse("on_month", self.month)
        if isinstance(self.month, str) and self.month != _LAST_WORKING_DAY and not _ORDINAL.fullmatch(self.month):
            _refuse("on_month", self.month)

    def nominal_days(self, first: date, last: date, calendar: Calendar) -> Iterator[date]:
        """Every nominal day from `first` to `last`, both included, before any move to a working day."""
        return (day for day in days(first, last) if self.falls_on(day, calendar))

    def falls_on(self, day: date, calendar: Calendar) -> bool:
        """Whether `day` is such a nominal day."""
        if self.week:
            return WEEKDAYS[day.weekday()] == self.week and self._in_turn(day)
        if self.year:
            return day == _clamped(day.year, *(_month_day(self.year) or (1, 1)))
        if self.quarter:
            return day.month % 3 == 0 and day == self._last(day, calendar, working=self.quarter == _LAST_WORKING_DAY)
        return self._in_month(day, calendar)

    def _in_turn(self, day: date) -> bool:
        if self.since is None:
            return True
        weeks = (_monday(day) - _monday(self.since)).days // 7
        return weeks >= 0 and weeks % self.every == 0

    def _in_month(self, day: date, calendar: Calendar) -> bool:
        if isinstance(self.month, int):
            return day == _clamped(day.year, day.month, self.month)
        if self.month == _LAST_WORKING_DAY:
            return day == self._last(day, calendar, working=True)
        match = _ORDINAL.fullmatch(self.month or "")
        if match is None or WEEKDAYS[day.weekday()] != match[2]:
            return False
        nth = _ORDINALS[match[1]]
        return (day.day - 1) // 7 + 1 == nth if nth > 0 else (day + timedelta(days=7)).month != day.month

    @staticmethod
    def _last(day: date, calendar: Calendar, *, working: bool) -> date:
        end = _clamped(day.year, day.month, 31)
        return calendar.on_or_before(end) if working else end


class On(Calendars):
    """The days of `on`. Exactly one of the keys below; the short forms "monday" and ["monday", "thursday"] too."""

    days: tuple[str, ...] = Field(default=(), description="weekdays")

    def calendars(self) -> tuple[object, ...]:
        return (self.days, *super().calendars())

    def weekdays(self) -> tuple[str, ...]:
        return (*self.days, *super().weekdays())

    def falls_on(self, day: date, calendar: Calendar) -> bool:
        return WEEKDAYS[day.weekday()] in self.days if self.days else super().falls_on(day, calendar)


class Due(Calendars):
    """When something is due in each period of a week, month, quarter or year, or on certain dates; and its hour."""

    fault: ClassVar[str] = "due_one"

    dates: tuple[date, ...] = Field(default=(), description="certain dates, each a period of its own")
    hour: Clock = Field(default=time(17), description="the hour at which it is due")

    def calendars(self) -> tuple[object, ...]:
        return (*super().calendars(), self.dates)

    def falls_on(self, day: date, calendar: Calendar) -> bool:
        return day in self.dates if self.dates else super().falls_on(day, calendar)

    def period(self, day: date) -> str:
        """The period in which `day` lies: 2021-W17, 2021-04, 2021-Q2, 2021, or for certain dates the day itself."""
        if self.week:
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        if self.month:
            return f"{day:%Y-%m}"
        if self.quarter:
            return f"{day.year}-Q{(day.month + 2) // 3}"
        return f"{day.year}" if self.year else str(day)


def _on(value: Any) -> Any:
    if isinstance(value, str):
        return {"days": [value]}
    return {"days": value} if isinstance(value, list) else value


def _on_schema() -> dict[str, Any]:
    weekday = {"type": "string", "enum": list(WEEKDAYS)}
    table = On.model_json_schema()
    return {"anyOf": [weekday, {"type": "array", "items": weekday, "minItems": 1}, table]}


Flag = Annotated[
    StrictBool | None,
    BeforeValidator(_alone),
    WithJsonSchema({"anyOf": [_YES_OR_NO, {"type": "array", "items": _YES_OR_NO, "minItems": 1, "maxItems": 1}]}),
]
OnDays = Annotated[On, BeforeValidator(_on), WithJsonSchema(_on_schema())]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month_day(text: str) -> tuple[int, int] | None:
    """None where no year has such a day; 02-29 is one, and falls on the 28th where there is none."""
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
    if match and 1 <= int(match[1]) <= 12 and 1 <= int(match[2]) <= gregorian.monthrange(_LEAP, int(match[1]))[1]:
        return int(match[1]), int(match[2])
    return None


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, gregorian.monthrange(year, month)[1]))
