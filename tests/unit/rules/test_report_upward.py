"""周报告没报的逐级上报，整改办定时看汇总。2021-W17 的报告 4月30日（周五）应报；5月1日至5日放假。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.plan import reminders
from reminder.rules.recheck import recheck
from reminder.rules.rule import Facts, Span
from tests.makers import a_directory, a_measure, a_practice, a_rule, at, closed

STEPS = [
    {"after": "2wd", "colour": "yellow", "to": ["leader"]},
    {"after": "3wd", "missed": 3, "colour": "red", "to": ["leader", "office"]},
]
BASE = {"remind": ["friday 09:00"], "chase": None}
ONE = a_measure("2030-01-01", id=71)


def told(first, last, rule=None, reports=None, measures=(ONE,)):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    facts = Facts(measures=measures, reports=reports or {})
    rule = rule or a_rule("report", escalate=STEPS, **BASE)
    return [
        (f"{r.firing.at:%m-%d %H:%M}", r.recipient, r.firing.week)
        for r in reminders(facts, [rule], a_directory(leader="分管领导"), a_practice(), span)
        if r.firing.kind.value != "report_due"
    ]


def reports(**weeks):
    return {("建设局", f"2021-{week}"): at(when) for week, when in weeks.items()}


UPWARD = [
    ("两个工作日后报分管领导", "2021-05-06", "2021-05-07", {}, [("05-07 09:00", "分管领导", "2021-W17")]),
    ("节前不报", "2021-05-01", "2021-05-06", {}, []),
    ("已报的不报", "2021-05-06", "2021-05-07", reports(W17="2021-05-06 10:00"), []),
    (
        "报晚了照样上报",
        "2021-05-07",
        "2021-05-07",
        reports(W17="2021-05-07 09:01"),
        [("05-07 09:00", "分管领导", "2021-W17")],
    ),
    (
        "连续三周没报，再报整改办",
        "2021-05-08",  # a make-up Saturday
        "2021-05-08",
        {},
        [("05-08 09:00", "office", "2021-W17"), ("05-08 09:00", "分管领导", "2021-W17")],
    ),
    ("前一周报过，不算连续", "2021-05-08", "2021-05-08", reports(W16="2021-04-23 10:00"), []),
    ("再前一周报过，也不算", "2021-05-08", "2021-05-08", reports(W15="2021-04-20 10:00"), []),
    (
        "再往前的不看",
        "2021-05-08",
        "2021-05-08",
        reports(W14="2021-04-09 10:00"),
        [("05-08 09:00", "office", "2021-W17"), ("05-08 09:00", "分管领导", "2021-W17")],
    ),
]


@pytest.mark.parametrize(("first", "last", "got", "expected"), [c[1:] for c in UPWARD], ids=[c[0] for c in UPWARD])
def test_a_missing_report_is_told_upward(first, last, got, expected):
    assert told(first, last, reports=got) == expected


def test_weeks_in_which_nothing_was_owed_are_not_missed():
    begun = a_measure("2030-01-01", changes=closed("2021-01-04")["changes"], id=72)
    assert told("2021-05-07", "2021-05-08", measures=(begun,)) == []


def test_upward_counts_from_the_moved_due_day():
    """Due on Thursday 09-30 because of National Day; Saturday 10-09 is a working day, the second after it."""
    got = reports(W38="2021-09-24 10:00")
    assert told("2021-10-01", "2021-10-09", reports=got) == [("10-09 09:00", "分管领导", "2021-W39")]


@pytest.mark.parametrize("after", [0, 15, "11wd", "0wd"])
def test_a_step_outside_two_weeks_is_refused(after):
    with pytest.raises(ValueError, match="1wd"):
        a_rule("report", escalate=[{"after": after, "colour": "x", "to": ["office"]}])


def summed_up(day, got=None, when="friday 17:30", measures=None):
    measures = measures or (ONE, a_measure("2030-01-01", units=("财政局",)))
    span = Span(date.fromisoformat(day), date.fromisoformat(day))
    rule = a_rule("report", summary=when, **BASE)
    facts = Facts(measures=measures, reports=got or {})
    found = reminders(facts, [rule], a_directory(), a_practice(), span)
    return [r for r in found if r.firing.kind.value == "report_summary"]


def test_the_office_gets_who_has_reported_who_late_and_who_not():
    got = {("建设局", "2021-W17"): at("2021-04-30 17:20"), ("财政局", "2021-W16"): at("2021-04-23 12:00")}
    (one,) = summed_up("2021-04-30", got)
    assert (one.recipient, f"{one.firing.at:%H:%M}", one.firing.week) == ("office", "17:30", "2021-W17")
    assert one.firing.about == {"received": "", "late": "建设局", "missing": "财政局"}
    (one,) = summed_up(
        "2021-04-30", {("建设局", "2021-W17"): at("2021-04-30 17:00"), ("财政局", "2021-W17"): at("2021-04-30 17:31")}
    )
    assert one.firing.about == {"received": "建设局", "late": "", "missing": "财政局"}


SUMMARIES = [
    ("提前应报的，汇总也提前", "2021-09-30", "friday 17:30", "2021-W39"),
    ("周一汇总上周的，节后才有", "2021-05-06", "monday 10:00", "2021-W17"),
    ("早于应报时刻的，等到应报时刻", "2021-04-30", "friday 09:00", "2021-W17"),
]


@pytest.mark.parametrize(("day", "when", "week"), [c[1:] for c in SUMMARIES], ids=[c[0] for c in SUMMARIES])
def test_when_the_office_gets_the_summary(day, when, week):
    (one,) = summed_up(day, when=when)
    assert one.firing.week == week
    assert one.firing.at >= one.firing.due_at


def test_nobody_owes_a_report_and_there_is_nothing_to_sum_up():
    assert summed_up("2021-04-30", measures=(a_measure("2030-01-01", **closed("2021-04-01")),)) == []


def test_a_summary_that_was_held_is_sent_as_of_its_instant():
    (one,) = summed_up("2021-04-30")
    assert recheck(one, {}, Facts(reports={("建设局", "2021-W17"): at("2021-05-06")}), date(2021, 5, 6)) == one


AFTER = [(1, True), (0, False), (14, True), (15, False), ("1wd", True), ("10wd", True), ("11wd", False)]


@pytest.mark.parametrize(("after", "accepted"), AFTER)
def test_a_step_is_taken_within_two_weeks_of_the_due_day(after, accepted):
    steps = [STEPS[0] | {"after": after}]
    if accepted:
        assert str(a_rule("report", escalate=steps).escalate[0].after) == str(after)
        return
    with pytest.raises(ValidationError):
        a_rule("report", escalate=steps)


def test_a_rule_may_hold_for_a_single_day_but_not_end_before_it_begins():
    day, before = date(2021, 6, 7), date(2021, 6, 6)
    assert a_rule("nudge", **{"from": day, "until": day}).runs_on(day, a_practice())
    with pytest.raises(ValidationError):
        a_rule("nudge", **{"from": day, "until": before})
