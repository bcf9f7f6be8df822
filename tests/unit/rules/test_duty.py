"""定期事项：每期该办的，到期前提醒，过期一再催，办完为止；单位不在台账、不在通讯录的也一样。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.domain.owed import DutyDone
from reminder.plan import reminders
from reminder.rules.rule import Facts, Span
from tests.makers import a_directory, a_practice, a_rule


def done(period, on, count=1, unit="建设局", duty="duty"):
    return DutyDone(duty=duty, unit=unit, period=period, on=date.fromisoformat(on), count=count)


def asked(rule, first, last, *dones, **practice):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    firings = rule.firings(Facts(duties_done=dones), span, a_practice(**practice))
    return sorted(f"{firing.at:%m-%d} {firing.about['period']} {firing.about['part']}" for firing in firings)


def test_reminded_on_the_working_day_before_and_chased_until_it_is_done():
    dones = done("2021-W19", "2021-05-10"), done("2021-W20", "2021-05-20")
    assert asked(a_rule("duty"), "2021-05-14", "2021-05-22", *dones) == [
        "05-14 2021-W20 remind",
        "05-18 2021-W20 chase",
        "05-19 2021-W20 chase",
        "05-21 2021-W21 remind",
    ]


def test_chased_until_the_next_one_is_due():
    days = asked(a_rule("duty", remind=[]), "2021-05-17", "2021-05-25")
    assert days == [*(f"05-{n} 2021-W20 chase" for n in (18, 19, 20, 21)), "05-25 2021-W21 chase"]


DUE = [
    ("每周一", {"week": "monday"}, "2021-05-11", "2021-05-18", ["2021-05-17 17:00 2021-W20"]),
    (
        "每两周的周一",
        {"every": 2, "week": "monday", "since": date(2021, 5, 3)},
        "2021-05-11",
        "2021-05-24",
        ["2021-05-17 17:00 2021-W20"],
    ),
    ("每月25日", {"month": 25, "hour": "12:00"}, "2021-05-11", "2021-06-10", ["2021-05-25 12:00 2021-05"]),
    ("25日是周末，期限不动", {"month": 25}, "2021-07-11", "2021-08-10", ["2021-07-25 17:00 2021-07"]),
    ("每月最后一个工作日", {"month": "last wd"}, "2021-05-11", "2021-06-10", ["2021-05-31 17:00 2021-05"]),
    ("每月第二个星期五", {"month": "2nd friday"}, "2021-05-11", "2021-06-10", ["2021-05-14 17:00 2021-05"]),
    ("每季度最后一个工作日", {"quarter": "last wd"}, "2021-05-11", "2021-08-10", ["2021-06-30 17:00 2021-Q2"]),
    ("每年12月25日，周六", {"year": "12-25"}, "2021-05-11", "2022-01-10", ["2021-12-25 17:00 2021"]),
    (
        "几个日子",
        {"dates": [date(2021, 6, 18), date(2021, 6, 30)]},
        "2021-05-11",
        "2021-06-20",
        ["2021-06-18 17:00 2021-06-18"],
    ),
    ("国庆的周一，期限不动", {"week": "monday"}, "2021-09-28", "2021-10-08", ["2021-10-04 17:00 2021-W40"]),
]


@pytest.mark.parametrize(
    ("due", "first", "last", "expected"), [case[1:] for case in DUE], ids=[case[0] for case in DUE]
)
def test_when_it_is_due_and_what_the_period_is_called(due, first, last, expected):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    periods = a_rule("duty", due=due).periods(span, a_practice())
    found = [(f"{period.due_at:%Y-%m-%d %H:%M} {period.name}", period.due_at.date()) for period in periods]
    assert [name for name, day in found if day in span] == expected


@pytest.mark.parametrize(
    "due", [{}, {"week": "monday", "month": 25}, {"month": 32}, {"hour": "17:00"}, {"week": "周一"}]
)
def test_what_is_no_calendar_is_refused(due):
    with pytest.raises(ValidationError):
        a_rule("duty", due=due)


QUOTA = [
    ("一次没办", [], 3),
    ("办了两次，还缺一次", [done("2021-W20", "2021-05-13", 2)], 3),
    ("分几次凑够", [done("2021-W20", "2021-05-13", 2), done("2021-W20", "2021-05-18")], 1),
    ("提前办完", [done("2021-W20", "2021-05-10", 3)], 0),
    ("上一期的不算", [done("2021-W19", "2021-05-13", 3)], 3),
    ("别的单位办的不算", [done("2021-W20", "2021-05-10", 3, unit="财政局")], 3),
    ("别的事项不算", [done("2021-W20", "2021-05-10", 3, duty="other")], 3),
    ("改名前登记的算", [done("2021-W20", "2021-05-10", 3, duty="old")], 0),
]


@pytest.mark.parametrize(("dones", "expected"), [case[1:] for case in QUOTA], ids=[case[0] for case in QUOTA])
def test_counts_add_up_to_the_quota(dones, expected):
    rule = a_rule("duty", min=3, was="old")
    assert len([day for day in asked(rule, "2021-05-14", "2021-05-19", *dones) if "W20" in day]) == expected


def test_nothing_that_was_due_before_the_office_started_is_owed():
    started = {"started_on": date(2021, 5, 18)}
    assert asked(a_rule("duty"), "2021-05-14", "2021-05-21", **started) == ["05-21 2021-W21 remind"]


OWED_BY = [
    ("建设局", ("建设局", "")),
    ("代建项目管理中心", ("office", "代建项目管理中心")),
    ("office", ("office", "")),
]


@pytest.mark.parametrize(("owed_by", "expected"), OWED_BY, ids=["通讯录里的单位", "外单位由整改办代收", "整改办自己"])
def test_who_is_reminded(owed_by, expected):
    rule, span = a_rule("duty", owed_by=[owed_by]), Span(date(2021, 5, 18), date(2021, 5, 18))
    (one,) = reminders(Facts(), [rule], a_directory(), a_practice(), span)
    assert (one.recipient, one.instead_of) == expected
    assert one.firing.subject == f"duty:duty:{owed_by}:2021-W20"
    assert one.firing.lines == ()


def test_a_reminder_on_the_due_day_goes_no_later_than_it_is_due():
    rule = a_rule("duty", remind=[0], due={"week": "monday", "hour": "08:30"})
    (firing, *_) = rule.firings(Facts(), Span(date(2021, 5, 17), date(2021, 5, 17)), a_practice())
    assert f"{firing.at:%H:%M}" == "08:30"


# 合同 §3.2：当天的提醒提前到前一个工作日，其余各类顺延到下一个工作日
REST_DAYS = [
    ("期限在国庆的周一，提前一个工作日是节前", {"week": "monday"}, ["1wd"], "09-30 2021-W40 remind"),
    ("期限当天是休息日，提前到节前", {"week": "monday"}, [0], "09-30 2021-W40 remind"),
    ("提前一天是周日，顺延到期限当天", {"dates": [date(2021, 11, 15)]}, [1], "11-15 2021-11-15 remind"),
    ("提前一天也在节中，顺延到节后，已是催办", {"dates": [date(2021, 10, 4)]}, [1], "10-08 2021-10-04 chase"),
    ("提前两天和三天顺延到同一天，是一次", {"dates": [date(2021, 9, 28)]}, [2, 3], "09-26 2021-09-28 remind"),
]


@pytest.mark.parametrize(
    ("due", "remind", "expected"), [case[1:] for case in REST_DAYS], ids=[case[0] for case in REST_DAYS]
)
def test_duty_reminders_on_rest_days_go_on_the_next_working_day_and_those_of_the_day_itself_before_it(
    due, remind, expected
):
    days = asked(a_rule("duty", due=due, remind=remind, chase=None), "2021-09-25", "2021-11-20")
    assert [day for day in days if day.endswith(expected[6:])] == [expected]


def test_a_reminder_and_a_chase_of_one_period_on_one_day_are_one_the_later():
    rule = a_rule("duty", due={"dates": [date(2021, 10, 4)]}, remind=[1], chase=2)
    firings = rule.firings(Facts(), Span(date(2021, 10, 8), date(2021, 10, 8)), a_practice())
    assert [(str(one.occasion), [str(day) for day in one.superseded]) for one in firings] == [
        ("2021-10-08", ["2021-10-03", "2021-10-06"])
    ]
