"""2027 has no calendar yet: what is guessed goes early, is marked, and is not told again once the days are typed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from reminder.rules.calendar import Calendar, days, published_years
from tests.integration.stage import Stage
from tests.makers import a_practice, a_rule

# chinesecalendar knows 2027 once the notice of autumn 2026 is out: then this year must be moved on.
GUESSED = max(published_years()) + 1


def typed_in(stage, **days_):
    known = {name: frozenset(map(date.fromisoformat, given)) for name, given in days_.items()}
    calendar = Calendar(**known, covered_years=frozenset({GUESSED}))
    stage.service = replace(stage.service, practice=replace(stage.service.practice, calendar=calendar))


def live(stage, first, last):
    for day in days(date.fromisoformat(first), date.fromisoformat(last)):
        stage.cycle(f"{day} 09:00")


@pytest.fixture
def stage(tmp_path, database):
    made = Stage(tmp_path, database, rules=(a_rule("deadline", before=["5wd"]),), practice=a_practice())
    yield made
    made.engine.dispose()


@pytest.mark.skipif(GUESSED != 2027, reason="its days are those of January 2027")
def test_a_day_that_the_calendar_moves_later_is_not_told_twice(stage):
    stage.measure("73", "2027-01-20", known_on=date(2027, 1, 4))
    live(stage, "2027-01-04", "2027-01-13")  # five working days before, as guessed
    assert [(str(one.occasion), one.provisional) for one in stage.reminders()] == [("2027-01-13", True)]
    typed_in(stage, work=["2027-01-16"])  # a make-up Saturday: now it is Thursday the 14th
    live(stage, "2027-01-14", "2027-01-20")
    assert len(stage.letters()) == 1
    assert [(str(one.occasion), one.outcome, one.outcome_reason) for one in stage.reminders()][1:] == [
        ("2027-01-14", "superseded", {"code": "superseded", "facts": {"by": "2027-01-13"}})
    ]


@pytest.mark.skipif(GUESSED != 2027, reason="its days are those of January 2027")
def test_a_day_that_was_not_told_yet_is_told_on_its_new_day(stage):
    stage.measure("73", "2027-01-20", known_on=date(2027, 1, 4))
    live(stage, "2027-01-04", "2027-01-11")
    typed_in(stage, off=["2027-01-15"])
    live(stage, "2027-01-12", "2027-01-20")
    assert [(str(one.occasion), one.provisional, one.outcome) for one in stage.reminders()] == [
        ("2027-01-12", False, None)
    ]


@pytest.mark.skipif(GUESSED != 2027, reason="its days are those of January 2027")
def test_an_extension_is_counted_down_anew_after_a_guess(stage):
    stage.measure("73", "2027-01-20", known_on=date(2027, 1, 4))
    live(stage, "2027-01-04", "2027-01-13")
    stage.extended("73", "2027-01-13", "2027-01-29")
    live(stage, "2027-01-14", "2027-01-29")
    assert [str(one.occasion) for one in stage.reminders() if one.outcome is None] == ["2027-01-13", "2027-01-22"]
