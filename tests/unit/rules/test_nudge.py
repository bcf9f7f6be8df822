"""每周催办：有未完成的措施才发，没有就不发。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Change, Status
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, at, closed

OPEN = Facts(measures=[a_measure("2030-01-01")])


def days(rule, first, last, facts=OPEN):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    return [str(firing.at.date()) for firing in rule.firings(facts, span, a_practice())]


HOLIDAYS = [
    ("劳动节，05-03移到05-06", "2021-05-01", "2021-05-08", ["2021-05-06"]),
    ("端午，06-14移到06-15", "2021-06-12", "2021-06-18", ["2021-06-15"]),
    ("中秋，09-20移到09-22", "2021-09-18", "2021-09-25", ["2021-09-22"]),
    ("国庆，10-04移到10-08", "2021-10-01", "2021-10-09", ["2021-10-08"]),
    ("2022年国庆，10-03移到调休的周六，10-10照常", "2022-10-01", "2022-10-10", ["2022-10-08", "2022-10-10"]),
    ("2023年春节，01-23移到调休的周六", "2023-01-20", "2023-01-30", ["2023-01-28", "2023-01-30"]),
]


@pytest.mark.parametrize(
    ("first", "last", "expected"), [case[1:] for case in HOLIDAYS], ids=[case[0] for case in HOLIDAYS]
)
def test_a_monday_that_is_a_rest_day_moves_to_the_next_working_day(first, last, expected):
    assert days(a_rule("nudge"), first, last) == expected


def test_two_occasions_that_land_on_one_day_are_one_the_later():
    rule = a_rule("nudge", on=["sunday", "monday"])
    (firing,) = rule.firings(OPEN, Span(date(2021, 6, 7), date(2021, 6, 7)), a_practice())
    assert (firing.occasion, firing.superseded) == (date(2021, 6, 7), (date(2021, 6, 6),))


CALENDARS = [
    (
        "每两周的周一",
        {"every": 2, "week": "monday", "since": date(2021, 6, 7)},
        ["2021-06-07", "2021-06-21", "2021-07-05"],
    ),
    ("每月25日", {"month": 25}, ["2021-06-25"]),
    ("每月最后一个工作日", {"month": "last wd"}, ["2021-06-30"]),
    ("每月第二个星期五", {"month": "2nd friday"}, ["2021-06-11", "2021-07-09"]),
    ("每季度最后一个工作日", {"quarter": "last wd"}, ["2021-06-30"]),
    ("每年6月18日", {"year": "06-18"}, ["2021-06-18"]),
    ("周一和周四", ["monday", "thursday"], ["2021-06-03", "2021-06-07", "2021-06-10"]),
]


@pytest.mark.parametrize(("on", "expected"), [case[1:] for case in CALENDARS], ids=[case[0] for case in CALENDARS])
def test_the_calendars_that_on_writes(on, expected):
    assert days(a_rule("nudge", on=on), "2021-06-01", "2021-07-10")[: len(expected)] == expected


def test_nothing_to_say_nothing_sent():
    done = Facts(measures=[a_measure("2021-06-30", **closed("2021-04-29"))])
    assert days(a_rule("nudge"), "2021-04-26", "2021-05-31", done) == ["2021-04-26"]
    assert days(a_rule("nudge"), "2021-04-26", "2021-05-31", Facts()) == []


def test_a_claimed_measure_leaves_its_unit_alone_until_it_is_returned():
    changes = (Change(date(2021, 6, 8), Status.CLAIMED), Change(date(2021, 6, 24), Status.IN_PROGRESS))
    facts = Facts(measures=[a_measure("2021-12-31", changes=changes)])
    assert days(a_rule("nudge"), "2021-06-01", "2021-06-30", facts) == ["2021-06-07", "2021-06-28"]


def test_measures_without_a_date_appear_in_the_nudge():
    facts = Facts(measures=[a_measure(None), a_measure("2021-06-30")])
    (firing,) = a_rule("nudge").firings(facts, Span(date(2021, 6, 7), date(2021, 6, 7)), a_practice())
    assert [line.measure.deadline.text for line in firing.lines] == ["2021-06-30", "长期坚持"]


def test_the_next_instant_is_found_across_a_long_holiday():
    assert a_rule("nudge").next_at(at("2021-10-01 09:00"), a_practice()) == at("2021-10-08 09:00")
    assert a_rule("nudge", on={"quarter": "last wd"}).next_at(at("2021-07-01"), a_practice()) == at("2021-09-30")


@pytest.mark.parametrize("finding", [{"problem": "3"}, {"problem_text": "学习不够深入"}])
def test_a_problem_is_matched_by_its_number_or_where_the_ledger_numbers_none_by_its_words(finding):
    facts = Facts(measures=[a_measure("2030-01-01", **finding), a_measure("2030-01-01", problem="4")])
    rule = a_rule("nudge", match={"problem": [*finding.values()]})
    (firing,) = rule.firings(facts, Span(date(2021, 6, 7), date(2021, 6, 7)), a_practice())
    assert firing.measures == (facts.measures[0],)


@pytest.mark.parametrize("written", [True, [True]])
def test_what_stands_on_the_books_is_named_by_itself_or_in_a_list_as_every_key_of_match(written):
    facts = Facts(measures=[a_measure("2030-01-01", standing=True), a_measure("2030-01-01")])
    rule = a_rule("nudge", match={"standing": written})
    (firing,) = rule.firings(facts, Span(date(2021, 6, 7), date(2021, 6, 7)), a_practice())
    assert firing.measures == (facts.measures[0],)


@pytest.mark.parametrize(
    ("day", "coming"), [("2021-06-06", "2021-06-07"), ("2021-06-07", "2021-06-08"), ("2021-06-08", "2021-06-15")]
)
def test_why_not_names_the_very_next_day_also_where_it_is_tomorrow(day, coming):
    rule = a_rule("nudge", on=["monday", "tuesday"])
    reason = rule.why_not(a_measure("2030-01-01"), "建设局", date.fromisoformat(day), a_practice())
    assert (reason.code, reason.facts) == ("not_yet", {"next": coming})
