"""发送时间：上班时间里马上发，之外等到下一个上班时间。"""

from __future__ import annotations

from datetime import time

import pytest

from reminder.rules.hours import SendingHours
from tests.makers import a_practice, at

HOURS = SendingHours(time(8, 30), time(18))
CASES = [
    ("正在上班", "2021-06-10 10:00", "2021-06-10 10:00"),
    ("刚到点", "2021-06-10 08:30", "2021-06-10 08:30"),
    ("差一分钟", "2021-06-10 08:29", "2021-06-10 08:30"),
    ("下班那一刻还发", "2021-06-10 18:00", "2021-06-10 18:00"),
    ("下班之后等明天", "2021-06-10 18:01", "2021-06-11 08:30"),
    ("周五晚上等到节后", "2021-06-11 20:00", "2021-06-15 08:30"),
    ("假日上午", "2021-06-13 10:00", "2021-06-15 08:30"),
    ("假日清早", "2021-06-13 05:00", "2021-06-15 08:30"),
    ("补班的周六照发", "2021-10-09 10:00", "2021-10-09 10:00"),
]


@pytest.mark.parametrize(("now", "slot"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_when_a_message_may_leave(now, slot):
    assert HOURS.next_slot(at(now), a_practice()) == at(slot)


def test_where_every_day_counts_the_weekend_does_not_wait():
    practice = a_practice(working_days_only=False)
    assert HOURS.next_slot(at("2021-06-13 10:00"), practice) == at("2021-06-13 10:00")
    assert HOURS.next_slot(at("2021-06-12 20:00"), practice) == at("2021-06-13 08:30")


def test_the_opening_after_a_moment_is_never_that_days_own():
    assert HOURS.opening_after(at("2021-06-10 07:00"), a_practice()) == at("2021-06-11 08:30")
