"""周报告：欠谁的、何时提醒、何时追催。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, at, closed

OPEN = a_measure("2030-01-01")


def reminded(rule, first, last, reports=None, measures=(OPEN,)):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    facts = Facts(measures=measures, reports=reports or {})
    return [
        (firing.kind.value, f"{firing.at:%m-%d %H:%M}", firing.week)
        for firing in rule.firings(facts, span, a_practice())
    ]


def test_a_week_without_a_report():
    assert reminded(a_rule("report"), "2021-04-13", "2021-04-19") == [
        ("report_due", "04-16 09:00", "2021-W15"),
        ("report_chase", "04-19 09:00", "2021-W15"),
    ]


def test_national_day_makes_thursday_the_due_day_and_the_eighth_the_chase_day():
    assert reminded(a_rule("report"), "2021-09-28", "2021-10-08") == [
        ("report_due", "09-30 09:00", "2021-W39"),
        ("report_chase", "10-08 09:00", "2021-W39"),
        ("report_due", "10-08 09:00", "2021-W40"),
    ]


def test_without_remind_one_goes_at_the_due_hour():
    rule = a_rule("report", remind=[], chase=None)
    assert reminded(rule, "2021-04-12", "2021-04-18") == [("report_due", "04-16 17:00", "2021-W15")]


def test_a_week_with_no_working_day_up_to_its_due_day_owes_nothing():
    rule = a_rule("report", due="wednesday 17:00", remind=[])
    weeks = [week.name for week in rule.weeks(Span(date(2021, 9, 27), date(2021, 10, 17)), a_practice())]
    assert weeks == ["2021-W39", "2021-W41"]


SUBMITTED = [
    ("没报", None, ["report_due", "report_chase"]),
    ("提醒之前已报", "2021-04-15 18:00", []),
    ("提醒之后报", "2021-04-16 16:00", ["report_due"]),
    ("迟报，周末补上", "2021-04-18 10:00", ["report_due"]),
    ("追催之后才报", "2021-04-19 10:00", ["report_due", "report_chase"]),
]


@pytest.mark.parametrize(
    ("submitted", "expected"), [case[1:] for case in SUBMITTED], ids=[case[0] for case in SUBMITTED]
)
def test_a_report_stops_that_weeks_reminders_at_once(submitted, expected):
    reports = {("建设局", "2021-W15"): at(submitted)} if submitted else {}
    assert [kind for kind, _, _ in reminded(a_rule("report"), "2021-04-13", "2021-04-19", reports)] == expected


def test_it_is_owed_by_who_had_an_open_measure_on_the_due_day_and_chased_even_if_it_closed_since():
    closed_on_saturday = a_measure("2030-01-01", **closed("2021-04-17"))
    closed_on_friday = a_measure("2030-01-01", **closed("2021-04-16"))
    assert len(reminded(a_rule("report"), "2021-04-13", "2021-04-19", measures=[closed_on_saturday])) == 2
    assert reminded(a_rule("report"), "2021-04-13", "2021-04-19", measures=[closed_on_friday]) == []


def test_a_chase_can_go_on_until_a_weekday():
    rule = a_rule("report", chase={"from": "monday 09:00", "every": "1wd", "until": "thursday"})
    chases = [when for kind, when, week in reminded(rule, "2021-04-17", "2021-04-23") if kind == "report_chase"]
    assert chases == ["04-19 09:00", "04-20 09:00", "04-21 09:00", "04-22 09:00"]


def test_a_remind_on_a_monday_that_is_a_holiday_stays_in_its_week():
    rule = a_rule("report", remind=["monday 09:00"], chase=None)
    assert reminded(rule, "2021-06-07", "2021-06-18") == [
        ("report_due", "06-07 09:00", "2021-W23"),
        ("report_due", "06-15 09:00", "2021-W24"),
    ]


def test_nobody_is_chased_for_a_week_that_was_due_before_the_office_started():
    rule, practice = a_rule("report"), a_practice(started_on=date(2021, 4, 19))
    firings = rule.firings(Facts(measures=[OPEN]), Span(date(2021, 4, 19), date(2021, 4, 26)), practice)
    assert [(firing.kind.value, firing.week) for firing in firings] == [
        ("report_due", "2021-W16"),
        ("report_chase", "2021-W16"),
    ]


@pytest.mark.parametrize("chase", [{"from": "monday 09:00", "every": 0}, {"from": "monday"}, {"start": "monday 09:00"}])
def test_a_faulty_chase_is_refused(chase):
    with pytest.raises(ValidationError):
        a_rule("report", chase=chase)
