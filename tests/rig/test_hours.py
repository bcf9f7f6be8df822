"""Daily and weekly rules in every half hour of ten years of clock changes: exactly one occasion a local date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger

from reminder.plan import Window, answer, reminders
from reminder.rules.calendar import Calendar
from reminder.rules.rule import Facts, Practice, Span
from reminder.rules.when import WEEKDAYS
from tests.makers import a_directory, a_measure, a_rule

ZONES = [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu",
    "America/Sao_Paulo", "Asia/Tehran", "Africa/Cairo", "Pacific/Chatham", "America/St_Johns", "UTC",
]  # fmt: skip
HALF_HOURS = [time(minutes // 60, minutes % 60) for minutes in range(0, 1440, 30)]
FIRST, LAST = date(2026, 1, 1), date(2035, 12, 31)
DAYS = (LAST - FIRST).days + 1
OPEN = a_measure("2040-01-01")


def practice(zone):
    return Practice(calendar=Calendar(base="weekdays"), zone=ZoneInfo(zone), working_days_only=False)


def instants(zone, hour, on):
    rule = a_rule("nudge", on=on, at=f"{hour:%H:%M}")
    return [firing.at for firing in rule.firings(Facts(measures=[OPEN]), Span(FIRST, LAST), practice(zone))]


def check(zone, hours):
    for hour in hours:
        daily = instants(zone, hour, list(WEEKDAYS))
        assert [at.date() for at in daily] == [FIRST + timedelta(days=n) for n in range(DAYS)]
        utc = [at.astimezone(UTC) for at in daily]
        assert utc == sorted(set(utc)), (zone, hour)
        # Where the clock jumps over the hour, the reminder goes in the hour after the jump, still on its date.
        assert all(there.astimezone(ZoneInfo(zone)).date() == at.date() for there, at in zip(utc, daily, strict=True))
        assert [at for at in daily if at.weekday() == 0] == instants(zone, hour, "monday")


@pytest.mark.parametrize("zone", ZONES)
def test_one_occasion_a_local_date(zone):
    check(zone, HALF_HOURS[:7])  # clocks change at night


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("zone", ZONES)
def test_one_occasion_a_local_date_at_every_half_hour(zone):
    check(zone, HALF_HOURS)


def changes(zone):
    """The days of ten years on which the zone's offset changes."""
    there = ZoneInfo(zone)
    noons = [datetime.combine(FIRST + timedelta(days=n), time(12), there) for n in range(DAYS)]
    return [b.date() for a, b in pairwise(noons) if a.utcoffset() != b.utcoffset()]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York"])
def test_a_heartbeat_that_lives_through_a_change_answers_each_date_once(zone):
    """robfig/cron#26, apscheduler#606: nothing is skipped and nothing doubled when the clock moves."""
    for day in changes(zone)[:4]:
        for hour in ("00:00", "01:30", "02:00", "02:30", "03:00"):
            assert lived(zone, hour, day) == [day + timedelta(days=n) for n in (-1, 0, 1)], (zone, day, hour)


def lived(zone, hour, day):
    rules, own = [a_rule("nudge", on=list(WEEKDAYS), at=hour)], practice(zone)
    now = datetime.combine(day - timedelta(days=2), time(20), own.zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(20), own.zone).astimezone(UTC)
    known = {"rule:nudge", "reach:建设局:mail"}
    answered = []
    while now < end:
        window = Window(last=now, now=now + timedelta(minutes=17), known=known)
        span = window.span(rules, own)
        if span is not None:
            planned = reminders(Facts(measures=[OPEN]), rules, a_directory(), own, span)
            answered += [reminder.firing.occasion for reminder in answer(planned, rules, window, own).due]
        now = window.now
    return answered


def test_what_plain_cron_triggers_lose_and_double():
    """Kept as the reason for having our own occasions: APScheduler's CronTrigger in Berlin."""
    berlin = ZoneInfo("Europe/Berlin")
    monday = CronTrigger(day_of_week="mon", hour=0, minute=0, timezone=berlin)
    after_saturday = datetime(2027, 3, 28, 12, tzinfo=berlin)
    lost = monday.get_next_fire_time(datetime(2027, 3, 22, 0, 0, tzinfo=berlin), after_saturday)
    assert lost.date() != date(2027, 3, 29)
    assert date(2027, 3, 29) in [at.date() for at in instants("Europe/Berlin", time(0), "monday")]
    nightly = CronTrigger(hour=2, minute=30, timezone=berlin)
    once = nightly.get_next_fire_time(None, datetime(2026, 10, 24, 12, tzinfo=UTC))
    twice = nightly.get_next_fire_time(once, once.astimezone(UTC) + timedelta(minutes=1))
    assert once.date() == twice.date() == date(2026, 10, 25)
    ours = [at for at in instants("Europe/Berlin", time(2, 30), list(WEEKDAYS)) if at.date() == date(2026, 10, 25)]
    assert len(ours) == 1
