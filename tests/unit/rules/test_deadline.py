"""到期前和到期当天：每一行是一种情况，用办公室自己的话。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Deadline, DeadlineKind, Status
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed

EVER = Span(date(2020, 1, 1), date(2028, 12, 31))

CASES = [
    ("平常的一周", "2021-06-23", {"before": [7, 1, 0]}, {"06-16": [7], "06-22": [1], "06-23": [0]}),
    ("前14天逢劳动节，移到节前", "2021-05-15", {"before": [14]}, {"04-30": [14]}),
    ("前7天是调休上班的星期六，当天发", "2021-05-15", {"before": [7]}, {"05-08": [7]}),
    ("前3天和前1天都落在周末前，合成一次", "2021-05-31", {"before": [3, 1]}, {"05-28": [1, 3]}),
    ("两个时点均逢端午前移，合成一次", "2021-06-15", {"before": [3, 1]}, {"06-11": [1, 3]}),
    ("到期日是星期日，前一个工作日当作到期提醒", "2021-06-20", {"before": [0]}, {"06-18": [0]}),
    ("到期提醒与前一天合并时算到期", "2021-06-20", {"before": [1, 0]}, {"06-18": [0, 1]}),
    ("工作日倒数，跳过周末", "2021-06-23", {"before": ["5wd"]}, {"06-16": [5]}),
    ("工作日倒数，跳过国庆、算上调休", "2021-10-11", {"before": ["2wd"]}, {"10-08": [2]}),
]


@pytest.mark.parametrize(
    ("deadline", "keys", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_days_on_which_a_measure_is_counted_down(deadline, keys, expected):
    rule = a_rule("deadline", **keys)
    firings = list(rule.firings(Facts(measures=[a_measure(deadline)]), EVER, a_practice()))
    got = {f"{firing.at:%m-%d}": list(firing.lines[0].days) for firing in firings}
    assert got == expected
    assert all((firing.kind == "due") == (0 in firing.lines[0].days) for firing in firings)


def test_the_occasion_is_the_earliest_nominal_day():
    (firing,) = a_rule("deadline", before=[3, 1]).firings(Facts(measures=[a_measure("2021-05-31")]), EVER, a_practice())
    assert (firing.occasion, firing.at.isoformat()) == (date(2021, 5, 28), "2021-05-28T09:00:00+08:00")
    (moved,) = a_rule("deadline", before=[14]).firings(Facts(measures=[a_measure("2021-05-15")]), EVER, a_practice())
    assert (moved.occasion, moved.at.date()) == (date(2021, 5, 1), date(2021, 4, 30))


NEVER = [
    ("长期坚持没有日期", a_measure(None)),
    ("立行立改而没有规定期限", a_measure(Deadline(DeadlineKind.IMMEDIATE, text="立行立改"))),
    ("日期待确认", a_measure(Deadline(DeadlineKind.DATE, date(2022, 6, 30), text="6月底", confirmed=False))),
    ("已销号", a_measure("2021-06-23", **closed("2021-06-01"))),
    ("暂缓", a_measure("2021-06-23", **closed("2021-06-01", Status.SUSPENDED))),
    ("不予采纳", a_measure("2021-06-23", **closed("2021-06-01", Status.DECLINED))),
    ("没有责任单位", a_measure("2021-06-23", units=())),
]


@pytest.mark.parametrize("measure", [case[1] for case in NEVER], ids=[case[0] for case in NEVER])
def test_who_is_never_counted_down(measure):
    assert not list(a_rule("deadline").firings(Facts(measures=[measure]), EVER, a_practice()))


def test_a_measure_closed_on_the_day_itself_is_left_alone():
    written_off = a_measure("2021-06-23", **closed("2021-06-16"))
    still_open = a_measure("2021-06-23", **closed("2021-06-17"))
    firings = a_rule("deadline", before=[7]).firings(Facts(measures=[written_off, still_open]), EVER, a_practice())
    assert [firing.lines[0].measure for firing in firings] == [still_open]


def test_immediate_with_a_computed_limit_is_counted_down():
    limit = Deadline(DeadlineKind.IMMEDIATE, date(2021, 4, 22), text="立行立改", computed=True)
    firings = list(a_rule("deadline", before=[0]).firings(Facts(measures=[a_measure(limit)]), EVER, a_practice()))
    assert [str(firing.at.date()) for firing in firings] == ["2021-04-22"]


def test_nothing_goes_before_the_office_started():
    practice = a_practice(started_on=date(2021, 4, 8))
    firings = a_rule("deadline", before=[7, 3]).firings(Facts(measures=[a_measure("2021-04-11")]), EVER, practice)
    assert [firing.lines[0].days for firing in firings] == [(3,)]


def test_every_responsible_unit_gets_its_own():
    measure = a_measure("2021-06-23", units=("建设局", "财政局"), supporting_units=("国有公司",))
    firings = a_rule("deadline", before=[0]).firings(Facts(measures=[measure]), EVER, a_practice())
    assert [firing.unit for firing in firings] == ["建设局", "财政局"]


def test_an_outside_unit_is_reminded_only_where_the_rule_names_it():
    measure = a_measure("2021-06-23", units=("市代建局",))
    facts = Facts(measures=[measure], outside=frozenset({"市代建局"}))
    assert not list(a_rule("deadline").firings(facts, EVER, a_practice()))
    named = a_rule("deadline", before=[0], match={"unit": ["市代建局"]})
    assert [firing.unit for firing in named.firings(facts, EVER, a_practice())] == ["市代建局"]


@pytest.mark.parametrize("days", [range(1, 4), range(20, 40), range(0, 120, 7)])
def test_a_span_answers_what_the_whole_answers_for_its_days(days):
    """Asking day by day and asking for the whole year give the same firings, so the daemon and `plan` agree."""
    rule, practice = a_rule("deadline", before=[14, 7, "3wd", 1, 0]), a_practice()
    facts = Facts(measures=[a_measure(str(date.fromordinal(date(2021, 9, 1).toordinal() + n))) for n in days])
    whole = {(f.at, f.subject) for f in rule.firings(facts, Span(date(2021, 8, 1), date(2022, 2, 1)), practice)}
    singly = set()
    for n in range(185):
        day = date.fromordinal(date(2021, 8, 1).toordinal() + n)
        asked = list(rule.asks(Span(day, day), practice))
        seen = [
            measure
            for measure in facts.measures
            if any(ask.deadline_from <= measure.deadline.on <= ask.deadline_to for ask in asked)
        ]
        singly |= {(f.at, f.subject) for f in rule.firings(Facts(measures=seen), Span(day, day), practice)}
    assert singly == whole


REASONS = [
    ("还没到", a_measure("2021-06-30"), "not_yet {'next': '2021-06-16'}"),
    ("已过期", a_measure("2021-05-06"), "deadline_past {'deadline': '2021-05-06'}"),
    ("时限就在今天", a_measure("2021-05-07"), "countdown_over {'deadline': '2021-05-07', 'last': '2021-05-07'}"),
    (
        "时限在周日，最后一次已在今天",
        a_measure("2021-05-09"),
        "not_yet {'next': '2021-05-08'}",
    ),
    ("没有日期", a_measure(None), "not_counted_down {'deadline': '长期坚持'}"),
    (
        "已销号",
        a_measure("2021-06-30", **closed("2021-05-01")),
        "closed {'status': 'written_off', 'on': '2021-05-01'}",
    ),
    ("规则不管这条", a_measure("2021-06-30", aspect="其他方面"), "not_matched {'rule': 'deadline'}"),
    (
        "规则不管，也早已销号",
        a_measure("2021-06-30", aspect="其他方面", **closed("2021-05-01")),
        "not_matched {'rule': 'deadline'}",
    ),
]


@pytest.mark.parametrize(("measure", "expected"), [case[1:] for case in REASONS], ids=[case[0] for case in REASONS])
def test_the_no_has_its_reason(measure, expected):
    rule = a_rule("deadline", **{"except": {"aspect": ["其他方面"]}})
    reason = rule.why_not(measure, "建设局", date(2021, 5, 7), a_practice())
    assert f"{reason.code} {dict(reason.facts)}" == expected


def test_in_a_long_holiday_before_the_deadline_the_countdown_is_over_and_the_deadline_is_not_said_to_have_passed():
    reason = a_rule("deadline").why_not(a_measure("2021-05-03"), "建设局", date(2021, 5, 1), a_practice())
    assert (reason.code, dict(reason.facts)) == ("countdown_over", {"deadline": "2021-05-03", "last": "2021-04-30"})
