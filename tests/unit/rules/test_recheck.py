"""发出前再看一眼：周报告、回头看、复函、定期事项，哪些还发，哪些撤下。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Change, LookBack, Status
from reminder.domain.owed import DutyDone, SentLetter
from reminder.domain.reminder import Reason, ReminderKind
from reminder.rules.recheck import recheck
from reminder.rules.rule import Facts
from tests.makers import a_measure, a_reminder, at, closed

TODAY = date(2021, 6, 11)
OPEN, DONE = a_measure(), a_measure(**closed("2021-06-09"))
DUE, CHASE = ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE
REPORTED = {("建设局", "2021-W23"): at("2021-06-11 08:00")}

REPORTS = [
    ("还有未完成的，照发", DUE, (OPEN, DONE), {}, None),
    ("都销号了，不必再报", DUE, (DONE,), {}, "cancelled_nothing_open"),
    ("都销号了，催报照发", CHASE, (DONE,), {}, None),
    ("不知为哪些措施而报，照发", DUE, (), {}, None),
    ("已经报了，不再提醒", DUE, (OPEN,), REPORTED, "cancelled_reported"),
    ("已经报了，不再催", CHASE, (OPEN,), REPORTED, "cancelled_reported"),
    ("别的单位报了，照发", DUE, (OPEN,), {("财政局", "2021-W23"): at("2021-06-11")}, None),
    ("报的是上一周，照发", CHASE, (OPEN,), {("建设局", "2021-W22"): at("2021-06-11")}, None),
]


def code(checked):
    return checked.code if isinstance(checked, Reason) else None


@pytest.mark.parametrize(
    ("kind", "owed_for", "reports", "expected"), [c[1:] for c in REPORTS], ids=[c[0] for c in REPORTS]
)
def test_a_report_is_asked_for_while_it_is_owed(kind, owed_for, reports, expected):
    asked = a_reminder(kind, lines=(), owed_for=owed_for, week="2021-W23")
    assert code(recheck(asked, {}, Facts(reports=reports), TODAY)) == expected


LOOKED = (LookBack(date(2021, 6, 10), held=True),)
BACKS = [
    ("还没登记，照发", {}, None),
    ("登记了", {"look_backs": LOOKED}, "cancelled_looked_back"),
    ("登记的是以前那次，照发", {"look_backs": (LookBack(date(2021, 6, 8), held=True),)}, None),
    ("当天登记", {"look_backs": (LookBack(TODAY, held=False),)}, "cancelled_looked_back"),
    ("重新打开了", {"changes": (Change(date(2021, 6, 10), Status.IN_PROGRESS),)}, "cancelled_reopened"),
]


@pytest.mark.parametrize(("changes", "expected"), [c[1:] for c in BACKS], ids=[c[0] for c in BACKS])
def test_a_look_back_is_asked_for_until_its_result_is_there(changes, expected):
    measure = a_measure(**closed("2021-03-10") | changes)
    asked = a_reminder(ReminderKind.LOOK_BACK, measure, about={"due_on": "2021-06-09", "closed_on": "2021-03-10"})
    assert code(recheck(asked, {}, Facts(), TODAY)) == expected


MOVED, TAKEN_BACK = a_measure("2021-06-30"), a_measure("2021-06-30", **closed("2021-06-10"))
HANDED_OVER = a_measure("2021-06-11", units=("财政局",))
SAID = [
    ("延期了", ReminderKind.DUE, MOVED, "cancelled_moved {'deadline': '2021-06-30'}"),
    ("交给了别的单位", ReminderKind.DUE, HANDED_OVER, "cancelled_handed_over {'unit': '建设局'}"),
    ("销号了", ReminderKind.NUDGE, TAKEN_BACK, "cancelled_closed {'status': 'written_off', 'on': '2021-06-10'}"),
    (
        "重新打开了",
        ReminderKind.LOOK_BACK,
        a_measure(changes=(Change(date(2021, 6, 10), Status.IN_PROGRESS),)),
        "cancelled_reopened {'status': 'in_progress'}",
    ),
]


@pytest.mark.parametrize(("kind", "measure", "expected"), [c[1:] for c in SAID], ids=[c[0] for c in SAID])
def test_what_is_taken_back_says_why_in_full(kind, measure, expected):
    asked = a_reminder(kind, measure, about={"due_on": "2021-06-09"})
    reason = recheck(asked, {measure.id: date(2021, 6, 11)}, Facts(), TODAY)
    assert f"{reason.code} {dict(reason.facts)}" == expected


def test_what_is_taken_back_beside_the_measures_says_why_in_full():
    about = {"period": "2021-W23", "min": "1", "letter": "4"}
    facts = Facts(letters=[a_letter(4, TODAY)], duties_done=[done()], reports=REPORTED)
    kinds = (ReminderKind.AWAITING_REPLY, ReminderKind.DUTY, CHASE)
    reasons = [
        recheck(a_reminder(k, lines=(), rule="duty", week="2021-W23", about=about), {}, facts, TODAY) for k in kinds
    ]
    assert [f"{one.code} {dict(one.facts)}" for one in reasons] == [
        "cancelled_replied {'on': '2021-06-11'}",
        "cancelled_done {'period': '2021-W23'}",
        "cancelled_reported {'week': '2021-W23'}",
    ]
    nothing = recheck(a_reminder(DUE, lines=(), owed_for=(DONE,), week="2021-W23"), {}, Facts(), TODAY)
    assert f"{nothing.code} {dict(nothing.facts)}" == "cancelled_nothing_open {'unit': '建设局'}"


def test_a_look_back_whose_measure_is_gone_is_cancelled():
    asked = a_reminder(ReminderKind.LOOK_BACK, lines=(), about={"due_on": "2021-06-09"})
    assert code(recheck(asked, {}, Facts(), TODAY)) == "cancelled_gone"


def a_letter(number, replied_on=None):
    return SentLetter(id=number, addressee="省厅", about="商请", sent_on=date(2021, 5, 20), replied_on=replied_on)


LETTERS = [
    ("还没复函，照发", [a_letter(4), a_letter(5, TODAY)], None),
    ("复函了", [a_letter(4, TODAY)], "cancelled_replied"),
    ("函已不在", [a_letter(5)], "cancelled_letter_gone"),
]


@pytest.mark.parametrize(("letters", "expected"), [c[1:] for c in LETTERS], ids=[c[0] for c in LETTERS])
def test_a_reply_is_asked_for_until_it_is_there(letters, expected):
    asked = a_reminder(ReminderKind.AWAITING_REPLY, lines=(), about={"letter": "4"})
    assert code(recheck(asked, {}, Facts(letters=letters), TODAY)) == expected


def done(**changes):
    return DutyDone(**{"duty": "duty", "unit": "建设局", "period": "2021-W23", "on": TODAY, "count": 1} | changes)


DUTIES = [
    ("没办，照发", [], None),
    ("只办了一次，照发", [done()], None),
    ("办了两次", [done(), done()], "cancelled_done"),
    ("一次登记两件", [done(count=2)], "cancelled_done"),
    ("是别的单位办的，照发", [done(count=2, unit="财政局")], None),
    ("办的是上一期，照发", [done(count=2, period="2021-W22")], None),
    ("办的是别的事，照发", [done(count=2, duty="other")], None),
]


@pytest.mark.parametrize(("records", "expected"), [c[1:] for c in DUTIES], ids=[c[0] for c in DUTIES])
def test_a_duty_is_asked_for_until_its_quota_is_met(records, expected):
    asked = a_reminder(ReminderKind.DUTY, lines=(), rule="duty", about={"period": "2021-W23", "min": "2"})
    assert code(recheck(asked, {}, Facts(duties_done=records), TODAY)) == expected
