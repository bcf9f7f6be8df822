"""Asking again: every so often after a day, until somebody answers or something newer is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from reminder.rules.calendar import Calendar
from reminder.rules.when import Days, Distance


def _at_least_one(every: Distance) -> Distance:
    if every.n < 1:
        raise PydanticCustomError("again_zero", 'expected at least 1, such as 10 or "5wd"')
    return every


Every = Annotated[Days, AfterValidator(_at_least_one)]


def again(start: date, every: Distance | None, end: date, calendar: Calendar) -> Iterator[date]:
    """The nominal days after `start` and before `end` on which one asks again; none where `every` is None."""
    if every is None:
        return
    day = every.after(start, calendar)
    while day < end:
        yield day
        day = every.after(day, calendar)


class Asked(Protocol):
    """What is asked on a nominal day."""

    @property
    def nominal(self) -> date:
        """The day before it is moved to a working day."""


A = TypeVar("A", bound=Asked)


def landing(asked: Iterable[A], move: Callable[[A], date]) -> dict[date, list[A]]:
    """The days on which something goes → what lands there, the latest nominal day last."""
    days: dict[date, list[A]] = defaultdict(list)
    for one in asked:
        days[move(one)].append(one)
    return {day: sorted(met, key=lambda one: one.nominal) for day, met in days.items()}
