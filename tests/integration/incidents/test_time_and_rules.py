"""What went wrong elsewhere, each incident by its number, played here: time, repetition, status, downtime."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlmodel import select

from reminder.cycle import Watch, run
from reminder.rules.calendar import Calendar
from reminder.rules.rule import Facts, Span
from reminder.store.engine import reading, writing
from reminder.store.memory import recall
from reminder.store.tables import MeasureRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_measure, a_practice, a_rule, at

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path, rules=(a_rule("deadline", before=[7]), a_rule("overdue", every=1)))


def deadline(stage, code, on):
    with writing(stage.engine) as session:
        row = session.exec(select(MeasureRow).where(MeasureRow.code == code)).one()
        row.deadline_on = date.fromisoformat(on)
        session.add(row)


def instants(zone, hour, first, last):
    """When a daily rule goes there."""
    rule = a_rule("nudge", on=EVERY_DAY, at=hour)
    practice = a_practice(zone=ZoneInfo(zone), calendar=Calendar(base="weekdays"), working_days_only=False)
    return [one.at for one in rule.firings(Facts(measures=[a_measure("2040-01-01")]), Span(first, last), practice)]


# --- the same thing again and again


def test_juntagrico_704_many_measures_of_one_unit_are_one_letter_a_cycle(stage):
    """N sign-ups made N mails to one address."""
    for n in range(20):
        stage.measure(str(n), "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    assert len(stage.reminders()) == 20
    assert len(stage.letters()) == 1


def test_monica_325_michaelxavier_cron_30_a_beat_at_the_same_instant_reminds_of_nothing_twice(stage):
    """Two schedulers, or one that stuttered, sent each reminder twice; so did a leap second (MichaelXavier/cron#30)."""
    stage.measure("1", "2021-06-15")
    for instant in ("2021-06-08 09:00", "2021-06-08 09:00", "2021-06-08 09:00:01", "2021-06-08 08:59:59"):
        stage.cycle(instant)
    assert len(stage.letters()) == 1


def test_civicrm_18236_a_date_changed_several_times_reminds_once_by_the_last_one(stage):
    """Each change of the reference date had left a reminder of its own behind."""
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-07 19:00")
    for on in ("2021-06-16", "2021-06-17", "2021-06-18"):
        deadline(stage, "1", on)
    for day in range(8, 19):
        stage.cycle(f"2021-06-{day:02d} 09:00")
    assert [str(row.occasion) for row in stage.reminders()] == ["2021-06-11"]
    assert len(stage.letters()) == 1


def test_suitecrm_601_orocrm_249_a_new_date_arms_the_reminder_again(stage):
    """A reminder that had gone once never went for the new date (also OroCRM#249)."""
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    deadline(stage, "1", "2021-06-29")
    stage.cycle("2021-06-16 09:00")  # by the old date it would be overdue
    stage.cycle("2021-06-22 09:00")
    assert [(row.kind, str(row.occasion)) for row in stage.reminders()] == [
        ("before", "2021-06-08"),
        ("before", "2021-06-22"),
    ]


def test_zammad_5051_what_was_settled_while_the_message_waited_is_not_chased(stage):
    """Mails went on daily although the state had changed, because nobody looked again before sending."""
    stage.measure("1", "2021-06-01")
    stage.cycle("2021-06-07 07:00")  # planned on Friday's weekend rest; outside hours nothing leaves
    stage.cycle("2021-06-07 20:00")
    assert [message.state for message in stage.messages()] == ["held"]
    stage.move("1", "written_off", "2021-06-07")
    stage.cycle("2021-06-08 09:00")
    assert [message.state for message in stage.messages()] == ["cancelled"]
    assert stage.letters() == []


def test_zammad_5051_a_reopened_measure_is_chased_from_then_on_only(stage):
    stage.measure("1", "2021-06-01")
    stage.cycle("2021-06-02 09:00")
    stage.move("1", "written_off", "2021-06-02")
    for day in (3, 4, 7):
        stage.cycle(f"2021-06-{day:02d} 09:00")
    stage.move("1", "in_progress", "2021-06-08")
    stage.cycle("2021-06-08 09:00")
    assert [str(row.at.date()) for row in stage.reminders()] == ["2021-06-02", "2021-06-08"]


# --- missed while nobody ran


@pytest.mark.parametrize("back_at", ["2021-06-08 09:00", "2021-06-09 11:30"], ids=["周二", "周三"])
def test_deleterr_292_trinity_158_a_weekly_job_missed_on_monday_is_found_once_afterwards(tmp_path, back_at):
    """The weekly job was skipped each week, silently, because its hour fell into the downtime (also trinity#158)."""
    stage = Stage(tmp_path, rules=(a_rule("nudge"),))
    stage.measure("1", "2021-12-31", known_on=date(2021, 6, 4))
    stage.cycle("2021-06-04 18:00")
    stage.cycle(back_at)
    stage.cycle("2021-06-10 09:00")
    assert [(str(row.occasion), row.late) for row in stage.reminders()] == [("2021-06-07", True)]


def test_apscheduler_146_182_292_a_beat_some_seconds_late_drops_nothing(stage):
    """misfire_grace_time is a second by default: a run 1.5 s late never ran."""
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 08:59:58")
    stage.cycle("2021-06-08 09:00:28")
    assert len(stage.letters()) == 1


# --- the clock jumps


def test_robfig_cron_26_node_schedule_214_431_pg_cron_105_after_a_long_gap_one_letter_not_one_a_run(
    stage,
):
    """An hour's jump made some 720 runs at once (also node-schedule#214: more than 1,400)."""
    stage.measure("1", "2021-05-03")
    stage.cycle("2021-05-06 09:00")
    stage.cycle("2021-06-30 09:00")  # downtime of eight weeks; overdue every day
    assert len(stage.letters()) == 2
    due = [row for row in stage.reminders() if row.outcome is None]
    assert len(due) == 2


def lived(stage, *beats):
    """A daemon's cycles: (wall clock, steady seconds)."""
    wall, steady = [], []
    watch = Watch(lambda: wall[-1], lambda: steady[-1])
    for text, seconds in beats:
        wall.append(at(text))
        steady.append(seconds)
        run(stage.service, partial(_standing, wall[-1]), watch=watch)


def _standing(now):
    return now


def test_sidekiq_scheduler_283_a_clock_that_jumps_forward_sends_nothing_by_itself(stage):
    """Forward: all at once; and when it was set back: never again."""
    stage.measure("1", "2021-06-15")
    lived(stage, ("2021-06-07 10:00", 0), ("2021-06-10 10:00", 30))
    assert stage.letters() == []


def test_sidekiq_scheduler_283_a_clock_set_back_does_not_silence_for_ever(stage):
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-07 10:00")
    stage.cycle("2021-06-07 07:00")  # set back by three hours, without a daemon's guard
    stage.cycle("2021-06-08 09:00")
    assert len(stage.letters()) == 1


def test_dcron_16_a_clock_that_once_stood_far_ahead_is_told_not_waited_for(stage):
    """It would have waited for 18 years: the last run lay in the future."""
    stage.measure("1", "2021-06-15")
    lived(stage, ("2039-06-07 10:00", 0), ("2021-06-08 09:00", 30))
    with reading(stage.engine) as session:
        assert recall(session).held_why == "clock_behind"


# --- summer time


def test_apscheduler_606_120_monday_midnight_after_the_change_is_not_lost():
    """Plain CronTrigger loses Monday 2027-03-29 00:00 in Berlin; a weekly report would be lost for a week."""
    cron = CronTrigger(day_of_week="mon", hour=0, minute=0, timezone=BERLIN)
    after = datetime(2027, 3, 28, 12, tzinfo=BERLIN)
    assert cron.get_next_fire_time(datetime(2027, 3, 22, tzinfo=BERLIN), after).date() == date(2027, 4, 5)
    ours = instants("Europe/Berlin", "00:00", date(2027, 3, 27), date(2027, 3, 30))
    assert [one.date().day for one in ours] == [27, 28, 29, 30]


def test_apscheduler_529_synced_cron_152_the_doubled_hour_of_autumn_fires_once():
    ours = instants("Europe/Berlin", "02:30", date(2026, 10, 24), date(2026, 10, 26))
    assert [one.astimezone(UTC).day for one in ours] == [24, 25, 26]


def test_apscheduler_372_seven_in_the_morning_stays_seven_in_the_morning():
    """IntervalTrigger(days=1) moves it to eight for good."""
    start = datetime(2027, 3, 27, 7, tzinfo=BERLIN)
    daily = IntervalTrigger(days=1, start_date=start, timezone=BERLIN)
    assert daily.get_next_fire_time(start, start).hour == 8
    ours = instants("Europe/Berlin", "07:00", date(2027, 3, 27), date(2027, 3, 29))
    assert {one.time() for one in ours} == {time(7)}


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Africa/Cairo", "Asia/Tehran"])
def test_apscheduler_1021_1036_a_zone_whose_midnight_is_skipped_does_not_loop(zone):
    """Where clocks go forward at midnight, the next run was looked for without end (also synced-cron#152, #1036)."""
    ours = instants(zone, "00:00", date(2018, 1, 1), date(2018, 12, 31))
    assert [one.date() for one in ours] == [date(2018, 1, 1) + timedelta(days=n) for n in range(365)]


# --- the rules themselves


def test_cdk_real_drift_32_a_rule_that_matches_nothing_by_a_typing_error_is_refused():
    """ "ignroe" was read as no setting at all."""
    with pytest.raises(ValueError, match="execpt"):
        a_rule("nudge", execpt={"deadline": ["ongoing"]})


def test_dcms_35_a_limit_mistyped_is_refused_and_not_replaced_by_a_large_one():
    with pytest.raises(ValueError, match="every"):
        a_rule("overdue", every="sixty")


def test_openaustralia_79_two_rules_for_one_unit_are_one_letter(tmp_path):
    """People got a mail for each subscription that matched."""
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7]), a_rule("deadline", name="again", before=[7])))
    stage.service = stage.changed(directory=a_directory())
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    assert len(stage.reminders()) == 2
    assert len(stage.letters()) == 1
