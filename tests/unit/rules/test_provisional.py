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


def test_what_stays_in_known_years_is_certain():
    facts = Facts(measures=[a_measure("2026-12-18")])
    span = Span(date(2026, 12, 21), date(2026, 12, 30))
    found = [one.provisional for one in a_rule("overdue", every=7).firings(facts, span, a_practice())]
    assert found == [False]
