"""The database is ill: no room, read-only, locked by somebody else. Nothing half done, told, taken up again alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.rig.fleet import fleet
from tests.rig.peers import ROOT

# In a mount namespace of its own: a small disk, filled, and given room again. It has room for the database and its
# log; the receiver's ledger lies elsewhere: what was accepted must be known where nothing can be written.
FULL_DISK = textwrap.dedent("""
    import os, pathlib, sys
    from sqlalchemy.exc import OperationalError
    from datetime import timedelta
    from reminder import cycle
    from tests.rig.kills import Trial, NOW
    from tests.rig.peers import receiver
    folder = pathlib.Path(sys.argv[1])
    with receiver() as peer:
        trial = Trial(folder, peer, "email")
        peer.fresh(folder.parent / "ledger.jsonl")
        trial.engine.dispose()
        ballast = folder / "ballast"
        with ballast.open("wb", buffering=0) as filled:
            try:
                while True:
                    filled.write(b"x" * 4096)
            except OSError as full:
                assert full.errno == 28, full
        failed = 0
        for minute in (0, 1):
            try:
                cycle.run(trial.service(), lambda: NOW + timedelta(minutes=minute))
            except OperationalError as error:
                assert "full" in str(error) or "I/O" in str(error), error
                failed += 1
        assert failed, "the disk was not full"
        ballast.unlink()
        assert trial._damage() == [], "half a commit"
        trial.cycles = 1
        trial.heirs()
        print(trial.verdict())
""")


def _namespaces() -> str:
    """Why no disk of our own can be mounted here; "" where it can."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "there is no unshare"
    tried = subprocess.run(
        [unshare, "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"no user namespaces: {tried.stderr.strip()}"


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_a_full_disk_loses_nothing_and_is_taken_up_again(tmp_path):
    if why := _namespaces():
        pytest.skip(why)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size=8m none "{disk}" && exec "{sys.executable}" -c "$0" "{disk}"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, FULL_DISK],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "[]"


def test_a_locked_database_is_waited_for_and_taken_up_again(tmp_path, peer):
    """Another writer for longer than the service waits: the daemon lives, says so, and goes on by itself."""
    with fleet(tmp_path, None, peer, units=5, rules=1) as running:
        with _locked(tmp_path / "reminder.db"):
            daemon = running.start()
            _until(lambda: "is locked" in running.logs(), 90)
            assert daemon.poll() is None
            assert running.copies().total() == 0
        running.arrived(120)
        running.settled(60)
        assert running.copies().total() == running.due
        assert daemon.poll() is None


def test_a_database_that_cannot_be_written_ends_no_daemon(tmp_path, peer):
    """SQLite says so by its own error: a trigger that refuses stands for a file system that does."""
    with fleet(tmp_path, None, peer, units=5, rules=1) as running:
        with sqlite3.connect(tmp_path / "reminder.db") as database:
            database.execute(
                "CREATE TRIGGER refused BEFORE INSERT ON reminder BEGIN SELECT RAISE(FAIL, 'attempt to write'); END"
            )
        daemon = running.start()
        _until(lambda: "attempt to write" in running.logs(), 60)
        assert daemon.poll() is None
        with sqlite3.connect(tmp_path / "reminder.db") as database:
            database.execute("DROP TRIGGER refused")
        running.arrived(120)
        running.settled(60)
        assert running.copies().total() == running.due


class _locked:
    """The database under somebody else's write lock."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self._database.execute("ROLLBACK")
        self._database.close()


def _until(true, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)
