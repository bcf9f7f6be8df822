"""What leans on a year without a calendar says so, also where the guess moves it back into a known year."""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.owed import SentLetter
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed

LETTERS = Facts(letters=[SentLetter(id=1, addressee="省厅", about="商请", sent_on=date(2026, 12, 18))])
WRITTEN_OFF = a_measure("2026-06-30", **closed("2026-10-03"))

CASES = [  # 2027-01-01 is known to be a holiday, 2027 is not known otherwise
    ("逾期第7天是元旦，提前", a_rule("overdue", every=7), Facts(measures=[a_measure("2026-12-25")]), "2026-12-31"),
    (
        "逾期第6天是年底，第7天是元旦，合为一次",
        a_rule("overdue", every=[6, 7]),
        Facts(measures=[a_measure("2026-12-25")]),
        "2026-12-31",
    ),
    (
        "升级那天是元旦，提前",
        a_rule("overdue", every=3650, escalate=[{"after": 7, "colour": "红", "to": ["office"]}]),
        Facts(measures=[a_measure("2026-12-25")]),
        "2026-12-31",
    ),
    ("回头看那天是元旦，提前", a_rule("look_back", after=[90]), Facts(closed=[WRITTEN_OFF]), "2026-12-31"),
    ("复函期限算到1月", a_rule("awaiting_reply", within="12wd", before=[7], chase=None), LETTERS, "2026-12-30"),
    ("时限在1月", a_rule("deadline", before=[14]), Facts(measures=[a_measure("2027-01-08")]), "2026-12-25"),
]


@pytest.mark.parametrize(("rule", "facts", "day"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_guess_is_marked(rule, facts, day):
    span = Span(date(2026, 12, 21), date(2026, 12, 31))
    found = [(str(one.at.date()), one.provisional) for one in rule.firings(facts, span, a_practice())]
    assert found == [(day, True)]


GUESSED = [  # what would go on the next working day goes on the one before: 2027-01-01 and the weekends are rest days
    ("逾期", a_rule("overdue", every=7), Facts(measures=[a_measure("2026-12-25")]), "overdue_early"),
    (
        "升级",
        a_rule("overdue", every=3650, escalate=[{"after": 7, "colour": "红", "to": ["office"]}]),
        Facts(measures=[a_measure("2026-12-25")]),
        "escalation_early",
    ),
    ("每周催办", a_rule("nudge", on="friday"), Facts(measures=[a_measure("2027-06-30")]), "nudge_early"),
    (
        "领导汇总",
        a_rule("overdue", every=3650, escalate=[{"after": 1, "colour": "红", "to": ["office"]}], leaders_on="friday"),
        Facts(measures=[a_measure("2026-12-18")]),
        "digest_early",
    ),
    (
        "序时进度",
        a_rule("pace", on="friday", behind=None, stale="5wd"),
        Facts(measures=[a_measure("2027-06-30", dated_on=date(2026, 12, 1))]),
        "pace_stale_early",
    ),
    (
        "催报",
        a_rule("report", due="monday 17:00", chase="friday 09:00"),
        Facts(measures=[a_measure("2027-06-30")]),
        "report_chase_early",
    ),
    ("回头看", a_rule("look_back", after=[90]), Facts(closed=[WRITTEN_OFF]), "look_back_early"),
    ("催复", a_rule("awaiting_reply", within=12, chase=2), LETTERS, "awaiting_reply_late_early"),
    (
        "催办定期事项",
        a_rule("duty", owed_by=["建设局"], due={"week": "wednesday"}, remind=[], chase=2),
        Facts(),
        "duty_late_early",
    ),
]


@pytest.mark.parametrize(("rule", "facts", "code"), [case[1:] for case in GUESSED], ids=[case[0] for case in GUESSED])
def test_a_guess_that_is_early_does_not_say_that_it_is_later(rule, facts, code):
    span = Span(date(2026, 12, 31), date(2026, 12, 31))
    assert [one.reason.code for one in rule.firings(facts, span, a_practice()) if one.occasion.year == 2027] == [code]


def test_what_stays_in_known_years_is_certain():
    facts = Facts(measures=[a_measure("2026-12-18")])
    span = Span(date(2026, 12, 21), date(2026, 12, 30))
    found = [one.provisional for one in a_rule("overdue", every=7).firings(facts, span, a_practice())]
    assert found == [False]
