"""Many rows at once: what is stored already stays, and what comes back is what was put in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, event, insert, text, update

from reminder import outbox
from reminder.domain.reminder import ReminderKind
from reminder.store.engine import reading, writing
from reminder.store.measures import by_ids, rows_of
from reminder.store.outbox_tables import DestinationRow, MessageRow, ReminderRow
from reminder.store.prepared import Prepared
from reminder.store.reminders import reminders_of
from reminder.store.tables import MeasureRow
from tests.integration.stage import Stage, emptied
from tests.makers import a_measure, a_reminder, at

NOW = at("2021-06-07 09:00")
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request, tmp_path):
    url = emptied(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else None
    stage = Stage(tmp_path, url)
    stage.measure("1", "2021-06-30", id=1)  # also where PostgreSQL counts on
    yield stage
    stage.engine.dispose()


def single(n, **changes):
    return a_reminder(ReminderKind.BEFORE, a_measure(id=1), subject=f"measure:{n}", recipient=f"单位{n % 7}", **changes)


def put(stage, due, at=NOW):
    with writing(stage.engine) as session:
        return outbox.put(session, due, at, "example.org")


def test_thousands_of_reminders_are_one_message_for_each_recipient(stage):
    assert put(stage, [single(n) for n in range(5000)]) == 5000
    messages, reminders = stage.rows(MessageRow), stage.rows(ReminderRow)
    assert sorted(message.recipient for message in messages) == [f"单位{n}" for n in range(7)]
    assert len({message.message_id for message in messages}) == 7
    named = {message.id: message.recipient for message in messages}
    assert len(reminders) == 5000
    assert all(named[row.message_pk] == row.recipient for row in reminders)


def test_thousands_among_which_some_are_stored_already(stage):
    put(stage, [single(n) for n in range(0, 5000, 2)])
    nasty = {"what": "报'进\"度\\\t\n"}
    assert put(stage, [single(n, about=nasty) for n in range(5000)], at("2021-06-07 10:00")) == 2500
    rows = stage.rows(ReminderRow)
    assert sorted(row.subject for row in rows) == sorted(f"measure:{n}" for n in range(5000))
    assert {row.about.get("what") for row in rows} == {None, nasty["what"]}


def test_what_is_stored_already_is_neither_stored_nor_sent_again(stage):
    put(stage, [single(n) for n in range(10)])
    assert put(stage, [single(n) for n in range(14)]) == 4
    assert len(stage.rows(ReminderRow)) == 14
    assert len(stage.rows(MessageRow)) == 7
    assert put(stage, [single(n) for n in range(14)]) == 0


def test_one_occasion_named_twice_is_one_reminder(stage):
    assert put(stage, [single(1), single(1)]) == 1
    assert len(stage.rows(ReminderRow)) == 1


def test_what_comes_back_is_what_was_put_in(stage):
    due = single(
        3, provisional=True, week="2021-W23", due_at=at("2021-06-11 17:00"), about={"what": "报'进\"度"}, late=True
    )
    put(stage, [due])
    (message,) = stage.messages()
    with reading(stage.engine) as session:
        ((back, deadlines),) = reminders_of(session, [message.id])[message.id].values()
    assert replace(back.firing, lines=(), at=due.firing.at, due_at=due.firing.due_at) == replace(due.firing, lines=())
    assert (back.firing.at, back.firing.due_at) == (due.firing.at, due.firing.due_at)
    assert [line.days for line in back.firing.lines] == [(7,)]
    assert list(deadlines) == [1]
    with stage.engine.connect() as connection:
        nothing = connection.execute(text("SELECT count(*) FROM reminder WHERE outcome_reason IS NULL")).scalar()
    assert nothing == 1  # NULL, not the JSON word


def test_a_morning_is_a_few_statements_not_a_few_for_each_reminder(stage):
    said = []
    event.listen(stage.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    put(stage, [single(n) for n in range(1000)])
    assert len(said) < 12


def test_each_row_keeps_its_own_instant_also_none(stage):
    told = {"first": NOW, "same": NOW, "none": None, "later": at("2021-06-07 10:00"), "again": NOW}
    rows = [
        {"name": name, "paused_until": until, "failures": 0, "why": "", "recent": []} for name, until in told.items()
    ]
    with writing(stage.engine) as session:
        Prepared(insert(DestinationRow)).run(session.connection(), [{"disabled_at": None} | row for row in rows])
    with reading(stage.engine) as session:
        found = {name: session.get_one(DestinationRow, name).paused_until for name in told}
    assert found == told


@given(instants=st.lists(st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Asia/Shanghai"), PARIS])), min_size=1))
@example(instants=[datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=fold) for fold in (0, 1)])  # twice on that night
@example(instants=[datetime(2026, 3, 2, 1, tzinfo=UTC)])  # no microseconds
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_an_instant_is_written_as_sqlalchemy_writes_it(stage, instants):
    blank = {"failures": 0, "why": "", "recent": [], "disabled_at": None}
    ours = [blank | {"name": f"ours {n:03}", "paused_until": until} for n, until in enumerate(instants)]
    theirs = [blank | {"name": f"theirs {n:03}", "paused_until": until} for n, until in enumerate(instants)]
    with writing(stage.engine) as session:
        connection = session.connection()
        connection.execute(text("DELETE FROM destination"))
        Prepared(insert(DestinationRow)).run(connection, ours)
        connection.execute(insert(DestinationRow), theirs)
        told = connection.execute(text("SELECT paused_until FROM destination ORDER BY name")).scalars().all()
    assert told[: len(ours)] == told[len(ours) :]


def test_an_instant_of_no_zone_is_not_written(stage):
    row = {"name": "x", "paused_until": NOW.replace(tzinfo=None), "failures": 0, "why": "", "recent": []}
    with pytest.raises(ValueError, match=r"naive|timezone"), writing(stage.engine) as session:
        Prepared(insert(DestinationRow)).run(session.connection(), [row | {"disabled_at": None}])


def test_parameters_stand_where_the_statement_has_them(stage):
    """Between constants, in another order than they are given in, and one that stands twice."""
    put(stage, [single(0), single(1)])
    first, second = (message.id for message in stage.messages())
    asked = update(MessageRow).where(MessageRow.id == bindparam("key"), MessageRow.recipient != bindparam("new"))
    changed = Prepared(asked.values(why=bindparam("new"), late=True, attempts=MessageRow.attempts + 5, state="held"))
    with writing(stage.engine) as session:
        rows = [{"new": "甲", "key": first}, {"key": second, "new": "单位1"}]
        assert changed.run(session.connection(), rows).rowcount == 1
    told = [(message.why, message.late, message.attempts, message.state) for message in stage.messages()]
    assert told == [("甲", True, 5, "held"), ("", False, 0, "pending")]


def test_tags_were_parsed_by_the_driver_cell_by_cell(stage):
    """Two fifths of the time that a day's due measures took on PostgreSQL; now they come as texts, equal ones read
    once, and say the same."""
    tags = {2: [], 3: ["重点", 'a"b\\c'], 4: [], 5: ["😀", "null"]}
    for one, told in tags.items():
        stage.measure(str(one), "2021-06-30", id=one, tags=told)
    with reading(stage.engine) as session:
        rows = rows_of(session, [MeasureRow.id > 1], untold=True)
        found = by_ids(session, tags)
    assert len(rows) == len(tags)
    assert not [cell for row in rows for cell in row if isinstance(cell, (list, datetime))]
    assert {one: list(measure.tags) for one, measure in found.items()} == tags
    assert not any(measure.seen for measure in found.values())
