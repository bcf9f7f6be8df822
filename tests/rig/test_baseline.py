"""What plain APScheduler with a job store and smtplib loses and doubles under the same kills, and what this does.

`python -m tests.rig baseline` gives the figures that stand in the README.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.rig import baseline

pytestmark = pytest.mark.usefixtures("warm")


def test_healthchecks_212_the_same_kills_cost_them_letters_and_us_none(tmp_path, peer):
    theirs, ours = baseline.theirs(tmp_path, peer, 1, Random(1)), baseline.ours(tmp_path, peer, 1, Random(1))
    assert theirs["kills"] > 3
    assert theirs["lost"] + theirs["doubled"] > 0
    assert (ours["kills"], ours["lost"], ours["doubled"]) == (6, 0, 0)
