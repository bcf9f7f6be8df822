"""在台账里找字词：按索引找到的，与逐条看的一样；改过、删掉的措施也一样。"""

from __future__ import annotations

import random
from datetime import date

import pytest
from sqlalchemy import delete, text
from sqlmodel import col, select

from reminder.store import listing
from reminder.store import words as index
from reminder.store.copying import copy_database
from reminder.store.engine import open_engine, reading, upgrade, writing
from reminder.store.listing import ORDERS, PAGE, Wanted, listed
from reminder.store.tables import MeasureRow
from tests.integration.stage import emptied

TODAY = date(2021, 6, 7)
LETTERS = "清理往来款项目管完善制度甲乙12%_'\"\\:&| \n（）PPPx"
LOOKED_FOR = [
    *("款", "目", "%", "_", "'", '"', "\\", ":", "x", "12", "清理", "款项", "%_", "\\'", '"\\', ": &"),
    *("往来款", "完善制度", "没有", "鬱", "没有的词", "款项目管", "理" * 70, "7"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        emptied(url)
    made = open_engine(url if request.param == "postgresql" else f"sqlite:///{tmp_path}/reminder.db")
    upgrade(made)
    yield made
    made.dispose()


def scribbled(luck, most=30):
    return "".join(luck.choice(LETTERS) for _ in range(luck.randrange(most)))


def filled(engine, luck, count=400):
    with writing(engine) as session:
        for n in range(1, count + 1):
            told = {"text": scribbled(luck), "problem_text": scribbled(luck, 12), "ledger": luck.choice(("", "审计"))}
            common = {"deadline_kind": "empty", "status": "in_progress", "known_on": TODAY}
            session.add(MeasureRow(id=n, code=str(n), aspect=luck.choice("甲乙"), **told, **common))


def by_hand(session, words, **same):
    """What is found by reading every text."""
    every = session.exec(select(MeasureRow).order_by(col(MeasureRow.ledger), col(MeasureRow.id))).all()
    return [
        one.id
        for one in every
        if (words == one.code or words in one.text or words in one.problem_text)
        and all(getattr(one, name) == value for name, value in same.items())
    ]


def found(session, words, order=ORDERS[0], **same):
    wanted = Wanted(words=words, **same)
    first = listed(session, wanted, TODAY, order)
    pages = [first, *(listed(session, wanted, TODAY, order, n) for n in range(2, first.last + 1))]
    return [one.id for page in pages for one in page.measures]


def test_words_are_found_as_by_hand_after_every_change(engine):
    luck = random.Random(5)
    filled(engine, luck)
    for changes in range(3):
        with reading(engine) as session:
            for words in LOOKED_FOR:
                assert found(session, words) == by_hand(session, words), (changes, words)
                assert found(session, words, aspect="甲") == by_hand(session, words, aspect="甲"), (changes, words)
        with writing(engine) as session:
            for row in session.exec(select(MeasureRow).where(col(MeasureRow.id) % 7 == changes)):
                row.text, row.percent = scribbled(luck), 10
            session.flush()
            session.connection().execute(delete(MeasureRow).where(col(MeasureRow.id) % 11 == changes))


@pytest.mark.parametrize("order", ORDERS)
def test_words_that_stand_nearly_everywhere_are_found_whole_too(engine, monkeypatch, order):
    monkeypatch.setattr(listing, "MOST", 20)
    monkeypatch.setattr(listing, "MOST_BESIDE", 60)
    filled(engine, random.Random(6))
    with reading(engine) as session:
        for words in ("款", "清理", "x"):
            assert found(session, words, order)
            assert found(session, words, aspect="乙") == by_hand(session, words, aspect="乙")
        first = listed(session, Wanted(words="款"), TODAY, order).measures
        assert len(first) == PAGE
        assert {one.id for one in first} <= set(by_hand(session, "款"))


def test_neither_database_reads_every_text(engine):
    filled(engine, random.Random(7))
    rare = {"往来款项": "of three characters and more", "鬱": "one", "鬱鬯": "two"}
    with writing(engine) as session:
        if engine.dialect.name == "postgresql":
            session.connection().execute(text("SET LOCAL enable_seqscan = off"))  # of 400 rows reading all is cheapest
        for words in rare:
            ids = index.named(session, words, 100).ids
            explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
            told = text(explain + ids.text).bindparams(**ids.compile().params)
            plan = " ".join(str(row) for row in session.connection().execute(told))
            assert "ix_measure_words" in plan or "VIRTUAL TABLE INDEX" in plan, plan


def test_a_measure_that_is_found_before_the_migration_is_found_after_it(tmp_path):
    made = open_engine(f"sqlite:///{tmp_path}/reminder.db")
    upgrade(made)
    filled(made, random.Random(8), 50)
    other = open_engine(f"sqlite:///{tmp_path}/other.db")
    copy_database(made, other)
    for engine in (made, other):
        with reading(engine) as session:
            assert found(session, "款") == by_hand(session, "款") != []


def test_a_database_without_an_index_of_words_is_read_through(tmp_path, monkeypatch):
    made = open_engine(f"sqlite:///{tmp_path}/reminder.db")
    upgrade(made)
    filled(made, random.Random(9), 80)
    with writing(made) as session:
        for name in ("in", "out", "anew"):
            session.connection().execute(text(f"DROP TRIGGER measure_words_{name}"))
        for name in ("measure_words_by_piece", "measure_words"):
            session.connection().execute(text(f"DROP TABLE {name}"))
    with reading(made) as session:
        assert index.named(session, "款", 100) == index.Named(None)
        assert found(session, "款") == by_hand(session, "款") != []
