"""Real processes killed with SIGKILL at named points of a cycle, and what is left of the messages afterwards.

A victim is forked, runs one real cycle against a real database and a real receiver, and is killed; heirs run cycles
until nothing waits any more. The receiver is a process of its own, so its ledger survives every victim.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import text

from reminder import cycle, outbox
from reminder.channels import CHANNELS, open_channel
from reminder.channels.webhook import WebhookChannel
from reminder.cycle import dispatch, writing
from reminder.store.engine import open_engine
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at

UNITS = ("甲局", "乙局", "丙局", "丁局")
NOW = at("2021-06-08 09:00")
Fault = Callable[[], None]


@dataclass(frozen=True)
class Point:
    """Where a victim dies: before or after a function of a module is called."""

    owner: object
    name: str
    after: bool = False


POINTS = {
    "before the scan": Point(cycle, "scan"),
    "after the scan": Point(cycle, "scan", after=True),
    "after planning": Point(cycle, "answer", after=True),
    "before the outbox rows": Point(outbox, "put"),
    "after the outbox rows, before their commit": Point(outbox, "put", after=True),
    "before the cycle is remembered": Point(cycle, "remember"),
    "after the commit of the plan": Point(cycle, "enqueue", after=True),
    "before the claim": Point(outbox, "claim"),
    "in the claim, before its commit": Point(outbox, "claim", after=True),
    "before the letter is written": Point(writing, "letter_of"),
    "after the letter, before the bytes are fixed": Point(outbox, "begin_attempts"),
    "bytes fixed, not committed": Point(outbox, "begin_attempts", after=True),
    "bytes committed, not yet sent": Point(dispatch, "deliver"),
    "connected, not sent": Point(WebhookChannel, "send"),
    "accepted, the channel has not returned": Point(WebhookChannel, "send", after=True),
    "accepted, not settled": Point(outbox, "settle"),
    "settled, not committed": Point(outbox, "settle", after=True),
}
AMBIGUOUS = {"accepted, the channel has not returned", "accepted, not settled", "settled, not committed"}


@contextmanager
def receiver(folder: Path) -> Iterator[tuple[int, Path]]:
    """A receiver process: its port and its ledger."""
    ledger = folder / "received.txt"
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "receiver.py"), str(ledger)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), ledger
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class Trial:
    """One office with one due measure for each unit, and the receiver's part of the ledger that is its own."""

    def __init__(self, folder: Path, port: int, ledger: Path, name: str, url: str | None = None) -> None:
        self.name, self.ledger = name, ledger
        folder.mkdir()
        if url:
            _empty(url)
        keys = CHANNELS["webhook"].Keys.model_validate(
            {"kind": "webhook", "url": f"http://127.0.0.1:{port}/{name}", "allow_private": ["127.0.0.0/8"]}
        )
        hook = partial(open_channel, "mail", keys, folder)
        directory = a_directory(names=UNITS)
        self.make = partial(
            Stage, folder, url, rules=(a_rule("deadline", before=[7]),), directory=directory, channels={"mail": hook}
        )
        stage = self.make()
        for unit in UNITS:
            stage.measure(unit, "2021-06-15", [unit])
        stage.engine.dispose()
        self.later = 0

    def victim(self, fault: Fault, wait: float | None = None) -> None:
        """Forks a cycle with a fault planted; killed by its fault, or from outside after `wait` seconds."""
        instant = NOW + timedelta(minutes=7 * self.later)  # every heir comes after the lease of the one before it
        self.later += 1
        child = os.fork()
        if not child:
            try:
                fault()
                stage = self.make()
                cycle.run(stage.service, lambda: instant)
            finally:
                os._exit(0)
        if wait is not None:
            time.sleep(wait)
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def heirs(self, mutant: Fault) -> None:
        """Cycles without kills, until nothing waits."""
        for _ in range(4):
            self.victim(mutant)

    def verdict(self, most_copies: int) -> list[str]:
        """What is wrong in the end; empty where every promise held."""
        stage = self.make()
        messages, reminders = stage.messages(), stage.reminders()
        wrong = []
        received = [line.split() for line in self.ledger.read_text(encoding="utf-8").splitlines()]
        mine = [(identity, digest) for path, identity, digest in received if path == f"/{self.name}"]
        copies = Counter(identity for identity, _ in mine)
        if len(reminders) != len(UNITS):
            wrong.append(f"{len(reminders)} reminders for {len(UNITS)} occasions")
        sent = {message.message_id.partition("@")[0] for message in messages if message.state == "sent"}
        if len(sent) != len(UNITS):
            wrong.append(f"{len(sent)} messages sent of {len(UNITS)}: {Counter(m.state for m in messages)}")
        if missing := sent - set(copies):
            wrong.append(f"{len(missing)} said to be sent were never received")
        if strange := set(copies) - sent:
            wrong.append(f"{len(strange)} identities received that no message has")
        if len(set(mine)) != len(copies):
            wrong.append("one identity with different bytes")
        if copies.total() > len(UNITS) + most_copies:
            wrong.append(f"{copies.total()} copies received, at most {len(UNITS) + most_copies} expected")
        wrong += self._damage(stage)
        stage.engine.dispose()
        return wrong

    @staticmethod
    def _damage(stage: Stage) -> list[str]:
        if stage.engine.dialect.name != "sqlite":
            return []
        with stage.engine.connect() as connection:
            answer = connection.execute(text("PRAGMA integrity_check")).scalar()
        return [] if answer == "ok" else [f"integrity: {answer}"]


def _empty(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def dies_at(point: Point, nth: int = 1) -> Fault:
    """Plants a SIGKILL at the `nth` passing of a point."""

    def plant() -> None:
        honest_call, passed = getattr(point.owner, point.name), Counter[str]()

        def dying(*arguments: object, **named: object) -> object:
            passed["calls"] += 1
            if passed["calls"] == nth and not point.after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = honest_call(*arguments, **named)
            if passed["calls"] == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(point.owner, point.name, dying)

    return plant


def honest() -> None:
    """No fault."""


def plain(message: outbox.Claimed, **changes: object) -> outbox.Claimed:
    """A claimed message with some of its facts forgotten, for mutants."""
    return replace(message, **changes)
