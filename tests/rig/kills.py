"""Real processes killed with SIGKILL in the midst of a cycle, and what is left of the messages afterwards.

A victim is forked from a warm parent, runs one real cycle (in turn message by message, and with workers as the daemon
does) against a real database and a real receiver, and is killed; heirs run cycles until nothing waits any more. Each
kill is judged at once: a message that the receiver accepted during the victim's life, and that the database does not
know as sent, may come a second time; no other may.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, text

from reminder import cycle
from reminder.cycle import lanes
from reminder.cycle.engine import Engine as Delivery
from reminder.cycle.service import Service
from reminder.rules.rule import Rule
from reminder.store.engine import open_engine
from reminder.store.outbox_tables import MessageRow, ReminderRow
from tests.makers import a_rule, at
from tests.rig import offices
from tests.rig.peers import Receiver
from tests.rig.points import ONCE, SQL, at_sql, fall_asleep

UNITS, RULES = 4, 2
CONNECTIONS = (1, 2, 4)  # so many messages may be begun together, over one connection or several
NOW = at("2021-06-08 09:00")
Plant = Callable[[], None]


@cache
def _engine(url: str) -> Engine:
    """One for all trials: victims inherit its compiled statements, though never its connections."""
    return open_engine(url)


def honest() -> None:
    """No fault."""


def _live(service: Service, instant: datetime, *, workers: bool, patience: float) -> None:
    """One cycle: in this thread, or as the daemon does it, with workers for each destination. What a daemon finds out
    by a dozen tries, that this peer is quick, it knows after the first: a trial has few messages to be carried in a
    row."""
    lanes._SHARE = 1.0
    if not workers:
        cycle.run(service, lambda: instant)
        return
    cycle.enqueue(service, instant)
    delivery = Delivery(service, lambda: instant)
    assert delivery.drained(patience)
    assert delivery.stop(10)


class Trial:
    """One office with some due measures for each unit, some of them a few minutes later, and one receiver."""

    def __init__(self, folder: Path, peer: Receiver, kind: str, url: str | None = None, mutant: Plant = honest) -> None:
        self.folder, self.peer, self.kind, self.mutant = folder / "trial", peer, kind, mutant
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        peer.fresh(self.folder / "ledger.jsonl")
        if url is None:
            _engine(f"sqlite:///{self.folder}/reminder.db").dispose()  # that of the trial before lay here too
        self.url = offices.empty_database(self.folder, url)
        self.codes = {f"U{u}R{r}" for u in range(UNITS) for r in range(RULES)}
        self.engine = _engine(self.url)
        due = date(2021, 6, 15)
        offices.add_measures(self.engine, [(code, code[:2], f"面{code[3]}", due) for code in sorted(self.codes)])
        self.cycles, self.step = 0, 7  # every victim and heir comes minutes after the one before: after its lease
        self.workers = True
        self.patience = 60.0  # seconds that workers may take until nothing is due any more
        self.more_rules: tuple[Rule, ...] = ()
        self.more_keys: dict[str, Any] = {}
        self.allowed: Counter[str] = Counter()
        self.seen, self.kills = 0, 0

    def service(self) -> Service:
        rules = [
            a_rule("deadline", name=f"r{r}", before=[7], at=f"09:{7 * r:02}", match={"aspect": [f"面{r}"]})
            for r in range(RULES)
        ]
        channels = self._channels()
        units = [offices.unit(number, list(channels)[number % len(channels)]) for number in range(UNITS)]
        return offices.service(self.engine, self.folder, units, channels, rules=(*rules, *self.more_rules))

    def _channels(self) -> dict[str, Any]:
        if self.kind == "hooks":  # each unit has an endpoint of its own
            return {f"hook{n}": offices.hook_keys(self.peer, f"u{n}") for n in range(UNITS)}
        keys = {"email": offices.mail_keys, "webhook": offices.hook_keys, "wecom": offices.robot_keys}
        return {"mail": keys[self.kind](self.peer, **self.more_keys)}

    def victim(self, plant: Plant, wait: float | None = None) -> bool:
        """Forks a cycle with a fault planted; killed by it, or from outside after `wait` seconds. Whether it died."""
        instant, workers = self._next(), self.workers and self.cycles % 2 == 0
        self.engine.dispose()  # no connection may be shared with the child
        child = os.fork()
        if not child:
            try:
                self.mutant()
                plant()
                _live(self.service(), instant, workers=workers, patience=self.patience)
                os._exit(0)
            finally:
                os._exit(1)
        if wait is not None:
            time.sleep(wait)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status)
        self.kills += died
        self.peer.settled()
        self._judge(died)
        return died

    def zombie(self, stage: str, stop: str) -> int:
        """A cycle that is stopped at a stage of the wire, and answered or hung up on meanwhile; its process."""
        return self._asleep(
            lambda: self.peer.order(kill={"stage": stage, "nth": 1, "pid": os.getpid(), "stop": stop}) and None
        )

    def sleeper(self, point: str, also: Plant = honest) -> int:
        """A cycle that stops itself at a point of its database; its process."""

        def plant() -> None:
            also()
            at_sql(SQL[point], 1, fall_asleep)()

        return self._asleep(plant)

    def _asleep(self, plant: Plant) -> int:
        self.engine.dispose()
        instant = self._next()
        child = os.fork()
        if not child:
            try:
                self.mutant()
                plant()
                cycle.run(self.service(), lambda: instant)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
        return child

    def revive(self, child: int) -> None:
        """The zombie goes on, and ends."""
        os.kill(child, signal.SIGCONT)
        os.waitpid(child, 0)
        self.peer.settled()

    def _next(self) -> datetime:
        instant = NOW + timedelta(minutes=self.step * self.cycles)
        self.cycles += 1
        return instant

    def warm(self) -> None:
        """One cycle in this process: what it loads and compiles, every victim inherits."""
        cycle.run(self.service(), lambda: NOW)
        gc.freeze()  # a child that collects would copy every page

    def at(self, point: str, nth: int = 1) -> Plant:
        """The plant for a named point."""
        if point in SQL:
            return at_sql(SQL[point], nth)
        return lambda: self.peer.order(kill={"stage": point, "nth": nth, "pid": os.getpid()}) and None

    def heirs(self) -> None:
        """Cycles without kills, until nothing waits."""
        for _ in range(12):
            self.victim(lambda: self.peer.order(kill={}) and None)
            if self.cycles > RULES and not self._waiting():
                return

    def _waiting(self) -> bool:
        return any(state not in ("sent", "failed", "cancelled") for state in self._states().values())

    def _states(self) -> dict[str, str]:
        return {row.message_id.partition("@")[0]: row.state for row in offices.rows(self.engine, MessageRow)}

    def _judge(self, died: bool) -> None:
        accepted = self.peer.accepted()
        if died:
            states = self._states()
            self.allowed.update(line.key for line in accepted[self.seen :] if states.get(line.key) != "sent")
        self.seen = len(accepted)

    def verdict(self) -> list[str]:
        """What is wrong in the end; empty where every promise held."""
        reminders, accepted, states = offices.rows(self.engine, ReminderRow), self.peer.accepted(), self._states()
        wrong = self._damage()
        if len(reminders) != len(self.codes):
            wrong.append(f"{len(reminders)} reminders for {len(self.codes)} occasions")
        if set(states.values()) != {"sent"}:
            wrong.append(f"messages: {Counter(states.values())}")
        copies = Counter(line.key for line in accepted)
        if set(copies) != set(states):
            wrong.append(f"{len(set(states) - set(copies))} never received, {len(set(copies) - set(states))} strange")
        if len({(line.key, line.sha) for line in accepted}) != len(copies):
            wrong.append("one identity with different bytes")
        if many := {key: n for key, n in copies.items() if n > 1 + self.allowed[key]}:
            wrong.append(f"copies without a kill that explains them: {many}")
        told = Counter(code for codes in {line.key: line.codes for line in accepted}.values() for code in codes)
        if told != Counter(self.codes):
            wrong.append(f"lost {sorted(self.codes - set(told))}, doubled {[c for c, n in told.items() if n > 1]}")
        return wrong

    def _damage(self) -> list[str]:
        if self.engine.dialect.name != "sqlite":
            return []
        with self.engine.connect() as connection:
            answer = connection.execute(text("PRAGMA integrity_check")).scalar()
        return [] if answer == "ok" else [f"integrity: {answer}"]


# --- campaigns: many trials in a row, for the tests and for the long form


def at_point(trials: Callable[[], Trial], point: str, times: int, dice: Random) -> tuple[int, list[str]]:
    """Trials until `times` kills have happened at one point; how many there were, and what was wrong."""
    kills, misses, wrong = 0, 0, list[str]()
    while kills < times:
        trial = trials()
        trial.more_keys = {"connections": dice.choice(CONNECTIONS)}
        for _ in range(min(4, times - kills)):
            trial.victim(trial.at(point, 1 if point in ONCE else dice.randint(1, 3)))
        trial.heirs()
        misses = 0 if trial.kills else misses + 1  # in a row: a cycle may pass a point less often than was diced
        assert misses < 5, f"nothing dies at {point!r}"
        kills += trial.kills
        wrong += [f"{point}: {each}" for each in trial.verdict()]
    return kills, wrong


def at_random(trials: Callable[[], Trial], times: int, dice: Random) -> tuple[int, list[str]]:
    """The same with kills from outside at random moments of a cycle."""
    trial = trials()
    begun = time.monotonic()
    trial.victim(honest)
    lasts, kills, wrong = time.monotonic() - begun, 0, list[str]()
    while kills < times:
        trial = trials()
        trial.more_keys = {"connections": dice.choice(CONNECTIONS)}
        for _ in range(min(4, times - kills)):
            trial.victim(honest, wait=dice.uniform(0, lasts))
        trial.heirs()
        kills += trial.kills
        wrong += [f"at random: {each}" for each in trial.verdict()]
    return kills, wrong
