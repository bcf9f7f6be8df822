"""What the rigs' tests share: one receiver for each test process, and victims that inherit a warm parent."""

from __future__ import annotations

import pytest

from tests.rig import peers
from tests.rig.kills import Trial


@pytest.fixture(scope="session")
def peer():
    """A receiver in its own process."""
    with peers.receiver() as running:
        yield running


@pytest.fixture(scope="session")
def warm(peer, tmp_path_factory):
    """One cycle lived in this process, so that what is forked from it is quick."""
    for kind in ("email", "webhook"):
        Trial(tmp_path_factory.mktemp("warm"), peer, kind).warm()
