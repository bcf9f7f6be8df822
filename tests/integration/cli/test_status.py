"""`reminder status`: well, or what a person has to see to."""

from collections import namedtuple
from datetime import timedelta

import pytest
import time_machine

from reminder import health
from reminder.cli.status import span_told
from reminder.cycle import enqueue
from reminder.domain.destination import Standing
from reminder.store.daemons import Daemon, sign_on
from reminder.store.destinations import stands
from reminder.store.engine import writing
from reminder.store.marker import marker_of
from tests.makers import at

Usage = namedtuple("Usage", "total used free")


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


@pytest.fixture
def waiting(desk):
    """A desk on which one message waits for the morning."""
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-07 19:00")
    return desk


def problems(desk, now):
    code, told = status(desk, now)
    assert code == (1 if told["problems"] else 0)
    return told["problems"]


def test_what_a_guard_holds(waiting):
    marker_of(waiting.app().engine, waiting.folder).write(at("2021-06-09"))
    waiting.cycle("2021-06-08 09:00")
    (problem,) = problems(waiting, "2021-06-08 09:01")
    assert "1 封在等" in problem
    assert "outbox release" in problem
    assert waiting("outbox", "release", "--newer-than", "2021-06-08").code == 0
    (problem,) = problems(waiting, "2021-06-08 09:02")
    assert "较早的被扣住" in problem
    waiting("outbox", "release")
    assert problems(waiting, "2021-06-08 09:03") == []


def test_a_lag_although_cycles_run(waiting):
    waiting.change(1, state="retrying", attempts=1, next_attempt_at=at("2021-06-08 09:00"))
    app = waiting.app()
    enqueue(app.service(), at("2021-06-08 09:14"))
    assert problems(waiting, "2021-06-08 09:14") == []
    enqueue(app.service(), at("2021-06-08 09:16"))
    assert "2021-06-08T09:00" in problems(waiting, "2021-06-08 09:16")[0]


def test_a_message_whose_worker_died_and_that_nobody_takes_over(waiting):
    waiting.change(1, state="sending", lease_until=at("2021-06-07 19:05"), next_attempt_at=at("2021-06-08 08:30"))
    assert problems(waiting, "2021-06-07 19:05") == []
    assert "1 封正在发送的没有下文" in problems(waiting, "2021-06-07 19:07")[0]


def test_a_destination_that_rests_but_not_one_that_asked_to_wait(waiting):
    app = waiting.app()
    with writing(app.engine) as session:
        stands(session, "smtp.example.org", Standing(5, at("2021-06-07 20:00"), None, "454 login refused"))
        stands(session, "robot", Standing(0, at("2021-06-07 20:00"), None, "429"))
    (problem,) = problems(waiting, "2021-06-07 19:01")
    assert "smtp.example.org: 454 login refused" in problem
    assert "robot" not in problem
    assert problems(waiting, "2021-06-07 20:01") == []


def test_a_backlog_a_full_disk_and_a_clock_that_was_wrong(waiting, monkeypatch):
    monkeypatch.setattr(health, "BACKLOG", 0)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 5 * 2**20))
    told = problems(waiting, "2021-06-08 08:31")
    assert "积压 1 封" in told[0]
    assert "磁盘只剩 5 MB" in told[-1]
    assert "2021-06-07T19:00" in problems(waiting, "2021-06-07 18:00")[0]


def test_a_daemon_that_stands_by(waiting):
    app = waiting.app()
    with writing(app.engine) as session:
        for minute, configuration in enumerate("xy"):
            me = Daemon(configuration, at(f"2021-06-07 19:0{minute}"), id=configuration, host=f"host-{configuration}")
            sign_on(session, me, at("2021-06-07 19:01"))
    (problem,) = problems(waiting, "2021-06-07 19:01")
    assert "host-y" in problem
    assert "host-x" not in problem
    assert problems(waiting, "2021-06-07 19:04") == []


@pytest.mark.parametrize(
    ("lag", "told"),
    [
        (timedelta(0), "0 秒"),
        (timedelta(seconds=119), "119 秒"),
        (timedelta(seconds=120), "2 分钟"),
        (timedelta(hours=2), "2 小时"),
        (timedelta(days=2, hours=23), "2 天"),
    ],
)
def test_a_lag_is_told_in_a_unit_that_people_can_read(lag, told):
    assert span_told("zh_CN", lag) == told
