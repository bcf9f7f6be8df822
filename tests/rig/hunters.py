"""The tests that hunt mutants: which runs through which lines, and how some are run in a forked process.

See `mutation`, which plants what they hunt.
"""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.rig.changes import ROOT, TARGETS, Mutant

QUICK = ["tests/rig/hunting.py", "tests/unit/rules", "tests/unit/test_plan.py", "tests/unit/domain"]
QUICK += ["tests/unit/config/test_configuration.py", "tests/unit/config/test_config_schema.py"]
SLOW = ["tests/integration/test_escalation_chain.py", "tests/integration/test_beside_the_measures.py"]
SLOW += ["tests/rig/test_machine.py::test_one_autumn"]
OPTIONS = ["-qq", "-s", "-o", "addopts=", "-o", "filterwarnings=ignore", "-m", "not long"]
OPTIONS += [word for name in ("cacheprovider", "xdist", "timeout") for word in ("-p", f"no:{name}")]
CAUGHT = 3  # the exit code of a child in which something was noticed
FILES = {str(path): path for path in TARGETS}
ROOM = 2**31  # bytes more than now; a mutant that needs them has been noticed


@dataclass
class Hunter:
    """One test: how long it takes, through which lines it runs, and how it has fared."""

    node: str
    seconds: float
    lines: dict[str, set[int]]
    tried: int = 0
    caught: int = 0

    def cost(self) -> float:
        """What one catch costs, as far as is known."""
        return (self.seconds + 0.002) * (self.tried + 20) / (self.caught + 1)


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Hunt:
    """A pytest session that runs, of what it collects, the tests named by `choose`; `each` is told of every one."""

    choose: Callable[[], Sequence[str]]
    limits: dict[str, float] = field(default_factory=dict)
    told: Callable[[str], None] = lambda node: None
    failed: Callable[[str], None] = lambda node: None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        run(session, self.choose() or [item.nodeid for item in session.items], self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One failure is enough."""
        if report.failed:
            self.failed(report.nodeid)


def run(session: pytest.Session, chosen: Sequence[str], hunt: Hunt) -> None:
    """The chosen tests, in their order."""
    by_name = {item.nodeid: item for item in session.items}
    items = [by_name[node] for node in chosen if node in by_name]
    for item, following in zip(items, [*items[1:], None], strict=True):
        signal.setitimer(signal.ITIMER_PROF, 5 + 20 * hunt.limits.get(item.nodeid, 60))
        hunt.told(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    hunt.told("")


def in_a_child(
    work: Callable[[Callable[[object], None]], int], scratch: Path, heard: Callable[[Any], None] = lambda said: None
) -> tuple[int, list[Any]]:
    """The exit code of `work` in a forked process, negative for a signal, and what it said, `heard` at once."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        quiet = os.open(os.environ.get("HUNT_LOG", os.devnull), os.O_WRONLY | os.O_CREAT)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_AS, (_in_use() + ROOM, resource.RLIM_INFINITY))
        with os.fdopen(writes, "wb") as pipe:

            def say(what: object) -> None:
                pickle.dump(what, pipe)
                pipe.flush()

            try:
                code = work(say)
            except BaseException:  # whatever a mutant can do
                code = CAUGHT
        os._exit(code)
    os.close(writes)
    said = []
    with os.fdopen(reads, "rb") as pipe:
        while True:
            try:
                said.append(pickle.load(pipe))
                heard(said[-1])
            except EOFError:
                break
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for left in scratch.iterdir():
        shutil.rmtree(left, ignore_errors=True)
    return code, said


def _in_use() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


# --- which test runs through which lines


def hunters(scratch: Path) -> dict[str, Hunter]:
    """Every test with what it runs through, found out by running them all once on the unchanged program."""
    seen: dict[str, set[int]] = defaultdict(set)

    def local(frame: FrameType, _event: str, _argument: object) -> Any:
        seen[frame.f_code.co_filename].add(frame.f_lineno)
        return local

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        return local(frame, event, argument) if frame.f_code.co_filename in FILES else None

    def work(say: Callable[[object], None]) -> int:
        began, running = time.process_time(), ""

        def told(node: str) -> None:
            nonlocal began, running
            if running:
                say((running, time.process_time() - began, {path: set(lines) for path, lines in seen.items()}))
            seen.clear()
            began, running = time.process_time(), node

        def failed(node: str) -> None:
            say((node, None, None))
            os._exit(CAUGHT)

        threading.settrace(trace)
        sys.settrace(trace)
        return int(pytest.main(arguments(scratch, QUICK + SLOW), plugins=[Hunt(list, {}, told, failed)]))

    code, said = in_a_child(work, scratch)
    if code:
        raise SystemExit(f"the unchanged program fails: {code}, {said[-1][0] if said else 'before any test'}")
    return {node: Hunter(node, seconds, lines) for node, seconds, lines in said if lines}


def arguments(scratch: Path, named: Sequence[str]) -> list[str]:
    """What pytest is told to collect, and where it may write."""
    return [*OPTIONS, f"--basetemp={scratch / 'tests'}", *files(named)]


def files(named: Sequence[str]) -> list[str]:
    """The files of the named folders, in the order named."""
    found: list[str] = []
    for name in named:
        path = ROOT / name
        found += [str(one.relative_to(ROOT)) for one in (sorted(path.rglob("test_*.py")) if path.is_dir() else [path])]
    return found


def after(mutant: Mutant, every: dict[str, Hunter]) -> list[Hunter]:
    """Who may notice it, the cheapest first; all that use its file where it runs at import."""
    path = str(mutant.path)
    near = [one for one in every.values() if path in one.lines] or list(every.values())  # a file of constants only
    if not mutant.at_import:
        near = [one for one in near if not one.lines.get(path, set()).isdisjoint(mutant.lines)]
    return sorted(near, key=Hunter.cost)
