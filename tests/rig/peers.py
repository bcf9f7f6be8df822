"""The receiver's process from the side of a rig: started, given orders, and its ledger read."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_CODE = re.compile(r"\bU\d+[A-Z]\d+\b")  # how the rigs' measures are called


@dataclass(frozen=True)
class Received:
    """One line of the ledger; `verdict` is "accepted", or the fault for which it was refused; `at` in seconds."""

    verdict: str
    via: str
    to: str
    id: str
    sha: str
    content: str
    at: float

    @property
    def key(self) -> str:
        """The identity without the domain, as a webhook and a letter share it."""
        return self.id.partition("@")[0]

    @property
    def codes(self) -> set[str]:
        """The measures it speaks of, read from its bytes."""
        if self.via == "http":
            return {measure["code"] for measure in json.loads(self.content).get("data", {}).get("measures", [])}
        letter = message_from_bytes(self.content.encode(), policy=policy.default)
        return set(_CODE.findall(letter.get_body(("plain",)).get_content()))  # type: ignore[attr-defined]


class Receiver:
    """A running receiver. One trial at a time: `fresh` begins one with a ledger of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rig.receiver"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout
        self.smtp, self.http, self._control = (int(port) for port in self._process.stdout.readline().split())
        self.ledger = Path()

    def order(self, **wanted: Any) -> dict[str, Any]:
        """Tells it something; returns how busy it is and what it has met. Also from a forked child."""
        with socket.create_connection(("127.0.0.1", self._control), timeout=30) as line, line.makefile("rb") as answer:
            line.sendall(json.dumps(wanted).encode() + b"\n")
            return dict(json.loads(answer.readline()))

    def fresh(self, ledger: Path, **wanted: Any) -> None:
        """Begins a trial."""
        self.ledger = ledger
        self.order(ledger=str(ledger), **wanted)

    def settled(self) -> None:
        """Waits until it has read what dead clients left in its sockets."""
        while self.order()["busy"]:
            time.sleep(0.002)

    def lines(self) -> list[Received]:
        """The ledger of this trial."""
        return [Received(**json.loads(line)) for line in self.ledger.read_text(encoding="utf-8").splitlines()]

    def accepted(self) -> list[Received]:
        return [line for line in self.lines() if line.verdict == "accepted"]

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    peer = Receiver()
    try:
        yield peer
    finally:
        peer.close()
