"""静默：单位、措施、规则，哪些发、哪些不发，编号作理由。"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from reminder.domain.reminder import Reason
from reminder.domain.silence import Silence
from reminder.plan import Window, answer, known_parts, occasions, reminders
from reminder.rules.recheck import recheck
from reminder.rules.rule import Facts, Span
from reminder.rules.silencing import hushed, silence_of
from tests.makers import a_directory, a_measure, a_practice, a_rule, at

MONDAY = date(2021, 6, 7)
DAY = Span(MONDAY, MONDAY)


def a_silence(since="2021-06-01", until="2021-06-10", **targets):
    days = {"since": date.fromisoformat(since), "until": date.fromisoformat(until)}
    return Silence(**{"id": 3, "because": "换届"} | days | targets)


def told(silences, measures, span=DAY, rules=None, **people):
    rules = rules or [a_rule("deadline", before=[7]), a_rule("nudge")]
    facts = Facts(measures=measures, silences=silences)
    return occasions(facts, rules, people.get("directory") or a_directory(), a_practice(), span)


ONE, OTHER = a_measure("2021-06-14", id=71), a_measure("2021-06-14", id=72, units=("财政局",))
CASES = [
    ("没有静默", {}, {("deadline", "建设局"), ("nudge", "建设局"), ("deadline", "财政局"), ("nudge", "财政局")}),
    ("静默一个单位", {"unit": "建设局"}, {("deadline", "财政局"), ("nudge", "财政局")}),
    ("静默一条措施", {"measure_id": 71}, {("deadline", "财政局"), ("nudge", "财政局")}),
    ("静默一条规则", {"rule": "nudge"}, {("deadline", "建设局"), ("deadline", "财政局")}),
    (
        "静默一个单位的一条规则",
        {"unit": "建设局", "rule": "nudge"},
        {("deadline", "建设局"), ("deadline", "财政局"), ("nudge", "财政局")},
    ),
]


@pytest.mark.parametrize(("targets", "sent"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_silenced_is_skipped_with_its_number(targets, sent):
    got = told([a_silence(**targets)] if targets else [], [ONE, OTHER])
    assert {(r.firing.rule, r.recipient) for r in got if not r.firing.skipped} == sent
    skipped = [r.firing.skipped for r in got if r.firing.skipped]
    assert len(skipped) == 4 - len(sent)
    told_why = {"number": "3", "since": "2021-06-01", "until": "2021-06-10", "because": "换届"}
    assert all((reason.code, reason.facts) == ("silenced", told_why) for reason in skipped)


DAYS = [
    ("静默前一天", "2021-06-08", "2021-06-30", None, True),
    ("静默第一天", "2021-06-07", "2021-06-30", None, False),
    ("静默最后一天", "2021-06-01", "2021-06-07", None, False),
    ("静默后一天", "2021-06-01", "2021-06-06", None, True),
    ("当天提前结束", "2021-06-01", "2021-06-30", "2021-06-07", True),
    ("次日提前结束", "2021-06-01", "2021-06-30", "2021-06-08", False),
]


@pytest.mark.parametrize(("since", "until", "ended", "sent"), [c[1:] for c in DAYS], ids=[c[0] for c in DAYS])
def test_a_silence_holds_from_its_first_day_to_its_last(since, until, ended, sent):
    silence = a_silence(since, until, unit="建设局", ended_on=date.fromisoformat(ended) if ended else None)
    assert [r.firing.skipped is None for r in told([silence], [ONE])] == [sent, sent]


def test_of_a_nudge_only_the_silenced_measure_is_left_out():
    silence = a_silence(measure_id=71)
    (nudge,) = told([silence], [ONE, a_measure("2021-07-30", id=73)], rules=[a_rule("nudge")])
    assert [line.measure.id for line in nudge.firing.lines] == [73]
    assert nudge.firing.reason.facts["count"] == "1"


def test_nothing_about_a_silenced_unit_climbs_and_nothing_goes_to_it_for_others():
    step = {"after": 3, "colour": "red", "to": ["leader", "unit:财政局"]}
    rules = [a_rule("overdue", every=90, escalate=[step])]
    overdue = [a_measure("2021-06-04")]
    people = a_directory(leader="分管领导")
    sent = lambda unit: [  # noqa: E731 - one line, used twice
        r.recipient
        for r in told([a_silence(unit=unit)], overdue, rules=rules, directory=people)
        if not r.firing.skipped
    ]
    assert sent("建设局") == []
    assert sent("财政局") == ["分管领导"]


def test_a_silence_of_a_rule_holds_under_the_name_that_it_had():
    (nudge,) = told([a_silence(rule="old")], [ONE], rules=[a_rule("nudge", was="old")])
    assert nudge.firing.skipped


def test_reports_and_duties_of_a_silenced_unit_are_skipped_but_a_silenced_measure_owes_its_report():
    friday = Span(date(2021, 6, 11), date(2021, 6, 11))
    rules = [a_rule("report")]
    until = {"until": "2021-06-30"}
    assert [bool(r.firing.skipped) for r in told([a_silence(unit="建设局", **until)], [ONE], friday, rules)] == [True]
    assert [bool(r.firing.skipped) for r in told([a_silence(measure_id=71, **until)], [ONE], friday, rules)] == [False]


def test_the_plan_does_not_show_what_is_skipped():
    facts = Facts(measures=[ONE], silences=[a_silence(unit="建设局")])
    assert reminders(facts, [a_rule("nudge")], a_directory(), a_practice(), DAY) == []


def test_a_silence_that_came_after_planning_is_found_just_before_sending():
    (reminder,) = told([], [ONE], rules=[a_rule("nudge")])
    after = recheck(reminder, {}, Facts(silences=[a_silence(unit="建设局")]), MONDAY)
    assert isinstance(after, Reason)
    assert (after.code, after.facts["number"]) == ("silenced", "3")
    over = recheck(reminder, {}, Facts(silences=[a_silence(unit="建设局")]), date(2021, 6, 11))
    assert over == reminder


def test_what_was_silenced_is_not_caught_up_with_afterwards():
    rules, practice, people = [a_rule("deadline", before=[7])], a_practice(), a_directory()
    window = Window(last=at("2021-06-04 18:00"), now=at("2021-06-11 10:00"), known=known_parts(rules, people))
    span = window.span(rules, practice)
    measures = [ONE, a_measure("2021-06-16", id=74)]
    facts = Facts(measures=measures, silences=[a_silence(until="2021-06-08", unit="建设局")])
    got = answer(occasions(facts, rules, people, practice, span), rules, window, practice)
    assert [line.measure.id for r in got.due for line in r.firing.lines] == [74]
    assert [(one.outcome, one.reason.code) for one in got.ended] == [("skipped", "silenced")]


def test_mondays_that_a_silence_covers_do_not_supersede_the_one_before():
    """A silence is no occasion: what downtime ran over before it began is still answered, once it is over."""
    rules, practice, people = [a_rule("nudge", catch_up_days=20)], a_practice(), a_directory()
    window = Window(last=at("2021-06-04 18:00"), now=at("2021-06-16 10:00"), known=known_parts(rules, people))
    silence = a_silence(since="2021-06-14", until="2021-06-15", unit="建设局")
    span = Span(MONDAY - timedelta(days=3), date(2021, 6, 16))
    got = answer(
        occasions(Facts(measures=[ONE], silences=[silence]), rules, people, practice, span), rules, window, practice
    )
    assert [str(r.firing.occasion) for r in got.due] == ["2021-06-07"]


TARGETS = [
    ("没有写对象的都算", {"rule": "nudge"}, True),
    ("别的规则", {"rule": "deadline"}, False),
    ("这个单位", {"unit": "建设局"}, True),
    ("别的单位", {"unit": "财政局"}, False),
    ("这条措施", {"measure_id": 71}, True),
    ("别的措施", {"measure_id": 72}, False),
    ("单位对、规则不对", {"unit": "建设局", "rule": "deadline"}, False),
    ("还没开始", {"unit": "建设局", "since": "2021-06-08"}, False),
    ("最后一天", {"unit": "建设局", "until": "2021-06-07"}, True),
    ("已经过了", {"unit": "建设局", "until": "2021-06-06"}, False),
    ("当天提前结束", {"unit": "建设局", "ended_on": MONDAY}, False),
]


@pytest.mark.parametrize(("targets", "holds"), [case[1:] for case in TARGETS], ids=[case[0] for case in TARGETS])
def test_which_silence_answers_for_a_refusal(targets, holds):
    silence = a_silence(**targets)
    found = silence_of([silence], day=MONDAY, unit="建设局", rule="nudge", measure_id=71)
    assert found == (silence if holds else None)


def test_what_is_passed_over_for_another_reason_keeps_it():
    (reminder,) = told([], [ONE], rules=[a_rule("nudge")])
    resting = replace(reminder, firing=replace(reminder.firing, skipped=Reason("no_working_day")))
    assert hushed(resting, [a_silence(unit="建设局")], MONDAY).firing.skipped == Reason("no_working_day")
