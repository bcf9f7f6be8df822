"""What is due is asked of an index: no statement of a heartbeat walks through the ledger."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from reminder.cycle import enqueue
from reminder.rules.rule import Facts, Span
from reminder.scan import scan
from reminder.store.engine import reading
from tests.integration.stage import Stage
from tests.makers import a_directory, a_measure, a_practice, a_rule, at

MONDAY = date(2021, 6, 7)
WAITING = ("ix_message_waiting", "ix_message_claim")
BIG = ("measure", "measure_unit", "event", "message", "reminder", "delivery")


@pytest.fixture
def stage(tmp_path):
    """An office with open and closed measures on many days, answered for up to last Friday."""
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7, "5wd", 0]), a_rule("overdue", every=[1, 3])))
    for n in range(60):
        closed = {"status": "written_off", "closed_on": MONDAY - timedelta(days=n)} if n % 3 == 0 else {}
        stage.measure(str(n), str(MONDAY + timedelta(days=n - 30)), **closed)
    enqueue(stage.service, at("2021-06-04 09:00"))
    return stage


def statements(stage, work):
    """What `work` asks the database, each statement with SQLite's plan for it."""
    said = []

    def listen(_connection, cursor, statement, parameters, _context, many):
        if not many and statement.split()[0] in ("SELECT", "UPDATE", "DELETE"):
            plan = stage.plans.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            said.append((statement, [step for *_, step in plan]))

    with stage.engine.connect() as plans:
        stage.plans = plans.connection.driver_connection.cursor()
        event.listen(stage.engine, "before_cursor_execute", listen)
        work()
        event.remove(stage.engine, "before_cursor_execute", listen)
    return said


def walked(said):
    """The steps that read a whole big table; some indexes hold nothing but the messages that wait."""
    steps = [step for _, plan in said for step in plan if not step.endswith(WAITING)]
    return [step for step in steps if step.split()[:2] in [["SCAN", name] for name in BIG]]


def test_the_rules_that_count_days_ask_the_index_of_open_deadlines(stage):
    span, practice = Span(MONDAY, MONDAY), a_practice()
    asked = [ask for rule in stage.service.rules for ask in rule.asks(span, practice)]

    def work():
        with reading(stage.engine) as session:
            assert scan(session, asked, (), a_directory(), MONDAY).measures

    said = statements(stage, work)
    assert walked(said) == []
    for index in ("ix_measure_open_deadline", "ix_measure_closed_on"):
        assert any(index in step for _, plan in said for step in plan)
    assert not any("ix_measure_deadline_on" in step for _, plan in said for step in plan)  # thousands


def test_a_heartbeat_with_nothing_to_answer_is_a_handful_of_indexed_questions(stage):
    said = statements(stage, lambda: enqueue(stage.service, at("2021-06-04 10:00")))
    assert walked(said) == []
    assert 1 <= len(said) <= 8


def test_a_heartbeat_sees_a_planted_walk(stage):
    def work():
        with reading(stage.engine) as session:
            session.execute(text("SELECT id FROM measure WHERE progress = 'x'"))

    assert walked(statements(stage, work)) == ["SCAN measure"]


@settings(max_examples=40, deadline=None)
@given(
    before=st.lists(st.one_of(st.integers(0, 40), st.integers(1, 25).map("{}wd".format)), min_size=1, max_size=4),
    first=st.dates(date(2021, 1, 1), date(2022, 3, 1)),
    length=st.integers(0, 20),
    lie=st.integers(-20, 120),
)
def test_a_countdown_asks_for_every_deadline_that_it_answers(before, first, length, lie):
    rule, span, practice = a_rule("deadline", before=before), Span(first, first + timedelta(days=length)), a_practice()
    deadline = first + timedelta(days=lie)
    asked = {day for ask in rule.asks(span, practice) for day in ask.on or ()}
    fired = list(rule.firings(Facts(measures=[a_measure(str(deadline))]), span, practice))
    assert deadline in asked or not fired
    assert fired or deadline not in asked  # and for no others
