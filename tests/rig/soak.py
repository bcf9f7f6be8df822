"""A long life in one process: memory, descriptors, threads and the database, day by day of simulated time. Letters are
kept for a year, so that a life of three shows that the database stops growing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from reminder import cycle
from tests.makers import SHANGHAI, a_rule
from tests.rig import offices
from tests.rig.month import FIRST
from tests.rig.peers import Receiver


@dataclass(frozen=True)
class Reading:
    """One look at the process after so many days."""

    day: int
    rss: int  # bytes
    descriptors: int
    threads: int
    database: int  # bytes


def soak(folder: Path, peer: Receiver, days: int, units: int = 10) -> Iterator[Reading]:
    """Lives so many days of weekly nudges, daily reminders and overdue ones, reading every ten."""
    peer.fresh(folder / "ledger.jsonl")
    engine = offices.open_engine(offices.empty_database(folder, None))
    far = [(f"U{n}M{k}", f"U{n}", "", FIRST + timedelta(days=20 * k)) for n in range(units) for k in range(12)]
    offices.add_measures(engine, far)
    rules = (a_rule("deadline"), a_rule("overdue", every=3), a_rule("nudge", on=["monday", "thursday"]))
    channels = {"mail": offices.mail_keys(peer), "hook": offices.hook_keys(peer)}
    people = [offices.unit(n, "hook" if n % 2 else "mail") for n in range(units)]
    service = offices.service(engine, folder, people, channels, rules=rules, keep_years=1)
    for n in range(days + 1):
        for hour in (time(9), time(14), time(20)):
            now = datetime.combine(FIRST + timedelta(days=n), hour, SHANGHAI)
            cycle.run(service, lambda now=now: now)
        if n % 10 == 0:
            yield _read(n, folder)
    engine.dispose()


def _read(day: int, folder: Path) -> Reading:
    status = Path("/proc/self/statm").read_text(encoding="ascii").split()
    size = sum(path.stat().st_size for path in folder.glob("reminder.db*"))
    rss = int(status[1]) * os.sysconf("SC_PAGE_SIZE")
    return Reading(day, rss, len(os.listdir("/proc/self/fd")), threading.active_count(), size)


def database(readings: list[Reading]) -> dict[int, int]:
    """Bytes of the database after each year: what is older than the one that is kept makes room for what is new."""
    return {one.day // 360: one.database for one in readings if one.day and one.day % 360 == 0}


def growth(readings: list[Reading]) -> float:
    """Bytes of memory gained in 30 days, after the first 30: the slope of a straight line through the readings."""
    settled = [one for one in readings if one.day >= 30]
    middle = sum(one.day for one in settled) / len(settled)
    spread = sum((one.day - middle) ** 2 for one in settled)
    return 30 * sum((one.day - middle) * one.rss for one in settled) / spread
