"""工作日历：国务院通知、打进去的日子、没有日历的年份。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.rules.again import again
from reminder.rules.calendar import Calendar, days, missing_year, published_years
from reminder.rules.when import Distance

CN = Calendar()
TYPED = Calendar(off=frozenset({date(2031, 2, 3), date(2031, 2, 4)}), work=frozenset({date(2031, 2, 8)}))
COVERED = Calendar(covered_years=frozenset({2031}), off=frozenset({date(2031, 2, 3)}))
WEEKDAYS = Calendar(base="weekdays")

WORKED = [
    ("周四", CN, "2021-06-10", True),
    ("端午补班", CN, "2021-04-25", True),
    ("国庆", CN, "2021-10-07", False),
    ("国庆后补班的周六", CN, "2021-10-09", True),
    ("没有日历的周五", CN, "2031-02-07", True),
    ("没有日历的周六", CN, "2031-02-08", False),
    ("没有日历的元旦", CN, "2031-01-01", False),
    ("没有日历的5月2日", CN, "2031-05-02", False),
    ("没有日历的10月3日", CN, "2031-10-03", False),
    ("没有日历的10月6日", CN, "2031-10-06", True),
    ("打进去的假日", TYPED, "2031-02-03", False),
    ("打进去的补班", TYPED, "2031-02-08", True),
    ("自己写全的年份，元旦照写的算", COVERED, "2031-01-01", True),
    ("只看周末的日历，国庆也上班", WEEKDAYS, "2021-10-07", True),
    ("只看周末的日历，周六", WEEKDAYS, "2021-10-09", False),
]


@pytest.mark.parametrize(("calendar", "day", "expected"), [c[1:] for c in WORKED], ids=[c[0] for c in WORKED])
def test_which_days_are_worked(calendar, day, expected):
    assert calendar.is_working_day(date.fromisoformat(day)) is expected


CERTAIN = [
    ("已公布", CN, "2026-12-01", "2026-12-31", True),
    ("跨进没有公布的年份一天", CN, "2026-12-01", "2031-01-01", False),
    ("倒过来问", CN, "2031-01-01", "2026-12-01", False),
    ("那年打进去的两天", TYPED, "2031-02-03", "2031-02-04", True),
    ("多问一天", TYPED, "2031-02-03", "2031-02-05", False),
    ("早问一天", TYPED, "2031-02-02", "2031-02-04", False),
    ("自己写全的年份", COVERED, "2031-01-01", "2031-12-31", True),
    ("前后两年都没有公布", CN, "2030-12-30", "2031-01-05", False),
    ("已公布之后五天", CN, "2026-12-30", "2027-01-05", False),
    ("写全之后的一年", COVERED, "2031-12-31", "2032-01-01", False),
    ("只看周末的日历", WEEKDAYS, "2031-01-01", "2035-01-01", True),
]


@pytest.mark.parametrize(
    ("calendar", "first", "last", "expected"), [c[1:] for c in CERTAIN], ids=[c[0] for c in CERTAIN]
)
def test_what_will_not_change_any_more(calendar, first, last, expected):
    assert calendar.certain_through(date.fromisoformat(first), date.fromisoformat(last)) is expected


STEPS = [
    ("下一个工作日", "2021-06-10", 1, "2021-06-11"),
    ("过端午", "2021-06-11", 1, "2021-06-15"),
    ("往回过端午", "2021-06-15", -1, "2021-06-11"),
    ("不动", "2021-06-12", 0, "2021-06-12"),
    ("五个工作日", "2021-06-10", 5, "2021-06-18"),
    ("过国庆，补班算", "2021-09-30", 2, "2021-10-09"),
]


@pytest.mark.parametrize(("start", "n", "expected"), [c[1:] for c in STEPS], ids=[c[0] for c in STEPS])
def test_working_days_are_counted(start, n, expected):
    assert CN.add(date.fromisoformat(start), n) == date.fromisoformat(expected)


BETWEEN = [
    ("同一天", "2021-06-10", "2021-06-10", 0),
    ("倒过来", "2021-06-11", "2021-06-10", 0),
    ("首日不算，末日算", "2021-06-10", "2021-06-11", 1),
    ("过端午", "2021-06-11", "2021-06-15", 1),
    ("跨年", "2021-12-30", "2022-01-04", 2),
    ("跨两年", "2020-12-31", "2022-01-04", 251),
]


@pytest.mark.parametrize(("first", "last", "expected"), [c[1:] for c in BETWEEN], ids=[c[0] for c in BETWEEN])
def test_how_many_working_days_lie_between(first, last, expected):
    assert CN.between(date.fromisoformat(first), date.fromisoformat(last)) == expected


def test_to_which_year_it_reaches():
    newest = max(published_years())
    assert CN.covered_to() == newest
    assert Calendar(covered_years=frozenset({newest + 1, newest + 3})).covered_to() == newest + 1
    assert Calendar(published_to=2024).covered_to() == 2024
    assert WEEKDAYS.covered_to() is None


def test_a_past_calendar_is_told_of_as_it_was_known():
    as_known = Calendar(published_to=2020)
    assert as_known.is_working_day(date(2021, 4, 25)) is False  # the notice came later
    assert as_known.certain(date(2021, 4, 25)) is False
    assert as_known.certain(date(2020, 4, 25)) is True


def test_new_years_day_is_counted_where_it_is_worked():
    plain = Calendar(base="weekdays")
    assert plain.between(date(2020, 12, 31), date(2021, 1, 1)) == 1  # a Friday
    assert plain.between(date(2020, 12, 31), date(2021, 12, 31)) == 261
    assert plain.between(date(2021, 1, 2), date(2021, 1, 1)) == 0


def test_asking_again_ends_before_the_end():
    asked = [str(day) for day in again(date(2021, 6, 1), Distance(5), date(2021, 6, 11), Calendar())]
    assert asked == ["2021-06-06"]


def test_where_only_weekends_rest_every_year_is_certain():
    assert Calendar(base="weekdays").certain(date(2040, 1, 2))
    assert not Calendar().certain(date(2040, 1, 2))


def test_the_fixed_holidays_of_a_year_that_is_only_guessed():
    fixed = {"01-01", "05-01", "05-02", "10-01", "10-02", "10-03"}
    years = [days(date(year, 1, 1), date(year, 12, 31)) for year in range(2031, 2038)]
    resting = {f"{day:%m-%d}" for year in years for day in year if day.weekday() < 5 and not CN.is_working_day(day)}
    assert resting == fixed


@pytest.mark.parametrize(("today", "year"), [("10-31", None), ("11-01", 1), ("11-02", 1), ("12-31", 1)])
def test_from_the_first_of_november_the_next_year_is_missed(today, year):
    newest = max(published_years())
    assert missing_year(CN, date.fromisoformat(f"{newest}-{today}")) == (year and newest + year)
