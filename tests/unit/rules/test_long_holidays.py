"""长假前后：周一催办与周五周报碰在一起的几周。放假安排见国务院办公厅历年通知。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule

OPEN = a_measure("2030-01-01")

#   the holiday's weeks        when something goes, with the nominal day or the report's week
WEEKS = {
    "2022-W40 国庆，10-08、10-09 补班": (
        ("2022-09-26", "2022-10-15"),
        ["09-26 < 09-26", "10-08 < 10-03", "10-10 < 10-10"],
        ["09-26 chase 2022-W38", "09-30 due 2022-W39", "10-08 chase 2022-W39", "10-14 due 2022-W41"],
        ["2022-W40"],
    ),
    "2023-W04 春节，01-28、01-29 补班": (
        ("2023-01-16", "2023-02-04"),
        ["01-16 < 01-16", "01-28 < 01-23", "01-30 < 01-30"],
        ["01-16 chase 2023-W02", "01-20 due 2023-W03", "01-28 chase 2023-W03", "02-03 due 2023-W05"],
        ["2023-W04"],
    ),
    "2024-W07 春节，02-04、02-18 补班": (
        ("2024-02-05", "2024-02-24"),
        ["02-05 < 02-05", "02-18 < 02-12", "02-19 < 02-19"],
        ["02-05 chase 2024-W05", "02-09 due 2024-W06", "02-18 chase 2024-W06", "02-23 due 2024-W08"],
        ["2024-W07"],
    ),
    "2026-W08 春节到 02-23，两个周一并到 02-24": (
        ("2026-02-09", "2026-02-28"),
        ["02-09 < 02-09", "02-24 < 02-23 (02-16)"],
        ["02-09 chase 2026-W06", "02-13 due 2026-W07", "02-24 chase 2026-W07", "02-27 due 2026-W09"],
        ["2026-W08"],
    ),
}


def fired(rule, span):
    facts = Facts(measures=[OPEN])
    return sorted(rule.firings(facts, span, a_practice()), key=lambda firing: firing.at)


def days(asked):
    return Span(*map(date.fromisoformat, asked))


@pytest.mark.parametrize(("span", "nudges", "_reports", "_none"), WEEKS.values(), ids=WEEKS)
def test_mondays_of_a_holiday_are_nudged_once_on_the_first_working_day(span, nudges, _reports, _none):
    told = []
    for firing in fired(a_rule("nudge"), days(span)):
        passed = "".join(f" ({day:%m-%d})" for day in firing.superseded)
        told.append(f"{firing.at:%m-%d} < {firing.occasion:%m-%d}{passed}")
    assert told == nudges


@pytest.mark.parametrize(("span", "_nudges", "reports", "none"), WEEKS.values(), ids=WEEKS)
def test_a_week_without_a_working_day_up_to_friday_owes_no_report(span, _nudges, reports, none):
    told = [
        f"{firing.at:%m-%d} {firing.kind.value.removeprefix('report_')} {firing.week}"
        for firing in fired(a_rule("report"), days(span))
    ]
    assert told == reports
    passed = list(a_rule("report").passed_over(Facts(measures=[OPEN]), days(span), a_practice()))
    assert [(one.week, one.skipped.code) for one in passed] == [(week, "no_working_day") for week in none]


COUNTDOWNS = {
    "节中到期，节前一天提醒": ("2026-02-20", ["02-14 0+1+3+5"]),
    "节后第一天到期，前三天和前一天并在节前": ("2026-02-24", ["02-14 1+3+5", "02-24 0"]),
    "国庆中到期": ("2022-10-05", ["09-30 0+1+3+5"]),
    "补班的周日到期，当天提醒": ("2024-02-18", ["02-09 1+3+5", "02-18 0"]),
}


@pytest.mark.parametrize(("deadline", "expected"), COUNTDOWNS.values(), ids=COUNTDOWNS)
def test_what_falls_due_in_a_holiday_is_told_before_it_once(deadline, expected):
    rule, due = a_rule("deadline", before=[5, 3, 1, 0]), date.fromisoformat(deadline)
    span = Span(due.replace(month=due.month - 1), due)
    facts = Facts(measures=[a_measure(deadline)])
    told = [
        f"{firing.at:%m-%d} {'+'.join(map(str, firing.lines[0].days))}"
        for firing in rule.firings(facts, span, a_practice())
    ]
    assert sorted(told) == expected


def test_what_is_overdue_over_a_holiday_is_told_once_after_it():
    facts = Facts(measures=[a_measure("2026-02-12")])
    found = a_rule("overdue", every=3).firings(facts, Span(date(2026, 2, 13), date(2026, 2, 25)), a_practice())
    assert [(f"{one.at:%m-%d}", one.lines[0].days) for one in found] == [("02-24", (3, 6, 9, 12))]
