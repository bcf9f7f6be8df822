"""Real `reminder run` processes on one database: an office in a folder, many units, each with something due now.

The office's zone is chosen so that it is about noon there whenever a test runs: rules of this morning are due at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import text

from reminder.store.engine import open_engine, upgrade
from reminder.store.outbox_tables import MessageRow
from tests.rig import offices
from tests.rig.peers import ROOT, Receiver

REMINDER = """
[office]
name = "整改办"
timezone = "{zone}"
email = ["office@example.org"]
channels = ["mail"]
[store]
url = {{ env = "RIG_DATABASE_URL" }}
[calendar]
base = "weekdays"
[sending]
hours = "00:00-23:59"
working_days_only = false
max_per_recipient_per_day = 1000
"""
JOBS = """
[engine]
kind = "procrastinate"
"""
RULE = """
[[rule]]
name = "r{n}"
kind = "deadline"
before = [7]
at = "00:0{n}"
merge = false
"""
UNIT = """
[[unit]]
name = "U{n}"
channels = ["{channel}"]
addresses = {{ {channel} = ["u{n}@example.org"] }}
"""
MAIL = """
[channel.mail]
kind = "email"
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "整改办 <office@example.org>"
connections = {connections}
"""
HOOK = """
[channel.{name}]
kind = "webhook"
url = "http://127.0.0.1:{port}/{name}"
allow_private = ["127.0.0.0/8"]
timeout = {timeout}
"""


def noon_zone() -> str:
    """A zone in which it is between eleven and one now."""
    east = 12 - datetime.now(UTC).hour  # Etc/GMT-8 lies eight hours east
    return f"Etc/GMT{-east:+d}" if east else "Etc/GMT"


class Fleet:
    """The office and its daemons. Each unit gets one message for each rule."""

    def __init__(
        self,
        folder: Path,
        url: str | None,
        peer: Receiver,
        *,
        units: int,
        rules: int = 4,
        hooks: int = 0,
        jobs: bool = False,
        connections: int = 2,
    ) -> None:
        self.folder, self.url, self.peer = folder / "office", offices.empty_database(folder, url), peer
        self.units, self.rules, self.hooks, self.jobs = units, rules, hooks, jobs
        self.connections = connections
        self.folder.mkdir()
        zone = noon_zone()
        self._write(zone)
        peer.fresh(folder / "ledger.jsonl")
        engine = open_engine(self.url)
        upgrade(engine)
        due = datetime.now(ZoneInfo(zone)).date() + timedelta(days=7)
        offices.add_measures(engine, [(f"U{n}M{n}", f"U{n}", "", due) for n in range(units)])
        engine.dispose()
        self.daemons: list[subprocess.Popen[bytes]] = []

    def _write(self, zone: str) -> None:
        parts = {
            "reminder": REMINDER.format(zone=zone) + (JOBS if self.jobs else ""),
            "rules": "".join(RULE.format(n=n) for n in range(self.rules)),
            "units": "".join(UNIT.format(n=n, channel=self.channel(n)) for n in range(self.units)),
            "channels": MAIL.format(port=self.peer.smtp, connections=self.connections)
            + "".join(HOOK.format(name=f"hook{n}", port=self.peer.http, timeout=15) for n in range(self.hooks)),
        }
        for name, part in parts.items():
            (self.folder / f"{name}.toml").write_text(part, encoding="utf-8")

    def channel(self, unit: int) -> str:
        """Units go by mail, or in turn by the webhooks where there are some."""
        return f"hook{unit % self.hooks}" if self.hooks else "mail"

    @property
    def due(self) -> int:
        return self.units * self.rules

    def start(self, command: str = "run") -> subprocess.Popen[bytes]:
        """One more daemon, or one more worker."""
        with (self.folder.parent / f"daemon{len(self.daemons)}.log").open("wb") as log:
            words = [sys.executable, "-m", "reminder", "--config", str(self.folder), command]
            environment = {**os.environ, "RIG_DATABASE_URL": self.url}
            daemon = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log, env=environment)
        self.daemons.append(daemon)
        return daemon

    def logs(self) -> str:
        """What the daemons have said."""
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.parent.glob("daemon*.log")))

    def arrived(self, seconds: float, wanted: int | None = None) -> float:
        """Waits until so many messages, else all, were accepted; how long that took."""
        begun = time.monotonic()
        most = self.due if wanted is None else wanted
        while self.peer.order()["met"].get("accepted", 0) < most:
            assert time.monotonic() - begun < seconds, f"too slow: {self.peer.order()['met']}\n{self.logs()[-3000:]}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def states(self) -> Counter[str]:
        """How many messages stand in each state."""
        engine = open_engine(self.url)
        try:
            return Counter(row.state for row in offices.rows(engine, MessageRow) if not row.own)
        finally:
            engine.dispose()

    def settled(self, seconds: float) -> None:
        """Waits until the database knows that everything was sent."""
        end = time.monotonic() + seconds
        while (states := self.states()) != Counter(sent=self.due):
            assert time.monotonic() < end, f"{states}\n{self.logs()[-3000:]}"
            time.sleep(0.2)

    def copies(self) -> Counter[str]:
        """How often each identity was accepted."""
        return Counter(line.key for line in self.peer.accepted())

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit codes."""
        for daemon in self.daemons:
            daemon.send_signal(signal.SIGCONT)
            daemon.terminate()
        return [daemon.wait(30) for daemon in self.daemons]


@contextmanager
def fleet(folder: Path, url: str | None, peer: Receiver, **size: int) -> Iterator[Fleet]:
    """A fleet whose daemons are gone when the block ends."""
    running = Fleet(folder, url, peer, **size)
    try:
        yield running
    finally:
        for daemon in running.daemons:
            daemon.kill()
            daemon.wait(10)


def terminate_backends(url: str) -> int:
    """What a restart of the server does to its clients; how many lost their connection."""
    engine = open_engine(url)
    with engine.connect() as connection:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        cut = connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")).all()
    engine.dispose()
    return len(cut)
