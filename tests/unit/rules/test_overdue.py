"""逾期：到期日是最后一个好日子，从第 every 天起催。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed

CASES = [
    (
        "每3天，逢假顺延并合并",
        "2021-04-30",
        3,
        "2021-05-01",
        "2021-05-14",
        {"05-06": [3, 6], "05-10": [9], "05-12": [12]},
    ),
    ("每2个工作日", "2021-06-11", "2wd", "2021-06-12", "2021-06-22", {"06-16": [2], "06-18": [4], "06-22": [6]}),
    (
        "第1、3、7、14天，之后每7天",
        "2021-06-01",
        [1, 3, 7, 14],
        "2021-06-01",
        "2021-06-30",
        {"06-02": [1], "06-04": [3], "06-08": [7], "06-15": [14], "06-22": [21], "06-29": [28]},
    ),
    ("到期当天不算逾期", "2021-06-01", 1, "2021-06-01", "2021-06-01", {}),
    (
        "逾期很久仍按原来的节奏",
        "2021-01-04",
        3,
        "2021-09-01",
        "2021-09-08",
        {"09-01": [240], "09-06": [243], "09-07": [246]},
    ),
]


@pytest.mark.parametrize(
    ("deadline", "every", "first", "last", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_days_on_which_an_overdue_measure_is_chased(deadline, every, first, last, expected):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    firings = a_rule("overdue", every=every).firings(Facts(measures=[a_measure(deadline)]), span, a_practice())
    assert {f"{firing.at:%m-%d}": list(firing.lines[0].days) for firing in firings} == expected


def test_the_occasion_of_two_collapsed_days_is_the_earlier_nominal_one():
    span = Span(date(2021, 5, 1), date(2021, 5, 7))
    (firing,) = a_rule("overdue").firings(Facts(measures=[a_measure("2021-04-30")]), span, a_practice())
    assert (str(firing.occasion), firing.at.isoformat()) == ("2021-05-03", "2021-05-06T09:00:00+08:00")


def test_chasing_ends_with_the_write_off():
    span = Span(date(2021, 6, 1), date(2021, 6, 30))
    measure = a_measure("2021-06-01", **closed("2021-06-08"))
    days = [f"{f.at:%m-%d}" for f in a_rule("overdue").firings(Facts(measures=[measure]), span, a_practice())]
    assert days == ["06-04", "06-07"]


def test_a_day_asks_the_same_as_the_whole():
    rule, practice = a_rule("overdue", every=[1, 4, 9]), a_practice()
    measures = [a_measure(f"2021-09-{day:02d}") for day in range(1, 29)]
    whole = {
        (f.at, f.subject)
        for f in rule.firings(Facts(measures=measures), Span(date(2021, 9, 1), date(2021, 11, 30)), practice)
    }
    singly = set()
    for n in range(91):
        day = date.fromordinal(date(2021, 9, 1).toordinal() + n)
        singly |= {(f.at, f.subject) for f in rule.firings(Facts(measures=measures), Span(day, day), practice)}
    assert singly == whole


@pytest.mark.parametrize("every", [0, [3, 3], [7, 3], [], [1, "2wd"]])
def test_every_must_rise(every):
    with pytest.raises(ValidationError):
        a_rule("overdue", every=every)


def test_the_no_has_its_reason():
    rule, practice = a_rule("overdue"), a_practice()
    assert rule.why_not(a_measure("2021-06-30"), "建设局", date(2021, 6, 30), practice).code == "not_overdue"
    reason = rule.why_not(a_measure("2021-06-01"), "建设局", date(2021, 6, 2), practice)
    assert (reason.code, reason.facts["next"]) == ("not_yet", "2021-06-04")


NEXT = [  # 06-04 是星期五；从 06-01（星期二）起
    ("就在提醒的那天，说的是下一次", {"every": 3}, "06-04", "not_yet", "2021-06-07"),
    ("升级与催办同一天，先说升级", {"every": 7, "escalate": [(7, "黄")]}, "06-03", "not_yet_step", "2021-06-08"),
    ("升级在下一次催办之前", {"every": 14, "escalate": [(7, "黄")]}, "06-03", "not_yet_step", "2021-06-08"),
    ("升级在下一次催办之后", {"every": 7, "escalate": [(10, "黄")]}, "06-03", "not_yet", "2021-06-08"),
    ("升级已经过了", {"every": 7, "escalate": [(1, "黄")]}, "06-03", "not_yet", "2021-06-08"),
]


@pytest.mark.parametrize(("keys", "on", "code", "coming"), [c[1:] for c in NEXT], ids=[c[0] for c in NEXT])
def test_the_no_says_what_comes_next(keys, on, code, coming):
    steps = [{"after": after, "colour": colour, "to": ["leader"]} for after, colour in keys.get("escalate", [])]
    rule = a_rule("overdue", every=keys["every"], escalate=steps)
    reason = rule.why_not(a_measure("2021-06-01"), "建设局", date.fromisoformat(f"2021-{on}"), a_practice())
    assert (reason.code, reason.facts["next"]) == (code, coming)
