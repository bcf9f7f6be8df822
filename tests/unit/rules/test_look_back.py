"""回头看：销号后满多少天请整改办核查，结果登记之前隔一段再催；反弹的重新打开。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Change, LookBack, Status
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed


def asked(rule, measure, first="2021-04-08", last="2022-06-30", **practice):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    facts = Facts(closed=[measure])
    return [str(firing.at.date()) for firing in rule.firings(facts, span, a_practice(**practice))]


def results(*days):
    return {"look_backs": tuple(LookBack(date.fromisoformat(day), held=True) for day in days)}


def written_off(on="2021-05-10", **changes):
    return a_measure("2021-06-30", **closed(on), **changes)


# 2021-05-10 销号：满 90 天是 08-08（星期日），满 180 天是 11-06（星期六）
TABLE = [
    ("满90天、180天，遇休息日顺延", {}, {}, ["2021-08-09", "2021-11-08"]),
    ("按工作日数", {"after": ["10wd"]}, {}, ["2021-05-24"]),
    (
        "没登记结果，每20个工作日再催，到下一次回头看为止",
        {"chase": "20wd", "until": date(2021, 12, 31)},
        {},
        ["2021-08-09", "2021-09-03", "2021-10-08", "2021-11-04", "2021-11-08", "2021-12-03", "2021-12-31"],
    ),
    (
        "登记了结果就不再催，下一次照常",
        {"chase": "10wd"},
        results("2021-08-12", "2021-11-09"),
        ["2021-08-09", "2021-11-08"],
    ),
    (
        "催了一次才登记",
        {"chase": "10wd", "after": [90]},
        results("2021-08-25"),
        ["2021-08-09", "2021-08-20"],
    ),
    ("当天登记了就不发", {"after": [90]}, results("2021-08-09"), []),
    ("满期那天是周日，当天就登记了", {"after": [90]}, results("2021-08-08"), []),
    ("提前看的不算", {"after": [90]}, results("2021-08-01"), ["2021-08-09"]),
    ("不写chase只问一次", {"after": [90]}, {}, ["2021-08-09"]),
]


@pytest.mark.parametrize(("keys", "changes", "expected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_when_the_office_is_asked(keys, changes, expected):
    assert asked(a_rule("look_back", **keys), written_off(**changes)) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.WRITTEN_OFF, ["2021-08-09"]), (Status.DECLINED, []), (Status.SUSPENDED, [])],
    ids=["已销号", "不予采纳", "暂缓"],
)
def test_only_what_was_written_off_is_looked_back_at(status, expected):
    assert asked(a_rule("look_back", after=[90]), a_measure(**closed("2021-05-10", status))) == expected


def test_what_is_opened_again_is_left_and_counted_anew_from_the_next_write_off():
    changes = (
        Change(date(2021, 5, 10), Status.WRITTEN_OFF),
        Change(date(2021, 8, 20), Status.IN_PROGRESS),
        Change(date(2021, 9, 10), Status.WRITTEN_OFF),
    )
    measure = a_measure(status=Status.WRITTEN_OFF, closed_on=date(2021, 9, 10), changes=changes)
    assert asked(a_rule("look_back"), measure) == ["2021-08-09", "2021-12-09", "2022-03-09"]


def test_a_claim_before_the_write_off_is_not_the_write_off():
    changes = (Change(date(2021, 4, 12), Status.CLAIMED), Change(date(2021, 5, 10), Status.WRITTEN_OFF))
    measure = a_measure(status=Status.WRITTEN_OFF, closed_on=date(2021, 4, 12), changes=changes)
    assert asked(a_rule("look_back", after=[90]), measure) == ["2021-08-09"]


def test_what_was_to_be_looked_at_before_the_office_started_is_not_chased():
    rule = a_rule("look_back", after=[90], chase="10wd")
    assert asked(rule, written_off(), last="2021-10-31", started_on=date(2021, 8, 10)) == []
    assert asked(rule, written_off(), last="2021-08-31", started_on=date(2021, 8, 9)) == ["2021-08-09", "2021-08-20"]


def test_nobody_is_asked_for_ever():
    days = asked(a_rule("look_back", after=[90], chase="10wd"), written_off(), last="2026-12-31")
    assert "2023-07-20" < days[-1] < "2023-08-09"


def test_two_that_land_on_one_day_are_one_the_later():
    rule = a_rule("look_back", after=[90, 91])
    span = Span(date(2021, 8, 9), date(2021, 8, 9))
    (firing,) = rule.firings(Facts(closed=[written_off()]), span, a_practice())
    assert (str(firing.occasion), [str(day) for day in firing.superseded]) == ("2021-08-09", ["2021-08-08"])
    assert firing.lines[0].days == (91,)


def test_a_year_is_the_sum_of_its_days():
    rule, measure = a_rule("look_back", chase="10wd"), written_off(**results("2021-09-08"))
    days = [date(2021, 8, 1).toordinal() + n for n in range(200)]
    one_by_one = [day for n in days for day in asked(rule, measure, *[str(date.fromordinal(n))] * 2)]
    assert one_by_one == asked(rule, measure, "2021-08-01", str(date.fromordinal(days[-1])))


WHY = [
    ("2021-08-20", written_off(**results("2021-08-12")), "not_yet", "2021-11-08"),
    ("2021-11-20", written_off(**results("2021-08-12", "2021-11-12")), "looked_back", "2021-11-12"),
    ("2021-08-20", a_measure(), "not_written_off", "in_progress"),
]


@pytest.mark.parametrize(("day", "measure", "code", "fact"), WHY)
def test_why_not(day, measure, code, fact):
    reason = a_rule("look_back").why_not(measure, "建设局", date.fromisoformat(day), a_practice())
    assert reason.code == code
    assert fact in reason.facts.values()


def test_a_write_off_of_the_very_day_counts_by_its_event_alone():
    measure = a_measure("2021-06-30", changes=(Change(date(2021, 5, 31), Status.WRITTEN_OFF),), closed_on=None)
    assert asked(a_rule("look_back", after=[0]), measure) == ["2021-05-31"]
