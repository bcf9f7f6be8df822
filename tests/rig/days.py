"""The days of the oracle's worlds, by brute force and without any of the program's code: see `oracle`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

DAY = timedelta(days=1)
FAR = timedelta(days=40)  # further than any day is moved
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NTH = ["1st", "2nd", "3rd", "4th", "5th"]


def days(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def week_of(day: date) -> str:
    return "{}-W{:02d}".format(*day.isocalendar()[:2])


def period(due: dict[str, Any], day: date) -> str:
    """What a duty that is due on `day` is called by."""
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    named = {"week": week_of(day), "month": f"{day:%Y-%m}", "quarter": quarter, "year": f"{day:%Y}"}
    return next((name for key, name in named.items() if key in due), str(day))


def combine(day: date, hour: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour))


def number(distance: Any) -> int:
    return int(str(distance).removesuffix("wd"))


def standing(measure: dict[str, Any], day: date) -> str:
    before = [to for changed_on, to in measure["changes"] if changed_on <= day]
    return [("in_progress" if measure["changes"] else measure["status"]), *before][-1]


def chased(measure: dict[str, Any], day: date) -> bool:
    return standing(measure, day) in ("not_started", "in_progress", "phase_complete")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Days:
    """The calendar of a world: its rest days, and the years that some calendar covers."""

    def __init__(self, world: dict[str, Any], first: date, last: date) -> None:
        self.world, self.rest, self.first, self.last = world, world["rest"], first, last

    def known(self, *passed: date) -> bool:
        """Whether a calendar covers all days from the earliest to the latest."""
        covered, typed = self.world["covered"], self.world["off"] | self.world["work"]
        return not covered or all(day.year in covered or day in typed for day in days(min(passed), max(passed)))

    def back(self, day: date) -> date:
        """That day or the last working day before it."""
        while day in self.rest:
            day -= DAY
        return day

    def on(self, day: date, beyond: date = date.min) -> date:
        """The next working day; on days that are only guessed the one before, but never one that is not `beyond`."""
        if not self.known(day) and self.back(day) > beyond:
            return self.back(day)
        while day in self.rest:
            day += DAY
        return day

    def far(self, day: date, distance: Any, sign: int = 1) -> date:
        """The day that lies `distance` ("5wd" or 5) before (-1) or after (+1) `day`."""
        if isinstance(distance, int):
            return day + sign * distance * DAY
        left = number(distance)
        while left:
            day += sign * DAY
            left -= day not in self.rest
        return day

    def worked(self, since: date, day: date) -> int:
        """How many working days lie after `since` and up to `day`."""
        return sum(one not in self.rest for one in days(since + DAY, day))

    def repeated(self, day: date, every: Any, end: date) -> Iterator[date]:
        """The nominal days after `day` and before `end` that are worth a look; none without `every`."""
        while every and (day := self.far(day, every)) < min(end, self.last + FAR):
            yield day

    def falls(self, when: Any, day: date) -> bool:
        """Whether `day` is one of the nominal days that `on` or `due` writes."""
        name, end = WEEKDAYS[day.weekday()], (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
        if isinstance(when, str | list) or "dates" in when:
            return day in when["dates"] if "dates" in when else name in when
        if "week" in when:
            since = when.get("since", date(2001, 1, 1))
            weeks = ((day - since).days + since.weekday()) // 7
            return name == when["week"] and weeks >= 0 and weeks % when.get("every", 1) == 0
        numbers = range(day.day, 32) if day == end else [day.day]  # the last day also answers for those it lacks
        if "year" in when:
            return when["year"] in [f"{day:%m}-{n:02}" for n in numbers]
        lasts = {f"last {name}": day + 7 * DAY > end, "last day": day == end, "last wd": day == self.back(end)}
        called = {*numbers, f"{NTH[(day.day - 1) // 7]} {name}", *(one for one in lasts if lasts[one])}
        return when["month"] in called if "month" in when else when["quarter"] in called and day.month % 3 == 0

    def runs(self, rule: dict[str, Any], day: date) -> bool:
        started_on = self.world["started_on"] or date.min
        return max(rule.get("from", date.min), started_on) <= day <= rule.get("until", date.max)

    def on_days(self, rule: dict[str, Any], when: Any, first: date, last: date) -> dict[date, date]:
        """The days on which something goes on the days of `when` → the latest nominal day that lands there."""
        landed = {self.on(day): day for day in days(first - FAR, last + FAR) if self.falls(when, day)}
        return {day: nominal for day, nominal in landed.items() if self.runs(rule, day)}

    def at(self, rule: dict[str, Any], day: date) -> datetime:
        return combine(day, rule.get("at", "09:00"))
