"""The rigs can fail: each of twelve planted mutants is caught, and the same scenario without it finds nothing."""

from __future__ import annotations

import pytest

from tests.rig.mutants import MUTANTS, nothing

pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_mutant_is_caught(tmp_path, peer, name):
    mutant = MUTANTS[name]
    assert mutant.scenario(tmp_path, peer, nothing, nothing) == []
    assert mutant.scenario(tmp_path, peer, mutant.plant, mutant.planted) != []
