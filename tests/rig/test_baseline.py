"""What plain APScheduler with a job store and smtplib loses and doubles under the same kills, and what this does.

`python -m tests.rig baseline` gives the figures that stand in the README.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.rig import baseline

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def unhurried(peer):
    """The peer, which greets as late as servers do that wait for spammers to speak first.

    At one that answers at once, on a machine that is slow to commit, each of their jobs is done before the next has
    left the job store, and a kill may cost them nothing.
    """
    peer.order(pause=1.0)
    yield peer
    peer.order(pause=0.0)


def test_healthchecks_212_the_same_kills_cost_them_letters_and_us_none(tmp_path, unhurried):
    theirs = baseline.theirs(tmp_path, unhurried, 1, Random(1))
    ours = baseline.ours(tmp_path, unhurried, 1, Random(1))
    assert theirs["kills"] > 3
    assert theirs["lost"] + theirs["doubled"] > 0
    assert (ours["kills"], ours["lost"], ours["doubled"]) == (6, 0, 0)
