"""每一种提醒都说得出理由：按日、顺延、提前、再催。2021年端午节6月12日至14日放假。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.owed import SentLetter
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed

CLIMB = [{"after": 3, "colour": "黄", "to": ["leader"]}]
ASKED = [{"after": 3, "colour": "黄", "to": ["leader"], "unless_answered": "2wd"}]


def measures(deadline, **changes):
    return Facts(measures=[a_measure(deadline)._replace(**changes)])


def letter(sent_on):
    return Facts(letters=[SentLetter(id=1, addressee="省厅", about="商请", sent_on=date.fromisoformat(sent_on))])


def written_off(on):
    return Facts(closed=[a_measure(**closed(on))])


CASES = [
    ("到期前", a_rule("deadline", before=[3]), measures("2021-06-11"), "06-08", "before"),
    ("到期前，提前", a_rule("deadline", before=[3]), measures("2021-06-16"), "06-11", "before_moved"),
    ("到期", a_rule("deadline", before=[0]), measures("2021-06-11"), "06-11", "due"),
    ("到期，提前", a_rule("deadline", before=[0]), measures("2021-06-13"), "06-11", "due_moved"),
    ("逾期", a_rule("overdue", every=3), measures("2021-06-08"), "06-11", "overdue"),
    ("逾期，顺延", a_rule("overdue", every=3), measures("2021-06-10"), "06-15", "overdue_moved"),
    ("升级", a_rule("overdue", every=90, escalate=CLIMB), measures("2021-06-08"), "06-11", "escalation"),
    ("升级，顺延", a_rule("overdue", every=90, escalate=CLIMB), measures("2021-06-10"), "06-15", "escalation_moved"),
    (
        "升级，答复过，推后",
        a_rule("overdue", every=90, escalate=ASKED),
        measures("2021-06-07", answers=(date(2021, 6, 9),)),
        "06-11",
        "escalation_answered",
    ),
    (
        "领导汇总",
        a_rule("overdue", every=90, escalate=CLIMB, leaders_on="friday"),
        measures("2021-06-01"),
        "06-11",
        "digest",
    ),
    (
        "领导汇总，顺延",
        a_rule("overdue", every=90, escalate=CLIMB, leaders_on="monday"),
        measures("2021-06-01"),
        "06-15",
        "digest_moved",
    ),
    ("催办", a_rule("nudge", on="tuesday"), measures("2021-12-31"), "06-08", "nudge"),
    ("催办，顺延", a_rule("nudge", on="monday"), measures("2021-12-31"), "06-15", "nudge_moved"),
    ("周报告", a_rule("report", remind=["thursday 09:00"]), measures("2021-12-31"), "06-10", "report_due"),
    (
        "周报告，提前",
        a_rule("report", due="sunday 17:00", remind=[]),
        measures("2021-12-31"),
        "06-11",
        "report_due_moved",
    ),
    ("催报", a_rule("report", chase="tuesday 09:00"), measures("2021-12-31"), "06-08", "report_chase"),
    ("催报，顺延", a_rule("report", chase="monday 09:00"), measures("2021-12-31"), "06-15", "report_chase_moved"),
    ("回头看", a_rule("look_back", after=[10]), written_off("2021-06-01"), "06-11", "look_back"),
    ("回头看，顺延", a_rule("look_back", after=[10]), written_off("2021-06-02"), "06-15", "look_back_moved"),
    ("再回头看", a_rule("look_back", after=[5], chase=4), written_off("2021-06-01"), "06-10", "look_back_again"),
    (
        "复函",
        a_rule("awaiting_reply", within=10, before=[1], chase=None),
        letter("2021-06-02"),
        "06-11",
        "awaiting_reply",
    ),
    (
        "复函，提前",
        a_rule("awaiting_reply", within=10, before=[0], chase=None),
        letter("2021-06-03"),
        "06-11",
        "awaiting_reply_moved",
    ),
    (
        "催复",
        a_rule("awaiting_reply", within=5, before=[], chase=4),
        letter("2021-06-02"),
        "06-11",
        "awaiting_reply_late",
    ),
    (
        "催复，顺延",
        a_rule("awaiting_reply", within=7, before=[], chase=4),
        letter("2021-06-02"),
        "06-15",
        "awaiting_reply_late_moved",
    ),
    ("定期事项", a_rule("duty", due={"week": "friday"}, remind=[0], chase=None), Facts(), "06-11", "duty"),
    ("定期事项，提前", a_rule("duty", due={"week": "sunday"}, remind=[1], chase=None), Facts(), "06-10", "duty"),
    ("催定期事项", a_rule("duty", due={"week": "wednesday"}, remind=[], chase=1), Facts(), "06-10", "duty_late"),
    (
        "催定期事项，顺延",
        a_rule("duty", due={"week": "thursday"}, remind=[], chase=4),
        Facts(),
        "06-15",
        "duty_late_moved",
    ),
]


@pytest.mark.parametrize(("rule", "facts", "day", "code"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_reminder_says_why(rule, facts, day, code):
    on = date.fromisoformat(f"2021-{day}")
    found = [firing for firing in rule.firings(facts, Span(on, on), a_practice()) if firing.reason.code == code]
    assert [str(firing.at.date()) for firing in found] == [str(on)]
    moved = code.endswith("_moved") and code != "escalation_moved"
    assert not moved or found[0].occasion != on
