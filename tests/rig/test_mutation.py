"""The mutation rig itself: what it changes, what it leaves alone, and that a change is really planted."""

from __future__ import annotations

import ast
from datetime import date
from random import Random

import pytest

from reminder.rules.calendar import Calendar
from tests.rig.changes import ROOT, TARGETS, changed, mutants
from tests.rig.mutation import loaded, plant

EVERY = [mutant for path in TARGETS for mutant in mutants(path)]


@pytest.mark.parametrize("mutant", Random(1).sample(EVERY, 25), ids=str)
def test_each_mutant_changes_its_file_in_one_place_and_still_compiles(mutant):
    honest = ast.parse(mutant.path.read_text(encoding="utf-8"))
    tree = changed(mutant)
    assert ast.dump(tree) != ast.dump(honest)
    compile(tree, str(mutant.path), "exec")
    assert mutant.line in mutant.lines


def test_what_only_people_read_is_left_alone(tmp_path):
    source = tmp_path / "some.py"
    source.write_text('"""Doc."""\nclass A:\n    """Doc."""\n\n    n: "int" = field(description="x", frozen=True)\n')
    assert list(mutants(source)) == []


def test_a_planted_change_is_in_force_at_once_and_can_be_taken_back():
    calendar = ROOT / "reminder/rules/calendar.py"
    wrong = next(m for m in EVERY if m.path == calendar and "day += ONE_DAY" in m.what)
    before = Calendar.on_or_after.__code__
    try:
        assert plant(wrong, loaded())
        assert Calendar().on_or_after(date(2021, 6, 12)) == date(2021, 6, 11)
    finally:
        Calendar.on_or_after.__code__ = before
    assert Calendar().on_or_after(date(2021, 6, 12)) == date(2021, 6, 15)
