"""The oracle's worlds as single tests, for `mutation`; the bounded and the long form are in `test_oracle`."""

from __future__ import annotations

import pytest

from tests.rig import program, worlds


@pytest.mark.parametrize("seed", range(worlds.HUNTING))
def test_world(seed):
    assert program.planned(worlds.world(seed)) == worlds.expected(seed)
