"""Changes of status dated before and after one another."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminder.domain.history import closed_since, moved, status_at
from reminder.domain.measure import OPEN, Change, Status
from tests.makers import a_measure

DAYS = st.dates(date(2021, 4, 1), date(2021, 4, 20))
ACTS = st.lists(st.tuples(DAYS, st.sampled_from(Status)), min_size=1, max_size=8)


def told(acts):
    """The changes that `acts`, recorded one after the other, leave behind."""
    changes = []
    for on, status in acts:
        changes += moved(changes, on, status)
    return changes


def days(*texts):
    return [Change(date(2021, 4, int(text.split()[0])), Status(text.split()[1])) for text in texts]


CLOSED = [
    ([], None),
    (["1 in_progress"], None),
    (["1 written_off"], 1),
    (["1 claimed", "3 written_off"], 1),
    (["1 written_off", "3 in_progress"], None),
    (["1 written_off", "3 in_progress", "5 declined"], 5),
    (["1 suspended", "3 in_progress", "3 written_off"], 1),
]


@pytest.mark.parametrize(("changes", "day"), CLOSED)
def test_closed_since(changes, day):
    assert closed_since(days(*changes)) == (day and date(2021, 4, day))


@given(ACTS)
def test_the_latest_word_holds_from_its_day_on(acts):
    changes = told(acts)
    on, status = acts[-1]
    assert all(status_at(changes, date(2021, 4, day), Status.IN_PROGRESS) is status for day in range(on.day, 30))


@given(ACTS)
def test_measures_and_this_module_read_history_alike(acts):
    changes = sorted(told(acts), key=lambda change: change.on)
    measure = a_measure(changes=tuple(changes), status=changes[-1].status)
    for day in range(1, 25):
        assert measure.status_on(date(2021, 4, day)) is status_at(changes, date(2021, 4, day), Status.IN_PROGRESS)
    since = closed_since(changes)
    assert (since is None) is (changes[-1].status in OPEN)
    assert since is None or measure.status_on(since) not in OPEN
