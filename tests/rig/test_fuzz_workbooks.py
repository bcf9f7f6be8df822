"""Thousands of spoilt workbooks: each is imported as a whole or refused in one line, soon, and never with a traceback.

`python -m pytest -n 0 -m long tests/rig/test_fuzz_workbooks.py` runs 20,000 of them.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select

from reminder.app import App, open_app
from reminder.config.example import write_example
from reminder.errors import ReminderError
from reminder.importing import Order, import_into
from reminder.ledger import child, grid
from reminder.store.engine import reading
from reminder.store.tables import ImportRow, MeasureRow
from tests.rig.spoilt_workbooks import Workbook, sound, spoilt

MOST_SECONDS = 20
_FEW, _MANY = 150, 20_000
_BATCH = 500  # then the database is thrown away


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with an empty database, to be copied."""
    folder = tmp_path_factory.mktemp("office") / "config"
    write_example(folder)
    open_app(folder, create=True).engine.dispose()
    return folder


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Iterator[Callable[[int], App]]:
    """The office that takes the n-th workbook."""
    opened: dict[int, App] = {}

    def take(n: int) -> App:
        if n // _BATCH not in opened:
            for app in opened.values():
                app.engine.dispose()
            opened.clear()
            shutil.rmtree(tmp_path / "office", ignore_errors=True)
            shutil.copytree(template, tmp_path / "office")
            opened[n // _BATCH] = open_app(tmp_path / "office")
        return opened[n // _BATCH]

    yield take
    for app in opened.values():
        app.engine.dispose()


def forked(command: list[str], *, stdout: Any, timeout: float, **_: Any) -> subprocess.CompletedProcess[bytes]:
    """The child's own code in a fork instead of a new interpreter, whose start would take most of the rig's time."""
    pid = os.fork()
    if pid == 0:
        code = 1
        faulthandler.disable()  # a parser that aborts at its limit is what the child is for
        try:
            os.dup2(stdout.fileno(), 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # the process ends with it
            child.main(Path(command[-1]))
            sys.stdout.flush()
            code = 0
        finally:
            os._exit(code)
    until = time.monotonic() + timeout
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > until:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            raise subprocess.TimeoutExpired(command, timeout)
        time.sleep(0.002)
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def kept(app: App, ledger: str) -> tuple[int, int]:
    """How many measures and imports of this ledger the database holds."""
    with reading(app.engine) as session:
        measures = session.exec(select(func.count()).where(MeasureRow.ledger == ledger)).one()
        return measures, session.exec(select(func.count()).where(ImportRow.ledger == ledger)).one()


def worked() -> float:
    """Seconds that this process and its children have worked: waiting for other programs is nobody's fault."""
    usage = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in usage)


def check(app: App, workbook: Workbook, ledger: str, folder: Path) -> str:
    """Imports one workbook; returns what became of it, having made sure of what must hold."""
    path = folder / workbook.name
    path.write_bytes(workbook.content)
    began, refusal = worked(), ""
    expected = (0, 0)
    try:
        done = import_into(app, path, Order(as_of=date(2021, 9, 27), ledger=ledger))
        expected = (sum(row.action == "added" for row in done.rows), 1)
    except ReminderError as refused:
        refusal = str(refused)
    except Exception as fault:
        raise AssertionError(f"a traceback: {workbook.how}") from fault
    finally:
        path.unlink()
    assert "\n" not in refusal, workbook.how
    assert kept(app, ledger) == expected, workbook.how
    assert worked() - began < MOST_SECONDS, workbook.how
    return "refused" if refusal else "imported"


def test_spoilt_workbooks(office: Callable[[int], App], tmp_path: Path) -> None:
    outcomes = Counter(check(office(n), spoilt(sound(), n), f"{n}", tmp_path) for n in range(12))
    assert outcomes.total() == 12


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_more_spoilt_workbooks(office: Callable[[int], App], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid.subprocess, "run", forked)
    files = sound()
    outcomes = Counter(check(office(n), spoilt(files, n), f"{n}", tmp_path) for n in range(12, _FEW))
    assert outcomes["imported"] > 10, "a rig that spoils everything proves nothing"
    assert outcomes["refused"] > 10


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_twenty_thousand_spoilt_workbooks(
    office: Callable[[int], App], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, files = subprocess.run, sound()
    outcomes: Counter[str] = Counter()
    for n in range(_MANY):
        monkeypatch.setattr(grid.subprocess, "run", run if n % 50 == 0 else forked)
        outcomes[check(office(n), spoilt(files, n), f"{n}", tmp_path)] += 1
        if n % 1000 == 999:
            print(n + 1, dict(outcomes), flush=True)
    assert outcomes.total() == _MANY
