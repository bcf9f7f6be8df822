"""Restored databases and clocks that jump: nothing is sent until somebody says so, and then once.

On SQLite and on PostgreSQL, with a real database and a real mailbox.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Integer, text
from sqlmodel import Session, SQLModel, select

from reminder import cycle
from reminder.cycle import Watch
from reminder.store.engine import writing
from reminder.store.holding import release
from reminder.store.marker import Marker, marker_of
from reminder.store.memory import recall
from reminder.store.messages import payload_of
from reminder.store.outbox_tables import DeliveryRow, MessageRow, PayloadRow
from reminder.store.service_tables import CycleRow, NoticeRow
from tests.emptied import empty
from tests.integration.stage import Stage, emptied
from tests.makers import a_rule, at

UNKNOWN = "r-unknown@example.org"


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request, tmp_path):
    """A guarded office. The marker of SQLite's beside the database, PostgreSQL's in the folder."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        emptied(url)
    made = Stage(tmp_path, url)
    made.service = replace(made.service, marker=marker_of(made.engine, tmp_path))
    yield made
    made.engine.dispose()


def snapshot(stage):
    """Every row of the database, as a backup has them."""
    with Session(stage.engine) as session:
        tables = SQLModel.metadata.sorted_tables
        return {table: [dict(row) for row in session.execute(table.select()).mappings()] for table in tables}


def restore(stage, backup):
    """Puts them back in place of what is there."""
    with writing(stage.engine) as session:
        connection = session.connection()
        empty(connection)
        for table, rows in backup.items():
            if rows:
                connection.execute(table.insert(), rows)
        if connection.dialect.name == "postgresql":  # as pg_restore does
            for table in backup:
                if isinstance(table.c["id"].type if "id" in table.c else None, Integer):
                    top = (
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), coalesce(max(id), 0) + 1, false)"
                    )
                    connection.execute(text(f"{top} FROM {table.name}"))


def let_go(stage, instant, newer_than=None):
    with writing(stage.engine) as session:
        return release(session, at(instant), newer_than)


def waiting(stage):
    return [(row.recipient, row.state, row.why) for row in stage.messages() if row.state in ("held", "pending")]


def test_r20_sms_backup_plus_679_a_restored_database_sends_nothing_until_released_and_then_one_message_each(stage):
    for code, unit in (("1", "建设局"), ("2", "财政局")):
        stage.measure(code, "2021-06-10", (unit,))
    stage.cycle("2021-06-03 09:00")
    backup = snapshot(stage)
    for day in (7, 8, 9, 10):
        stage.cycle(f"2021-06-{day:02d} 09:00")
    before = len(stage.letters())
    restore(stage, backup)
    for minute in range(3):  # not once a tick
        held = stage.cycle(f"2021-06-10 10:{minute:02d}")
        assert (held.messages["held"], held.messages["sent"], held.needs_a_person) == (2, 0, True)
    assert len(stage.letters()) == before
    assert {state for _, state, _ in waiting(stage)} == {"held"}
    [notice] = stage.rows(NoticeRow)
    assert (notice.code, notice.facts["why"], notice.facts["n"]) == ("held", "restored", "2")
    let_go(stage, "2021-06-10 11:00")
    assert stage.cycle("2021-06-10 11:00").messages == {"sent": 2}
    assert len(stage.letters()) == before + 2
    assert stage.cycle("2021-06-10 11:01").messages == {}


def test_what_was_written_off_meanwhile_is_not_released(stage):
    stage.measure("1", "2021-06-10")
    stage.cycle("2021-06-03 09:00")
    backup = snapshot(stage)
    stage.cycle("2021-06-07 09:00")
    restore(stage, backup)
    stage.cycle("2021-06-07 10:00")
    stage.move("1", "written_off", "2021-06-07")
    let_go(stage, "2021-06-07 11:00")
    assert stage.cycle("2021-06-07 11:00").messages == {"cancelled": 1}


def test_plain_downtime_holds_nothing(stage):
    stage.measure("1", "2021-06-10")
    stage.cycle("2021-06-03 09:00")
    assert stage.cycle("2021-07-05 09:00").messages == {"sent": 1}


def test_a_cycle_that_died_between_the_database_and_the_marker_is_no_restore(stage, monkeypatch):
    stage.measure("1", "2021-06-10")
    stage.cycle("2021-06-03 09:00")
    with monkeypatch.context() as dying:
        dying.setattr(Marker, "write", lambda self, *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            stage.cycle("2021-06-07 09:00")
    assert stage.cycle("2021-06-07 09:01").messages == {"sent": 1}


def test_a_marker_that_is_gone_holds_on_sqlite_but_a_second_machine_joins_on_postgresql(stage):
    stage.measure("1", "2021-06-10")
    stage.cycle("2021-06-03 09:00")
    stage.service.marker.file.unlink()
    held = stage.cycle("2021-06-07 09:00").messages["held"]
    assert held == (1 if stage.engine.dialect.name == "sqlite" else 0)


def test_a_database_from_before_there_were_markers_is_taken_as_it_is(stage):
    stage.measure("1", "2021-06-10")
    guarded, stage.service = stage.service, replace(stage.service, marker=None)
    stage.cycle("2021-06-03 09:00")
    stage.service = guarded
    assert stage.cycle("2021-06-07 09:00").messages == {"sent": 1}


def test_a_release_of_newer_ones_keeps_the_older_reminders_held(stage):
    stage.service = replace(stage.service, rules=(a_rule("deadline", before=[7, 3]), a_rule("nudge")))
    new = {"known_on": date(2021, 6, 2)}
    stage.measure("1", "2021-06-10", **new)  # 7 days before it: the third, 3 days before it: the seventh, a Monday
    stage.measure("2", "2021-06-13", **new)  # 7 days before it is a Sunday: the Friday before, the fourth
    stage.cycle("2021-06-02 09:00")
    backup = snapshot(stage)
    stage.cycle("2021-06-07 09:00")
    restore(stage, backup)
    stage.cycle("2021-06-07 10:00")
    freed = let_go(stage, "2021-06-07 11:00", at("2021-06-07 00:00"))
    assert len(freed) == 1
    sent, kept = stage.messages()
    rows = {(row.rule, str(row.at.date()), row.message_pk) for row in stage.reminders() if row.message_pk}
    assert rows == {
        ("deadline", "2021-06-07", sent.id),
        ("nudge", "2021-06-07", sent.id),
        ("deadline", "2021-06-04", kept.id),
    }
    assert stage.cycle("2021-06-07 11:00").messages == {"sent": 1}
    assert [(row.state, row.why) for row in stage.messages()] == [("sent", ""), ("held", "guard")]
    let_go(stage, "2021-06-07 12:00")
    assert stage.cycle("2021-06-07 12:00").messages == {"sent": 1}


class Machine:
    """A daemon's two clocks: the wall clock, which can be set, and a steady one."""

    def __init__(self, stage, instant):
        self.stage, self.wall, self.steady = stage, at(instant), 1000.0
        self.watch = Watch(lambda: self.wall, lambda: self.steady)

    def beat(self, seconds=30.0, set_by=timedelta()):
        self.steady += seconds
        self.wall += timedelta(seconds=seconds) + set_by
        return cycle.run(self.stage.service, lambda: self.wall, watch=self.watch).messages

    def beats(self, until):
        while self.wall < at(until):
            self.beat(600)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1), timedelta(days=400)])
def test_robfig_cron_26_a_clock_that_jumps_ahead_inside_a_running_daemon_holds_and_plans_nothing(stage, jump):
    stage.measure("1", "2021-06-08", known_on=date(2021, 6, 4))
    stage.service = replace(stage.service, rules=(a_rule("deadline", before=[1, 0]), a_rule("nudge")))
    machine = Machine(stage, "2021-06-04 09:30")
    machine.beat()
    known = len(stage.reminders())
    with writing(stage.engine) as session:
        last = recall(session).last_at
    machine.beat(set_by=jump)
    assert machine.beat() == {}
    assert machine.beat(set_by=-jump) == {}  # set right again: it still waits for a person
    with writing(stage.engine) as session:
        assert recall(session).held_why == "clock_jumped"
        assert recall(session).last_at == last
        release(session, machine.wall)
    assert len(stage.reminders()) == known
    machine.beats("2021-06-07 09:20")  # a Monday, and one day before the deadline
    assert [row.state for row in stage.messages()] == ["sent"]
    assert {row.late for row in stage.reminders()} == {False}


def test_a_clock_that_jumped_and_is_right_now_is_believed_after_a_release(stage):
    stage.measure("1", "2021-06-08", known_on=date(2021, 6, 4))
    stage.service = replace(stage.service, rules=(a_rule("deadline", before=[1, 0]), a_rule("nudge")))
    machine = Machine(stage, "2021-06-04 09:30")
    machine.beat()
    machine.beat(set_by=timedelta(days=4))
    [notice] = stage.rows(NoticeRow)
    assert (notice.facts["why"], notice.facts["n"]) == ("clock_jumped", "1")  # what would go if it were believed
    let_go(stage, "2021-06-08 09:31")
    assert machine.beat() == {"sent": 1}


def test_a_clock_that_stands_behind_the_last_cycle_holds_and_a_release_believes_it(stage):
    stage.measure("1", "2021-06-08")
    stage.cycle("2021-06-09 09:00")  # by a clock that was wrong
    stage.measure("2", "2021-06-08", ("财政局",), known_on=date(2021, 6, 4))
    stage.service = replace(stage.service, rules=(a_rule("nudge"),))
    machine = Machine(stage, "2021-06-04 09:30")
    assert machine.beat() == {}
    with writing(stage.engine) as session:
        assert recall(session).held_why == "clock_behind"
        release(session, machine.wall)
        assert recall(session).last_at == machine.wall
    machine.beats("2021-06-07 09:20")
    assert [row.recipient for row in stage.messages()] == ["建设局", "财政局"]


@pytest.mark.parametrize("seconds", [29, 30, 900, 86_400])
def test_a_machine_that_slept_or_was_busy_has_not_jumped(stage, seconds):
    stage.measure("1", "2021-06-08", known_on=date(2021, 6, 4))
    stage.service = replace(stage.service, rules=(a_rule("deadline", before=[1, 0]), a_rule("nudge")))
    machine = Machine(stage, "2021-06-04 09:30")
    for _ in range(3):
        machine.beat(seconds)
    with writing(stage.engine) as session:
        assert recall(session).held_why == ""


def test_one_cycle_by_hand_never_holds_for_its_clock(stage):
    stage.measure("1", "2021-06-08")
    stage.cycle("2021-06-09 09:00")
    assert stage.cycle("2021-06-04 09:30").messages == {}
    assert stage.cycle("2022-06-09 09:30").messages["held"] == 0
    with writing(stage.engine) as session:
        assert session.exec(select(CycleRow)).one().held_why == ""


def test_messages_tried_before_the_hold_keep_their_identity_and_wait(stage):
    stage.measure("1", "2021-06-10")
    stage.cycle("2021-06-03 09:00")
    backup = snapshot(stage)
    with writing(stage.engine) as session:
        fixed = {"written_at": at("2021-06-03"), "addresses": ["a@example.org"]}
        when = {"due_at": at("2021-06-03"), "created_at": at("2021-06-03"), "next_attempt_at": at("2021-06-03 09:10")}
        row = MessageRow(
            message_id=UNKNOWN, state="unknown", channel="mail", recipient="建设局", attempts=1, **fixed, **when
        )
        session.add(row)
        session.flush()
        session.add(PayloadRow(message_pk=row.id, content=b"Subject: x\n\nfixed"))
        session.add(DeliveryRow(message_pk=row.id, at=at("2021-06-03"), outcome="unknown"))
    backup |= {table.__table__: snapshot(stage)[table.__table__] for table in (MessageRow, PayloadRow, DeliveryRow)}
    stage.service.marker.write(at("2021-06-05"))
    restore(stage, backup)
    stage.cycle("2021-06-06 09:00")
    tried = next(row for row in stage.messages() if row.message_id == UNKNOWN)
    assert (tried.state, tried.why, tried.next_attempt_at) == ("unknown", "guard", None)
    let_go(stage, "2021-06-07 10:00")
    stage.cycle("2021-06-07 10:00")
    assert {row.state for row in stage.messages()} == {"sent"}
    with Session(stage.engine) as session:
        assert payload_of(session, tried.id) == b"Subject: x\n\nfixed"


def test_a_clock_years_ahead_drops_nothing_as_too_old(stage):
    stage.measure("1", "2021-06-08", known_on=date(2021, 6, 4))
    stage.service = replace(stage.service, rules=(a_rule("deadline", before=[4]),))
    machine = Machine(stage, "2021-06-04 09:30")
    machine.beat()
    assert [row.state for row in stage.messages()] == ["sent"]
    machine.beat(set_by=timedelta(days=20 * 365))
    machine.beat()
    assert [row.state for row in stage.messages()] == ["sent"]
