"""What decided on a day, written down and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from reminder.config.example import write_example
from reminder.config.load import inspect
from reminder.config.record import as_it_was, as_record
from reminder.rules.kinds import KINDS
from tests.makers import a_rule

SPECIAL = [
    a_rule("deadline", before=[14, "5wd", 0], at="08:45", **{"from": date(2021, 5, 1), "except": {"tag": ["专班"]}}),
    a_rule(
        "overdue", every=[1, 3, 7], escalate=[{"after": "15wd", "colour": "red", "to": ["leader"]}], leaders_on="monday"
    ),
    a_rule("nudge", on={"every": 2, "week": "monday", "since": date(2021, 4, 5)}, match={"standing": True}),
    a_rule("nudge", on=["monday", "thursday"], was="old", merge=False),
    a_rule("report", chase={"from": "monday 09:30", "every": "1wd", "until": "thursday"}),
    a_rule("duty", due={"dates": [date(2021, 6, 1)], "hour": "12:00"}, min=2),
]


@pytest.fixture
def configuration(tmp_path):
    write_example(tmp_path / "office")
    found, faults = inspect(tmp_path / "office")
    assert found, faults
    return found


def test_rules_calendar_and_outside_units_come_back_as_they_were(configuration):
    rules = (*(a_rule(kind) for kind in KINDS), *SPECIAL)
    before = replace(configuration, rules=rules)
    record = json.loads(json.dumps(as_record(before)))
    era = as_it_was(record, configuration)
    assert era.rules == rules
    assert replace(era.practice, calendar=replace(era.practice.calendar, published_to=None)) == before.practice
    assert era.directory == configuration.directory


def test_a_year_that_was_not_published_then_is_not_known_to_the_past(configuration):
    record = as_record(configuration)
    record["calendar"]["published_to"] = 2020
    past = as_it_was(record, configuration).practice.calendar
    assert configuration.practice.calendar.certain(date(2021, 5, 4))
    assert not past.certain(date(2021, 5, 4))
    assert past.covered_to() == 2020
    assert past.is_working_day(date(2021, 5, 4))  # no fixed holiday: a guess that the notice overruled


def test_a_record_of_another_version_is_not_read(configuration):
    record = as_record(configuration)
    with pytest.raises((KeyError, ValueError)):
        as_it_was(record | {"rules": [{"name": "n", "kind": "unheard_of"}]}, configuration)
    with pytest.raises((KeyError, ValueError)):
        as_it_was(record | {"rules": [{"name": "n", "kind": "nudge", "gone": 1}]}, configuration)
