"""`reminder status`: well, or what a person has to see to."""

import pytest
import time_machine

from tests.makers import at


@pytest.fixture
def working(desk):
    """A desk on which one message has gone."""
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-07 09:00")
    return desk


def status(desk, now):
    with time_machine.travel(at(now), tick=False):
        said = desk("status", "--json")
    return said.code, said.lines[0]


def test_well(working):
    code, told = status(working, "2021-06-07 09:10")
    assert (code, told["healthy"], told["problems"]) == (0, True, [])
    assert told["outbox"]["sent"] == 1
    assert told["outbox"]["failed"] == 0
    assert told["measures"]["in_progress"] == 1
    assert told["last_cycle_at"] == "2021-06-07T09:00:00+08:00"
    assert told["lag_s"] == 0
    assert told["calendar"] == {"covered_to": 2026}


def test_what_goes_next_is_told(working):
    code, told = status(working, "2021-06-09 12:00")
    assert code == 0
    assert told["next"][0] == {"at": "2021-06-10T09:00:00+08:00", "rule": "approaching", "recipient": "建设局"}
    assert len(told["next"]) == 5


def test_what_has_gone_today_is_not_told_as_coming(working):
    assert status(working, "2021-06-10 09:01")[1]["next"][0]["at"].startswith("2021-06-15")


def test_before_the_first_cycle_nothing_is_wrong(desk):
    desk.measure("73", "2021-06-10")
    code, told = status(desk, "2021-06-07 12:00")
    assert (code, told["last_cycle_at"]) == (0, None)


def test_a_dead_letter(working):
    working.change(1, state="failed")
    code, told = status(working, "2021-06-07 09:10")
    assert (code, told["healthy"]) == (1, False)
    assert "outbox --state failed" in told["problems"][0]


def test_a_message_that_waits_while_no_cycle_runs(working):
    working.change(1, state="retrying", next_attempt_at=at("2021-06-07 09:30"))
    assert status(working, "2021-06-07 09:34")[0] == 0
    code, told = status(working, "2021-06-07 09:40")
    assert (code, told["lag_s"]) == (1, 600)
    assert "09:30" in told["problems"][0]


def test_a_reminder_that_no_cycle_has_asked_for(working):
    assert status(working, "2021-06-10 08:59")[0] == 0
    code, told = status(working, "2021-06-10 10:00")
    assert (code, told["lag_s"]) == (1, 3600)


def test_the_next_year_is_missed_from_november_on(desk):
    assert status(desk, "2026-10-31")[0] == 0
    code, told = status(desk, "2026-11-01")
    assert code == 1
    assert "2027" in told["problems"][0]


def test_for_people(working):
    with time_machine.travel(at("2021-06-07 09:10"), tick=False):
        said = working("status")
    assert said.out.startswith("正常")
    assert "推进中" in said.out
