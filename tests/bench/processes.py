"""Whole processes: how quickly --help answers, what an idle daemon weighs, how long the demo takes."""

from __future__ import annotations

import re
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from tests.bench.measure import Figures, at_most
from tests.bench.monday import held

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
    """An idle daemon, without pages and with them, against a process that imports the four fixed libraries and idles
    with engine and scheduler; and one that plans and sends a Monday of ten thousand units."""
    with tempfile.TemporaryDirectory() as scratch:
        plain, web = (_office(Path(scratch) / name, pages=name == "web") for name in ("plain", "web"))
        sizes: dict[str, list[float]] = {"daemon_mib": [], "web_mib": [], "bare_mib": []}
        for _ in range(5):
            sizes["daemon_mib"].append(_resident("-m", "reminder", "--config", plain, "run"))
            sizes["web_mib"].append(_resident("-m", "reminder", "--config", web, "run"))
            sizes["bare_mib"].append(_resident("-c", BARE_IDLE))
    figures = {name: statistics.median(found) for name, found in sizes.items()} | {"monday_mib": held()}
    ratios = {
        "ratio": figures["daemon_mib"] / figures["bare_mib"],
        "web_ratio": figures["web_mib"] / figures["bare_mib"],
    }
    return figures | ratios, {"ratio": at_most(1.25), "web_ratio": at_most(1.5), "monday_mib": at_most(160)}


def _office(folder: Path, *, pages: bool) -> str:
    """A fresh configuration, with its pages at a free port or without any."""
    subprocess.run([sys.executable, "-m", "reminder", "init", str(folder)], check=True, stdout=subprocess.DEVNULL)
    settings = folder / "reminder.toml"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        table = f'[web]\nlisten = "127.0.0.1:{free.getsockname()[1]}"\n' if pages else ""
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"^\[web\][^\[]*", table, text, flags=re.MULTILINE), encoding="utf-8")
    return str(folder)


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
