"""A step of escalation whose day comes while a unit's claim stands: it is not made good, and the office is told."""

from datetime import date, timedelta

import pytest
import time_machine

from tests.makers import at

STEPS = """escalate = [
  { after = 4, colour = "yellow", to = ["leader"] },
  { after = 11, colour = "red", to = ["office"] },
]
"""


def chain(desk, more=""):
    desk.write("rules.toml", f'[[rule]]\nname = "overdue"\nkind = "overdue"\nevery = 3\n{STEPS}{more}')
    desk.measure("73", "2021-06-04")  # a Friday; the step falls on Tuesday, the 8th


def act(desk, on, name, *words):
    with time_machine.travel(at(on), tick=False):
        return desk("measure", name, "73", "--by", "王某", "--because", "材料不全", *words)


def live(desk, first, last):
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        desk.cycle(f"{day} 09:00")
        day += timedelta(days=1)


def sent_to(desk):
    return [line["recipient"] for line in desk("outbox", "--json").lines]


def claimed_over_the_step(desk, *words):
    live(desk, "2021-06-04", "2021-06-06")
    act(desk, "2021-06-07 08:00", "claim")
    live(desk, "2021-06-07", "2021-06-09")
    return act(desk, "2021-06-09 10:00", "return", *words)


def test_a_step_passed_during_a_claim_goes_to_nobody_later_and_return_says_so(desk):
    chain(desk)
    said = claimed_over_the_step(desk)
    live(desk, "2021-06-10", "2021-06-14")
    assert "分管领导" not in sent_to(desk)
    assert said.code == 0
    assert "建设局的升级督办“黄色”（规则“overdue”）应在2021-06-08发" in said.out
    assert "不补发；分管领导没有收到过" in said.out


def test_the_same_as_facts(desk):
    chain(desk)
    (facts,) = claimed_over_the_step(desk, "--json").lines
    step = {"rule": "overdue", "unit": "建设局", "step": "yellow", "on": "2021-06-08", "to": ["分管领导"]}
    expected = {"code": "73", "acts": ["return"], "on": "2021-06-09", "passed_steps": [{**step, "in_digest": False}]}
    assert facts == expected


def test_in_english(desk):
    chain(desk)
    desk.write("reminder.toml", desk.read("reminder.toml") + 'locale = "en"\n')
    said = claimed_over_the_step(desk)
    assert "“yellow” of escalation for 建设局 (rule “overdue”) fell on 2021-06-08" in said.out
    assert "分管领导 never heard of it" in said.out


def test_with_a_digest_for_leaders_it_says_that_they_read_of_it_there(desk):
    chain(desk, 'leaders_on = "monday"\n')
    assert "分管领导将在这条规则的领导汇总里看到" in claimed_over_the_step(desk).out
    live(desk, "2021-06-10", "2021-06-15")  # that Monday is the Dragon Boat Festival
    assert "分管领导" in sent_to(desk)


def test_on_the_day_of_the_return_a_step_whose_hour_is_past_is_one_of_them(desk):
    """A cycle after the return does not look back to nine o'clock: a change is no downtime."""
    chain(desk)
    live(desk, "2021-06-04", "2021-06-06")
    act(desk, "2021-06-07 08:00", "claim")
    live(desk, "2021-06-07", "2021-06-08")
    assert "没有收到过" in act(desk, "2021-06-08 10:00", "return").out
    desk.cycle("2021-06-08 10:05")
    live(desk, "2021-06-09", "2021-06-10")
    assert "分管领导" not in sent_to(desk)


def test_before_its_hour_the_step_of_that_day_goes_and_nothing_is_said(desk):
    chain(desk)
    live(desk, "2021-06-04", "2021-06-06")
    act(desk, "2021-06-07 08:00", "claim")
    live(desk, "2021-06-07", "2021-06-07")
    assert "没有收到过" not in act(desk, "2021-06-08 08:30", "return").out
    live(desk, "2021-06-08", "2021-06-08")
    assert "分管领导" in sent_to(desk)


@pytest.mark.parametrize("away", ["suspend", "decline"])
def test_a_suspension_or_a_refusal_that_ends_says_the_same(desk, away):
    chain(desk)
    live(desk, "2021-06-04", "2021-06-06")
    act(desk, "2021-06-07 08:00", away, *(["--review", "2021-07-01"] if away == "suspend" else []))
    live(desk, "2021-06-07", "2021-06-09")
    assert "没有收到过" in act(desk, "2021-06-09 10:00", "resume" if away == "suspend" else "reopen").out


def test_nothing_passed_nothing_said(desk):
    chain(desk)
    live(desk, "2021-06-04", "2021-06-08")
    act(desk, "2021-06-09 08:00", "claim")
    assert "没有收到过" not in act(desk, "2021-06-09 10:00", "return").out
    assert sent_to(desk).count("分管领导") == 1


def answer(desk, on):
    (line,) = desk("explain", "73", "--rule", "overdue", "--on", on, "--json").lines
    return line["reason_code"], line["reason"]


def test_explain_tells_it_on_that_day_and_afterwards(desk):
    chain(desk)
    claimed_over_the_step(desk)
    code, told = answer(desk, "2021-06-08")
    assert code == "closed_step"
    assert "待销号" in told
    assert "分管领导没有收到过" in told
    code, told = answer(desk, "2021-06-09")
    assert code == "passed_step"
    assert "升级督办（黄色）的日子2021年6月8日（星期二）在不催办期间已过，不补发" in told
    assert answer(desk, "2021-06-05")[0] == "not_yet"


def test_explain_keeps_still_once_a_later_step_has_told_the_same_post(desk):
    chain(desk)
    desk.write("rules.toml", desk.read("rules.toml").replace('to = ["office"]', 'to = ["leader", "office"]'))
    claimed_over_the_step(desk)
    assert answer(desk, "2021-06-14")[0] == "passed_step"
    assert answer(desk, "2021-06-17")[0] == "not_yet"
