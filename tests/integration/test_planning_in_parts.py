"""A day that asks for more measures than memory should hold is planned some units after the others: the same comes of
it, and a crash between two parts leaves nothing behind that the next cycle would not find again."""

from __future__ import annotations

from datetime import date

import pytest

from reminder import cycle, outbox, scan
from reminder.cycle import Watch, enqueue
from reminder.domain.people import Leader, Unit
from reminder.rules.rule import Ask
from reminder.store.engine import reading, writing
from reminder.store.tables import LetterRow
from tests.integration.stage import Stage, emptied
from tests.makers import a_directory, a_rule, at

FRIDAY, MONDAY = "2021-06-04 09:00", "2021-06-07 17:30"
UNITS = [f"单位{n}" for n in range(7)]
MAIL = {"mail": ("a@example.org",)}


@pytest.fixture(autouse=True)
def four_at_once(monkeypatch):
    monkeypatch.setattr(scan, "MOST_AT_ONCE", 4)


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    """Makes an office with every kind of rule about units; on PostgreSQL only what is planned in parts."""

    made = []

    def make(name):
        there = (request.param, name) == ("postgresql", "parts")
        url = emptied(request.getfixturevalue("postgres_url")) if there else None
        (tmp_path / name).mkdir()
        units = {name: Unit(name=name, leader="分管", channels=("mail",), addresses=MAIL) for name in UNITS[1:]}
        leaders = {"分管": Leader(name="分管", channels=("mail",), addresses=MAIL)}
        step = {"after": 3, "colour": "yellow", "to": ["leader"]}
        rules = (
            a_rule("deadline", before=[7, 0]),
            a_rule("overdue", every=[1, 3], escalate=[step], leaders_on="monday"),
            a_rule("nudge", on="monday"),
            a_rule("report", due="monday 17:00", summary="monday 17:30"),
            a_rule("awaiting_reply", within="2wd", chase="1wd"),
            a_rule("look_back", after=[30]),
        )
        stage = Stage(tmp_path / name, url, rules=rules, directory=a_directory(units=units, leaders=leaders))
        for n in range(40):
            closed = {"status": "written_off", "closed_on": date(2021, 5, 7)} if n % 9 == 0 else {}
            deadline = str(date.fromordinal(date(2021, 6, 1).toordinal() + n % 20))
            stage.measure(str(n), deadline, [*dict.fromkeys((UNITS[n % 7], UNITS[n * 3 % 7]))], id=n + 1, **closed)
        with writing(stage.engine) as session:
            sent = {"sent_on": date(2021, 6, 2), "recorded_at": at(FRIDAY)}
            session.add(LetterRow(id=1, addressee="市政府", about="商请", **sent))
        enqueue(stage.service, at(FRIDAY))
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.engine.dispose()


def stored(stage):
    """Every reminder, and who gets it together with which others."""
    names = [name for name in type(stage.reminders()[0]).model_fields if name not in ("id", "message_pk")]
    rows = stage.reminders()
    messages = {message.id: (message.recipient, message.channel, message.alone) for message in stage.messages()}
    return sorted(repr([getattr(row, name) for name in names] + [messages.get(row.message_pk)]) for row in rows)


def test_in_parts_the_same_is_planned_and_travels_together(office, monkeypatch):
    whole, parts = office("whole"), office("parts")
    planned = enqueue(parts.service, at(MONDAY)).planned
    monkeypatch.setattr(scan, "MOST_AT_ONCE", 1000)
    assert enqueue(whole.service, at(MONDAY)).planned == planned > 30
    assert stored(parts) == stored(whole)
    kinds = {row.kind for row in parts.reminders()}
    assert {"nudge", "overdue", "escalation", "report_due", "report_summary", "awaiting_reply", "look_back"} <= kinds
    assert len(parts.messages()) == len(whole.messages())


def test_the_office_is_told_of_the_reports_of_all_units_at_once(office):
    stage = office("parts")
    enqueue(stage.service, at(MONDAY))
    (summary,) = (row for row in stage.reminders() if row.kind == "report_summary")
    assert summary.about["missing"].split("\n") == sorted(UNITS)
    assert summary.reason["facts"]["missing"] == "7"


def test_no_part_holds_much_more_than_was_asked_for(office):
    stage = office("parts")
    with reading(stage.engine) as session:
        found = list(scan.portions(session, [Ask(date(2021, 6, 7))], (), stage.service.directory, date(2021, 6, 7)))
    assert [len(facts.measures) for facts in found[:1]] == [0]
    assert len(found) == len(UNITS) + 1  # each unit alone has more than four
    assert sorted(unit for facts in found[1:] for unit in facts.units) == UNITS


def test_what_a_crash_between_two_parts_took_away_is_found_by_the_next_cycle(office, monkeypatch):
    stage, other = office("parts"), office("other")
    before, real, calls = stored(stage), outbox.put, []

    def dies(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(cycle.outbox, "put", dies)
    with pytest.raises(KeyboardInterrupt):
        enqueue(stage.service, at(MONDAY))
    monkeypatch.setattr(cycle.outbox, "put", real)
    assert stored(stage) == before
    assert enqueue(stage.service, at(MONDAY)).planned == enqueue(other.service, at(MONDAY)).planned
    assert stored(stage) == stored(other)


def test_a_long_cycle_says_that_it_goes_on_after_every_part(office):
    """Where a country's Monday takes longer than a heart may stand still, it is not taken for one that hangs."""
    stage, told = office("parts"), []
    watch = Watch(lambda: at(MONDAY), lambda: 0.0, lambda: told.append(1))
    enqueue(stage.service, at(MONDAY), watch)
    assert len(told) > len(UNITS) / 2
