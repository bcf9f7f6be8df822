"""台账的排序、颜色和统计：数据库算的，与逐条算的一样。"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest

from reminder.domain.measure import DeadlineKind, Status
from reminder.office.statistics import COLOURS, movement
from reminder.store.engine import reading, writing
from reminder.store.listing import ORDERS, PAGE, Wanted, choices, listed, unconfirmed
from reminder.store.measures import load_measures
from reminder.store.names import count_by_status
from reminder.store.tables import MeasureRow

TODAY = date(2021, 6, 7)
LONG_AGO, FAR_OFF = date.min, date.max


def a_day(luck, chance):
    return TODAY + timedelta(luck.randrange(-60, 60)) if luck.random() < chance else None


@pytest.fixture
def ledger(desk):
    luck = random.Random(7)
    with writing(desk.engine) as session:
        for n in range(1, 181):
            status = luck.choice([*Status])
            is_open = status.value in ("not_started", "in_progress", "phase_complete")
            session.add(
                MeasureRow(
                    id=n,
                    code=str(n),
                    text=luck.choice(("清理往来款", "完善制度", "100%到位")),
                    ledger=luck.choice(("", "审计")),
                    aspect=luck.choice(("甲", "乙", "丙")),
                    leader=luck.choice((None, "分管")),
                    deadline_kind=luck.choice([*DeadlineKind]).value,
                    deadline_on=a_day(luck, 0.8),
                    deadline_confirmed=luck.random() < 0.8,
                    progress_on=a_day(luck, 0.7),
                    status=status.value,
                    closed_on=None if is_open else TODAY - timedelta(luck.randrange(80)),
                    known_on=TODAY - timedelta(luck.randrange(90)),
                    tags=luck.choice(([], ["专班"], ["专班二"])),
                )
            )
    with reading(desk.engine) as session:
        return load_measures(session)


def pages(desk, wanted, order):
    with reading(desk.engine) as session:
        first = listed(session, wanted, TODAY, order)
        more = [listed(session, wanted, TODAY, order, page) for page in range(2, first.last + 1)]
    return first.total, [one.id for page in (first, *more) for one in page.measures]


SORTED = {
    "ledger": lambda one: (one.ledger, one.id),
    "deadline": lambda one: (one.deadline.on or FAR_OFF, one.id),
    "-deadline": lambda one: (FAR_OFF - (one.deadline.on or LONG_AGO), one.id),
    "-progress": lambda one: (FAR_OFF - (one.progress_on or LONG_AGO), one.id),
}
LOOKED_FOR = [
    (Wanted(), lambda one: True),
    *(
        (Wanted(colour=colour), lambda one, colour=colour: one.chased_on(TODAY) and one.colour(TODAY) == colour)
        for colour in ("red", "yellow", "green")
    ),
    (Wanted(colour="none"), lambda one: one.chased_on(TODAY) and not one.colour(TODAY)),
    (Wanted(aspect="甲", status="claimed"), lambda one: one.aspect == "甲" and one.status == "claimed"),
    (Wanted(leader="分管", tag="专班"), lambda one: one.leader == "分管" and "专班" in one.tags),
    (Wanted(words="100%", ledger="审计"), lambda one: "100%" in one.text and one.ledger == "审计"),
]


@pytest.mark.parametrize("everywhere", [False, True], ids=["few", "everywhere"])
@pytest.mark.parametrize("order", ORDERS)
def test_the_ledger_is_found_and_ordered_as_by_hand(desk, ledger, monkeypatch, order, everywhere):
    if everywhere:  # more than are put in order at once
        monkeypatch.setattr("reminder.store.listing._SORTED", 3)
    for wanted, meets in LOOKED_FOR:
        by_hand = sorted((one for one in ledger if meets(one)), key=SORTED[order])
        assert pages(desk, wanted, order) == (len(by_hand), [one.id for one in by_hand]), wanted
    assert len(ledger) > 3 * PAGE


def test_what_is_counted_is_what_there_is(desk, ledger):
    with reading(desk.engine) as session:
        assert count_by_status(session) == {status.value: 0 for status in Status} | Counter(
            one.status for one in ledger
        )
        assert choices(session)["aspect"] == sorted({"甲", "乙", "丙"})
        doubtful = [one for one in ledger if one.chased_on(TODAY) and one.deadline.on and not one.deadline.confirmed]
        assert unconfirmed(session) == len(doubtful) > 0


def test_the_pictures_count_every_day_as_by_hand(desk, ledger):
    days = [TODAY - timedelta(7 * n) for n in reversed(range(8))]
    with reading(desk.engine) as session:
        moved = movement(session, days)
    for place, day in enumerate(days):
        were_open = [one for one in ledger if one.known_on <= day and (one.closed_on is None or one.closed_on > day)]
        colours = Counter(one._replace(status=Status.IN_PROGRESS).colour(day) or "none" for one in were_open)
        assert {name: moved.by_colour[name][place] for name in COLOURS} == {name: colours[name] for name in COLOURS}
        aspects = Counter(one.aspect for one in were_open)
        assert {name: counts[place] for name, counts in moved.by_aspect.items()} == dict(aspects)
