"""规则里的日子怎么写：哪些日子算，写错了怎么说。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from reminder.rules.calendar import Calendar
from reminder.rules.when import Clock, Days, Due, OnDays, WeekClock

ON = TypeAdapter(OnDays)
CALENDAR = Calendar()

FALLS = [
    ("周一", "monday", "2021-06-01", "2021-06-15", "07 14"),
    ("周一、周四", ["monday", "thursday"], "2021-06-01", "2021-06-11", "03 07 10"),
    ("隔周", {"every": 2, "week": "monday", "since": "2021-06-02"}, "2021-05-24", "2021-06-30", "31 14 28"),
    ("每七周", {"every": 7, "week": "monday", "since": "2021-06-02"}, "2021-05-24", "2021-08-01", "31 19"),
    ("每三周", {"every": 3, "week": "friday", "since": "2021-06-04"}, "2021-05-01", "2021-06-30", "04 25"),
    ("每周，从某周起", {"week": "tuesday", "since": "2021-06-09"}, "2021-06-01", "2021-06-20", "08 15"),
    ("每月25日", {"month": 25}, "2021-05-20", "2021-06-30", "25 25"),
    ("每月31日，月短取末", {"month": 31}, "2021-06-01", "2021-07-31", "30 31"),
    ("每月最后一个工作日", {"month": "last wd"}, "2021-05-01", "2021-07-31", "31 30 30"),
    ("末日是周日的", {"month": "last wd"}, "2021-10-01", "2021-10-31", "29"),
    ("第二个周五", {"month": "2nd friday"}, "2021-06-01", "2021-07-31", "11 09"),
    ("第一个周二", {"month": "1st tuesday"}, "2021-06-01", "2021-07-31", "01 06"),
    ("第四个周日", {"month": "4th sunday"}, "2021-06-01", "2021-06-30", "27"),
    ("最后一个周三", {"month": "last wednesday"}, "2021-06-01", "2021-07-31", "30 28"),
    ("季末工作日", {"quarter": "last wd"}, "2021-04-01", "2021-09-30", "30 30"),
    ("季末", {"quarter": "last day"}, "2021-01-01", "2021-12-31", "31 30 30 31"),
    ("每年12月25日", {"year": "12-25"}, "2020-12-01", "2021-12-31", "25 25"),
    ("每年2月29日，平年28日", {"year": "02-29"}, "2020-02-01", "2021-12-31", "29 28"),
]


@pytest.mark.parametrize(("on", "first", "last", "days"), [c[1:] for c in FALLS], ids=[c[0] for c in FALLS])
def test_the_days_of_a_calendar(on, first, last, days):
    found = ON.validate_python(on).nominal_days(date.fromisoformat(first), date.fromisoformat(last), CALENDAR)
    assert " ".join(f"{day:%d}" for day in found) == days


PERIODS = [
    ("周", {"week": "monday"}, "2021-01-03", "2020-W53"),
    ("月", {"month": 25}, "2021-04-25", "2021-04"),
    ("季", {"quarter": "last wd"}, "2021-03-31", "2021-Q1"),
    ("季的第二月", {"quarter": "last wd"}, "2021-05-31", "2021-Q2"),
    ("季的首月", {"quarter": "last wd"}, "2021-10-01", "2021-Q4"),
    ("年", {"year": "12-25"}, "2021-12-25", "2021"),
    ("某日", {"dates": ["2021-12-25"]}, "2021-12-25", "2021-12-25"),
]


@pytest.mark.parametrize(("due", "day", "period"), [c[1:] for c in PERIODS], ids=[c[0] for c in PERIODS])
def test_the_period_of_a_due_day(due, day, period):
    assert Due.model_validate(due).period(date.fromisoformat(day)) == period


WRONG = [
    ("没有这个星期", OnDays, "mondy", "weekday"),
    ("两样都写", OnDays, {"week": "monday", "month": 3}, "on_one"),
    ("什么都没写", OnDays, {}, "on_one"),
    ("隔周没写从哪周起", OnDays, {"every": 2, "week": "monday"}, "on_every"),
    ("隔月不会", OnDays, {"every": 2, "month": 3, "since": "2021-06-01"}, "on_every"),
    ("32日", OnDays, {"month": 32}, "on_month"),
    ("0日", OnDays, {"month": "0"}, "on_month"),
    ("第五个周五", OnDays, {"month": "5th friday"}, "on_month"),
    ("季首", OnDays, {"quarter": "first day"}, "on_quarter"),
    ("13月", OnDays, {"year": "13-01"}, "on_year"),
    ("32日的年", OnDays, {"year": "12-32"}, "on_year"),
    ("2月30日", OnDays, {"year": "02-30"}, "on_year"),
    ("4月31日", OnDays, {"year": "04-31"}, "on_year"),
    ("0月", OnDays, {"year": "0-10"}, "on_year"),
    ("定期事项什么都没写", Due, {}, "due_one"),
    ("距离是负数", Days, -1, "distance"),
    ("距离太远", Days, 3651, "distance"),
    ("距离是真假", Days, True, "distance"),
    ("距离是话", Days, "5 days", "distance"),
    ("24点", Clock, "24:00", "clock"),
    ("60分", Clock, "23:60", "clock"),
    ("没有分", Clock, "9", "clock"),
    ("钟点是数", Clock, 9, "clock"),
    ("星期写错", WeekClock, "fryday 09:00", "week_clock"),
    ("没有钟点", WeekClock, "friday", "week_clock"),
]


@pytest.mark.parametrize(("kind", "value", "fault"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_is_written_wrongly_is_named(kind, value, fault):
    with pytest.raises(ValidationError) as told:
        TypeAdapter(kind).validate_python(value)
    assert [one["type"] for one in told.value.errors()] == [fault]
    assert "expected" in told.value.errors()[0]["msg"]


RIGHT = [
    (Days, 0, "0"),
    (Days, 3650, "3650"),
    (Days, "5wd", "5wd"),
    (Days, "5 wd", "5wd"),
    (Days, "7", "7"),
    (Clock, "0:00", "00:00:00"),
    (Clock, "23:59", "23:59:00"),
    (WeekClock, "friday 09:30", "friday 09:30"),
    (WeekClock, "monday 9:05", "monday 09:05"),
]


@pytest.mark.parametrize(("kind", "value", "read"), RIGHT, ids=[str(one[1]) for one in RIGHT])
def test_what_is_written_rightly_is_read(kind, value, read):
    adapter = TypeAdapter(kind)
    assert str(adapter.validate_python(value)) == read
    assert adapter.validate_python(adapter.validate_python(value)) == adapter.validate_python(value)
