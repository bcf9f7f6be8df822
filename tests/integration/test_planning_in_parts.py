"""A day that asks for more measures than memory should hold is planned some units after the others: the same comes of
it, and a crash between two parts leaves nothing behind that the next cycle would not find again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import make_url, text, update

from reminder import cycle, outbox, scan
from reminder.cycle import Watch, enqueue
from reminder.domain.people import Leader, Unit
from reminder.plan import asks
from reminder.rules.rule import Ask, Span
from reminder.store.engine import open_engine, reading, writing
from reminder.store.measures import load_measures
from reminder.store.outlines import outlined_again, outlines
from reminder.store.tables import OPEN_STATUSES, LetterRow, MeasureRow, MeasureUnitRow, SilenceRow
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
            a_rule("nudge", name="dated", on="monday", **{"except": {"deadline": ["ongoing"], "ledger": ["审计"]}}),
            a_rule("report", due="monday 17:00", summary="monday 17:30"),
            a_rule("awaiting_reply", within="2wd", chase="1wd"),
            a_rule("look_back", after=[30]),
        )
        stage = Stage(tmp_path / name, url, rules=rules, directory=a_directory(units=units, leaders=leaders))
        for n in range(40):
            closed = {"status": "written_off", "closed_on": date(2021, 5, 7)} if n % 9 == 0 else {}
            deadline = str(date.fromordinal(date(2021, 6, 1).toordinal() + n % 20))
            stage.measure(str(n), deadline, [*dict.fromkeys((UNITS[n % 7], UNITS[n * 3 % 7]))], id=n + 1, **closed)
        lived(stage)
        with writing(stage.engine) as session:
            sent = {"sent_on": date(2021, 6, 2), "recorded_at": at(FRIDAY)}
            session.add(LetterRow(id=1, addressee="市政府", about="商请", **sent))
        enqueue(stage.service, at(FRIDAY))
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.engine.dispose()


def lived(stage):
    """More measures, of which a row of the ledger alone does not tell what an office has to be reminded of."""
    more = [
        {"deadline_kind": "ongoing", "deadline_on": None},
        {"deadline_kind": "recurring", "deadline_on": None, "ledger": "审计"},
        {"deadline_on": date(2022, 1, 31), "ledger": "审计"},
        {"deadline_on": date(2022, 1, 31), "deadline_confirmed": False},
        {"deadline_on": date(2022, 2, 28), "known_on": date(2021, 6, 5)},
        {"deadline_on": date(2022, 2, 28), "known_on": date(2021, 6, 8)},  # as of tomorrow
        {"deadline_on": date(2022, 3, 31), "status": "not_started"},
        {"deadline_on": date(2022, 3, 31), "status": "claimed"},
    ]
    for n, columns in enumerate(more * 3, 100):
        stage.measure(str(n), "2022-01-01", [UNITS[n % 7], UNITS[(n + 1) % 7]], id=n + 1, **columns)
    for code, *moves in (
        ("100", ("claimed", "2021-06-01"), ("in_progress", "2021-06-02")),
        ("102", ("written_off", "2021-05-01"), ("in_progress", "2021-06-09")),  # from the day after tomorrow
        ("103", ("in_progress", "2021-05-20"), ("phase_complete", "2021-06-01")),
        ("104", ("in_progress", "2021-06-01"), ("suspended", "2021-06-06")),
        ("106", ("written_off", "2021-06-20")),  # open until then
        ("9", ("claimed", "2021-06-03"), ("in_progress", "2021-06-05")),
    ):
        for status, on in moves:
            stage.move(code, status, on)
    with writing(stage.engine) as session:
        days = {"since": date(2021, 6, 1), "until": date(2021, 6, 30), "by": "督办科", "because": "配合巡视"}
        session.add(SilenceRow(measure_id=113, recorded_at=at(FRIDAY), **days))


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


def test_a_rule_about_a_problem_by_its_words_speaks_of_it_in_parts_too(office, monkeypatch):
    """Its words were taken for what only letters read: where many measures were asked for, no rule knew them."""
    whole, parts = office("whole"), office("parts")
    named = a_rule("nudge", name="one-problem", on="monday", match={"problem": ["程序倒置"]})
    others = a_rule("nudge", name="other-problems", on="monday", **{"except": {"problem": ["程序倒置"]}})
    for stage in (whole, parts):
        stage.service = replace(stage.service, rules=(*stage.service.rules, named, others))
        stage.measure("201", "2022-01-01", ["新局"], id=201, problem_text="程序倒置")
        enqueue(stage.service, at(FRIDAY.replace("09:00", "10:00")))
    enqueue(parts.service, at(MONDAY))
    told = {rule.name: {row.unit for row in parts.reminders() if row.rule == rule.name} for rule in (named, others)}
    assert told == {"one-problem": {"新局"}, "other-problems": set(UNITS)}
    monkeypatch.setattr(scan, "MOST_AT_ONCE", 1000)
    enqueue(whole.service, at(MONDAY))
    assert stored(parts) == stored(whole)


def test_a_measure_that_no_cycle_has_seen_is_answered_from_its_day_on(office, monkeypatch):
    """In outline too: what was imported after today's nudge has gone still gets one, and what is known as of tomorrow
    gets none today."""
    whole, parts = office("whole"), office("parts")
    for stage in (whole, parts):
        enqueue(stage.service, at("2021-06-07 10:00"))
        stage.measure("201", "2022-01-01", ["新局"], id=201, known_on=date(2021, 6, 7))
        stage.measure("202", "2022-01-01", ["明局"], id=202, known_on=date(2021, 6, 8))
    assert enqueue(parts.service, at(MONDAY)).planned
    nudged = {row.unit for row in parts.reminders() if row.rule == "nudge"}
    assert "新局" in nudged
    assert "明局" not in nudged
    monkeypatch.setattr(scan, "MOST_AT_ONCE", 1000)
    enqueue(whole.service, at(MONDAY))
    assert stored(parts) == stored(whole)


def test_only_what_somebody_asks_more_of_is_read_as_rows(office):
    stage = office("parts")
    rules, span, practice = stage.service.rules, Span(date(2021, 6, 7), date(2021, 6, 7)), stage.service.practice
    with reading(stage.engine) as session:
        found = list(scan.portions(session, asks(rules, span, practice), (), stage.service.directory, span.first))
    outlines = [one for facts in found for measures in facts.outlined.values() for one in measures]
    outlined = {measure.id for measure in outlines}
    rows = {measure.id for facts in found for measure in facts.measures}
    assert not outlined & rows
    assert len(outlined) > 15
    assert {101, 103, 105, 10} <= rows  # once claimed, written off, suspended; an overdue one
    assert not any(measure.text for facts in found for measure in (*facts.measures, *outlines))


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


def test_the_days_of_outlines_are_read_whatever_the_servers_date_style(postgres_url):
    style = {"options": "-c datestyle=German"}
    engine = open_engine(make_url(emptied(postgres_url)).update_query_dict(style).render_as_string(hide_password=False))
    with writing(engine) as session:
        row = {"code": "1", "text": "措施", "deadline_kind": "date", "status": "in_progress"}
        session.add(MeasureRow(id=1, **row, deadline_on=date(2021, 6, 30), known_on=date(2021, 1, 1)))
        session.add(MeasureUnitRow(measure_id=1, role="responsible", position=0, unit="建设局"))
    with reading(engine) as session:
        ((unit, (measure,)),) = outlines(session, [], [])
    engine.dispose()
    assert (unit, measure.deadline.on, measure.known_on) == ("建设局", date(2021, 6, 30), date(2021, 1, 1))


def test_an_outline_says_what_the_row_says(office):
    """Whatever the ledgers are called, also where the first one has a name; of what is unlike most, too."""
    stage = office("parts")
    for number, ledger in enumerate(("审计,二", '说"明"', "[1]", "a\\b", "换\n行", "审计,二"), 300):
        units = ["审计局"] if number == 300 else [UNITS[1], UNITS[2]]
        stage.measure(str(number), "2022-01-01", units, id=number, ledger=ledger, seen_at=at(FRIDAY))
    for _ in range(2):
        with reading(stage.engine) as session:
            rows = {one.id: one for one in load_measures(session, text(OPEN_STATUSES))}
            found = {unit: {one.id: one for one in measures} for unit, measures in outlines(session, [], [])}
            again = outlined_again(session, {UNITS[1]: set(rows)})
        assert sorted(found) == sorted([*UNITS, "审计局"])
        assert {one for measures in found.values() for one in measures} == set(rows)
        for unit, measures in (*found.items(), *again.items()):
            assert all(told(one) == (*told(rows[number])[:-1], (unit,)) for number, one in measures.items())
        assert again[UNITS[1]].items() <= found[UNITS[1]].items()
        with writing(stage.engine) as session:  # the first one is of such a ledger now
            change = {"ledger": "审计,二", "deadline_kind": "vague", "deadline_confirmed": False}
            session.execute(update(MeasureRow).where(MeasureRow.id <= 2).values(change))


def told(measure):
    """What an outline tells of a measure; its units last."""
    deadline = (measure.deadline.kind, measure.deadline.on, measure.deadline.confirmed)
    return measure.id, measure.ledger, *deadline, measure.known_on, measure.seen, measure.units
