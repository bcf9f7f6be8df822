"""发函催复：复函日之前提醒，过了复函日一再催，复了就停。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.domain.owed import SentLetter
from reminder.plan import reminders
from reminder.rules.rule import Facts, Span
from tests.makers import a_directory, a_practice, a_rule


def a_letter(sent_on="2021-05-06", addressee="市财政局", **days):
    dates = {name: date.fromisoformat(day) for name, day in {"sent_on": sent_on, **days}.items()}
    return SentLetter(id=7, addressee=addressee, about="商请拨付资金", **dates)


def asked(rule, letter, first="2021-04-01", last="2021-07-15"):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    return [str(firing.at.date()) for firing in rule.firings(Facts(letters=[letter]), span, a_practice())]


# 2021-05-06 发函，15 个工作日是 05-26；05-23 是星期日，提前到 05-21
TABLE = [
    (
        "没写复函日，按15个工作日",
        {},
        {"replied_on": "2021-06-16"},
        ["2021-05-21", "2021-06-02", "2021-06-09"],
    ),
    ("当天复函，当天就不催", {}, {"replied_on": "2021-06-09"}, ["2021-05-21", "2021-06-02"]),
    ("函里写了复函日", {}, {"reply_by": "2021-05-20", "replied_on": "2021-05-28"}, ["2021-05-17", "2021-05-27"]),
    ("复函日前已复", {}, {"replied_on": "2021-05-12"}, []),
    ("发函当天不提醒", {}, {"reply_by": "2021-05-09", "replied_on": "2021-05-10"}, []),
    (
        "复函日和之前都提醒",
        {"before": [3, 1, 0], "chase": None},
        {"reply_by": "2021-05-20"},
        ["2021-05-17", "2021-05-19", "2021-05-20"],
    ),
    (
        "复函日逢周末：之前的提前，之后的顺延",
        {"before": [0], "chase": 7},
        {"reply_by": "2021-05-22", "replied_on": "2021-06-01"},
        ["2021-05-21", "2021-05-31"],
    ),
]


@pytest.mark.parametrize(("keys", "days", "expected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_when_a_reply_is_asked_for(keys, days, expected):
    assert asked(a_rule("awaiting_reply", **keys), a_letter(**days)) == expected


def test_it_is_asked_for_again_and_again():
    days = asked(a_rule("awaiting_reply"), a_letter(), last="2022-05-31")
    assert len(days) > 45
    assert days[-1] > "2022-05-20"


def test_a_letter_is_its_own_subject_and_speaks_of_no_measure():
    (firing,) = a_rule("awaiting_reply").firings(
        Facts(letters=[a_letter()]), Span(date(2021, 6, 2), date(2021, 6, 2)), a_practice()
    )
    assert (firing.subject, firing.unit, firing.lines) == ("letter:7", "市财政局", ())
    assert firing.about == {"letter": "7", "title": "商请拨付资金", "sent_on": "2021-05-06", "due_on": "2021-05-26"}
    assert firing.reason.code == "awaiting_reply_late"


RECIPIENTS = [
    (["office"], "市财政局", [("office", "")]),
    (["addressee"], "财政局", [("财政局", "")]),
    (["addressee"], "市财政局", [("office", "市财政局")]),
    (["office", "addressee"], "财政局", [("office", ""), ("财政局", "")]),
]


@pytest.mark.parametrize(("to", "addressee", "expected"), RECIPIENTS)
def test_to_whom_it_goes(to, addressee, expected):
    rule, span = a_rule("awaiting_reply", to=to), Span(date(2021, 6, 2), date(2021, 6, 2))
    planned = reminders(Facts(letters=[a_letter(addressee=addressee)]), [rule], a_directory(), a_practice(), span)
    assert [(one.recipient, one.instead_of) for one in planned] == expected


def test_only_a_rule_about_letters_knows_an_addressee():
    with pytest.raises(ValidationError):
        a_rule("look_back", to=["addressee"])
