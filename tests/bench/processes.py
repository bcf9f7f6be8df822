"""Whole processes: how quickly --help answers, what an idle daemon weighs, how long the demo takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from tests.bench.measure import Figures, at_most

ROUNDS = 9
_SETTLED_SECONDS = 8.0

BARE_TYPER = textwrap.dedent(
    """
    import typer
    app = typer.Typer()
    @app.command()
    def one(name: str): ...
    @app.command()
    def two(name: str): ...
    app()
    """
)
BARE_IDLE = textwrap.dedent(
    """
    import time
    import apscheduler, jinja2, requests, sqlmodel
    from apscheduler.schedulers.background import BackgroundScheduler
    from sqlalchemy import text
    with sqlmodel.create_engine("sqlite://").connect() as connection:
        connection.execute(text("SELECT 1"))
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_job(print, "interval", seconds=30)
        scheduler.start()
        time.sleep(600)
    """
)


def help_() -> Figures:
    """`reminder --help` against a bare typer application."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds("-m", "reminder", "--help"))
        bare.append(_seconds("-c", BARE_TYPER, "--help"))
    figures = {"help_s": statistics.median(ours), "bare_typer_s": statistics.median(bare)}
    return figures | {"ratio": figures["help_s"] / figures["bare_typer_s"]}, {"ratio": at_most(1.3)}


def _seconds(*arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def memory() -> Figures:
    """An idle daemon against a process that imports the four fixed libraries and idles with engine and scheduler."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = str(Path(scratch) / "office")
        subprocess.run([sys.executable, "-m", "reminder", "init", folder], check=True, stdout=subprocess.DEVNULL)
        ours, bare = [], []
        for _ in range(5):
            ours.append(_resident("-m", "reminder", "--config", folder, "run"))
            bare.append(_resident("-c", BARE_IDLE))
    figures = {"daemon_mib": statistics.median(ours), "bare_mib": statistics.median(bare)}
    return figures | {"ratio": figures["daemon_mib"] / figures["bare_mib"]}, {"ratio": at_most(1.25)}


def _resident(*arguments: str) -> float:
    """The resident memory in MiB of an idle process, by /proc (Linux)."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(_SETTLED_SECONDS)
        status = Path(f"/proc/{process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
    finally:
        process.terminate()
        process.wait(15)


def demo() -> Figures:
    """`reminder demo`, the whole job on the ledger of 2021."""
    demos = [_seconds("-m", "reminder", "demo") for _ in range(5)]
    return {"demo_s": statistics.median(demos)}, {"demo_s": at_most(60.0)}
