"""`reminder plan` for days gone by: told by the limits of those days, as `explain` tells them."""

from __future__ import annotations

import pytest


def planned(desk, first, last, rule):
    lines = desk("plan", "--from", first, "--to", last, "--json").lines
    return [(line["at"][5:10], line["measures"][0]["days"]) for line in lines if line["rule"] == rule]


@pytest.fixture
def extended(desk):
    """Due on 10 June, extended on 8 June to the 28th."""
    desk.measure("73", "2021-06-10")
    words = ("--to", "2021-06-28", "--on", "2021-06-08", "--by", "张三", "--because", "汛期", "--allowed-by", "组长")
    assert desk("measure", "extend", "73", *words).code == 0
    return desk


def test_the_days_before_an_extension_count_from_the_deadline_of_those_days(extended):
    assert planned(extended, "2021-06-01", "2021-06-30", "approaching") == [
        ("06-03", [7]),
        ("06-07", [3]),
        ("06-21", [7]),
        ("06-25", [3]),
        ("06-28", [0]),
    ]


def test_from_the_day_of_the_extension_on_only_the_new_deadline_counts(extended):
    assert planned(extended, "2021-06-08", "2021-06-12", "approaching") == []


def test_a_day_before_it_is_planned_the_same_alone(extended):
    assert planned(extended, "2021-06-07", "2021-06-07", "approaching") == [("06-07", [3])]


def test_an_extension_of_an_overdue_measure_leaves_what_it_was_reminded_of_before(desk):
    desk.measure("73", "2021-06-01")
    words = ("--to", "2021-06-20", "--on", "2021-06-08", "--by", "张三", "--because", "汛期", "--allowed-by", "组长")
    assert desk("measure", "extend", "73", *words).code == 0
    assert planned(desk, "2021-06-01", "2021-06-30", "overdue") == [
        ("06-04", [3]),
        ("06-07", [6]),
        ("06-23", [3]),
        ("06-28", [6]),
        ("06-29", [9]),
    ]
