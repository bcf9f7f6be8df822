"""Sixty simulated days in one process. `python -m tests.rig soak` lives a year."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.rig.peers import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_long_life_keeps_its_memory_and_its_descriptors():
    """In a process of its own, which has done nothing else."""
    command = [sys.executable, "-m", "tests.rig", "soak", "--times", "60"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["descriptors"] <= 2
    assert last["threads"] <= 1
    assert last["growth in 30 days, MB"] <= 3  # a short life is noisier than the year of the long form
