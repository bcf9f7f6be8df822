"""Simulated, then lived: a daemon stopped and started at random yields exactly what the plan says."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from reminder.plan import asks, reminders, sees
from reminder.rules.kinds.report import week_name
from reminder.rules.rule import Facts, Span
from reminder.scan import scan
from reminder.store.engine import reading, writing
from reminder.store.outbox_tables import ReminderRow
from reminder.store.tables import DutyRow, LetterRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at

FIRST, LAST = at("2021-09-14 00:00"), at("2021-10-15 23:59")
STEPS = [
    {"after": 2, "colour": "yellow", "to": ["leader"]},
    {"after": "5wd", "colour": "red", "to": ["leader", "principal"], "unless_answered": 2},
]
RULES = (
    a_rule("deadline", before=[14, 7, 3, 1, 0]),
    a_rule("overdue", every=[1, 4]),
    a_rule("nudge", name="weekly", on=["monday", "thursday"], at="09:30"),
    a_rule("deadline", name="riding", before=[10, 5], ride="weekly"),
    a_rule("report"),
    a_rule("overdue", name="climbing", every="3wd", escalate=STEPS, leaders_on="tuesday"),
    a_rule("pace", on="wednesday", behind=10, stale="5wd", repeat=7),
    a_rule("look_back", after=[10, "15wd"], chase=4),
    a_rule("awaiting_reply", within="10wd", before=[3, 1], chase="2wd", to=["addressee", "office"]),
    a_rule("duty", owed_by=["建设局", "office"], remind=["1wd", 0], chase="2wd"),
)


def office(tmp_path, dice):
    stage = Stage(tmp_path, rules=RULES, most_per_day=50, directory=a_directory(leader="分管领导"))
    for code in range(6):
        day = FIRST.date() + timedelta(days=dice.randint(-5, 40))
        stage.measure(str(code), str(day), ["建设局"] if code % 2 else ["财政局", "建设局"], known_on=FIRST.date())
    with writing(stage.engine) as session:
        for addressee, days in (("财政局", -20), ("省厅", -3), ("建设局", 4)):
            sent = FIRST.date() + timedelta(days=days)
            session.add(LetterRow(addressee=addressee, about="商请", sent_on=sent, recorded_at=FIRST))
    stage.measure("closed", "2021-12-31", known_on=FIRST.date())
    stage.move("closed", "written_off", str(FIRST.date() + timedelta(days=1)))
    return stage


def planned(stage, facts: Facts):
    """What goes, and the occasions that it supersedes: two nudges of one day after a holiday."""
    span = Span(FIRST.date(), LAST.date())
    service = stage.service
    found = reminders(facts, service.rules, service.directory, service.practice, span)
    return {r.key for r in found}, {earlier.key for r in found for earlier in r.earlier}


def happenings(stage, dice):
    """What is recorded on some mornings: a reply, a duty done."""
    replied, done = (FIRST.date() + timedelta(days=dice.randint(*among)) for among in ((5, 20), (8, 12)))

    def reply(session):
        session.get(LetterRow, 2).replied_on = replied

    def fulfil(session):
        session.add(DutyRow(duty="duty", unit="建设局", period=week_name(done), on=done, recorded_at=FIRST))

    return sorted([(replied, reply), (done, fulfil)], key=lambda one: one[0])


def live(stage, dice):
    """Beats every few minutes near the hours of the rules, with stops of up to some hours in between."""
    now, coming = FIRST, happenings(stage, dice)
    while now < LAST:
        while coming and coming[0][0] <= now.date():
            with writing(stage.engine) as session:
                coming.pop(0)[1](session)
        stage.cycle(f"{now:%Y-%m-%d %H:%M}")
        if stop := dice.random() < 0.1:
            stage.engine.dispose()
        now += timedelta(minutes=dice.randint(60, 400) if stop else dice.randint(5, 90))
    stage.cycle(f"{LAST:%Y-%m-%d %H:%M}")


@pytest.mark.parametrize("seed", range(2))
def test_a_daemon_that_is_stopped_and_started_at_random_does_what_was_planned(tmp_path, seed):
    check(tmp_path, seed)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 40))
def test_many_more_lives(tmp_path, seed):
    check(tmp_path, seed)


def check(tmp_path, seed):
    dice = Random(seed)
    stage = office(tmp_path, dice)
    live(stage, dice)
    rows = stage.rows(ReminderRow)
    keys = {(r.rule, r.subject, r.occasion, r.unit, r.recipient, r.channel): r.outcome for r in rows}
    assert len(keys) == len(rows)
    with reading(stage.engine) as session:
        span = Span(FIRST.date(), LAST.date())
        questions = asks(RULES, span, stage.service.practice)
        facts = scan(session, questions, sees(RULES), stage.service.directory, span.first)
    goes, superseded = planned(stage, facts)
    assert {key for key, outcome in keys.items() if outcome is None} == goes
    assert {key for key, outcome in keys.items() if outcome == "superseded"} == superseded != set()
    assert len(keys) == len(goes) + len(superseded)
    assert not any(row.late for row in rows)
    assert {message.state for message in stage.messages()} == {"sent"}
    assert len(stage.letters()) == len(stage.messages())
