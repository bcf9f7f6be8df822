"""One condition by many values: they travel as one parameter, whatever stands in them, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import literal, not_, select
from sqlmodel import Session

from reminder.store.among import among
from reminder.store.engine import open_engine

NASTY = ["", "NULL", "null", 'a"b', "c\\d", '\\"', "o'q", "{x,y}", "a,b", " 前后 ", "第一\n第二\t", "%s", ":x", "😀"]


@pytest.fixture
def session(database, tmp_path):
    engine = open_engine(database or f"sqlite:///{tmp_path / 'some.db'}")
    with Session(engine) as session:
        yield session
    engine.dispose()


def holds(session, condition):
    return bool(session.connection().scalar(select(condition)))


@pytest.mark.parametrize("value", NASTY)
def test_a_text_is_found_among_others(session, value):
    assert holds(session, among(session, literal(value), NASTY))
    assert not holds(session, among(session, literal(value), [one for one in NASTY if one != value]))


def test_numbers_are_found_among_thousands(session):
    even = range(0, 20_000, 2)
    assert holds(session, among(session, literal(7_654), even))
    assert not holds(session, among(session, literal(7_655), even))


@pytest.mark.parametrize("value", [7, "七"])
def test_nothing_is_among_no_values(session, value):
    assert holds(session, not_(among(session, literal(value), [])))
