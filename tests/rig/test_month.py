"""A month with faults everywhere: the receivers' ledger equals the oracle.

`python -m tests.rig month --times 50` runs the long form: 500 measures of 30 units, 50 seeds.
"""

from __future__ import annotations

import pytest

from tests.rig.month import Life, a_month
from tests.rig.verdict import judge


def lived(tmp_path, peer, seed, p):
    life = Life(a_month(seed, units=8, measures=100), tmp_path / "office", peer, p)
    life.live()
    return judge(life)


@pytest.mark.parametrize("seed", range(3))
def test_a_month_with_faults_ends_as_the_oracle_says(tmp_path, peer, seed):
    verdict = lived(tmp_path, peer, seed, 0.2)
    assert verdict.wrong == []
    assert verdict.figures["faults met"] > 10
    assert verdict.figures["jumps of the clock"] == 2


def test_without_faults_everything_comes_once_and_in_time(tmp_path, peer):
    verdict = lived(tmp_path, peer, 7, 0)
    assert verdict.wrong == []
    kinds = ("late", "copies more than one", "refused for good", "superseded in downtime")
    assert [verdict.figures[kind] for kind in kinds] == [0, 0, 0, 0]
