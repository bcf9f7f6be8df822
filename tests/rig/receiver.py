"""A mail server and a web server in a process of their own: what they accept is on their disk before they say so.

Run as `python -m tests.rig.receiver` from the project's folder; prints its three ports: SMTP, HTTP, control. A line of
JSON on the control port changes what it does (see `Desk.order`); it kills clients at named stages and makes faults.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TextIO

from tests.rig import peer_http, peer_smtp


class Desk:
    """What both servers share: the ledger, the kill ordered, the faults drawn."""

    def __init__(self) -> None:
        self.ledger: TextIO | None = None
        self.kill: dict[str, Any] = {}
        self.faults: dict[str, Any] = {}
        self.pause = 0.0  # seconds before a mail client is greeted
        self.drawn: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.busy = 0  # open connections of clients
        self.most: Counter[str] = Counter()  # the most connections open at once, and bytes of endless answers taken

    def order(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`ledger`: a file to write to from now on.

        `kill`: {stage, nth, pid}; with `stop` the client is only stopped, and "and answered" as if nothing were.
        `faults`: {seed, p, kinds}, or `at`, `first`: what befalls a key always, or at first.
        `pause`: seconds in which mail clients wait for the greeting, in this trial and those after it.
        """
        if "ledger" in wanted:
            if self.ledger:
                self.ledger.close()
            self.ledger = Path(wanted["ledger"]).open("a", encoding="utf-8")  # noqa: SIM115  # open for a whole trial
            self.kill, self.faults = {}, {}
            for counted in (self.drawn, self.met, self.most):
                counted.clear()
        self.kill = wanted.get("kill", self.kill)
        self.faults = wanted.get("faults", self.faults)
        self.pause = wanted.get("pause", self.pause)
        return {"busy": self.busy, "met": dict(self.met), "most": dict(self.most)}

    def reach(self, stage: str) -> bool:
        """Notes that a client has come to `stage`; kills it there where that was ordered. Whether to hang up."""
        self.met[stage] += 1
        if self.kill.get("stage") != stage:
            return False
        self.kill["nth"] -= 1
        if self.kill["nth"] != 0:
            return False
        stops = self.kill.get("stop")
        os.kill(self.kill["pid"], signal.SIGSTOP if stops else signal.SIGKILL)
        while stops and not _is_stopped(self.kill["pid"]):
            time.sleep(0.001)  # a thread may still be running that would take the answer
        return stops != "and answered"

    def fault(self, key: str, via: str) -> str:
        """The fault of the next try for `key`, "" for none; the same seed gives the same faults to each key."""
        if not self.faults:
            return ""
        self.drawn[key] += 1
        if always := self.faults.get("at", {}).get(key):
            return str(always)
        if self.drawn[key] == 1 and (first := self.faults.get("first", {}).get(key)):
            return str(first)
        if "p" not in self.faults:
            return ""
        dice = Random(f"{self.faults.get('seed')} {key} {self.drawn[key]}")
        return str(dice.choice(self.faults["kinds"][via])) if dice.random() < self.faults["p"] else ""

    def accept(self, via: str, to: str, identity: str, content: bytes) -> None:
        """Writes a message down for good."""
        self.met["accepted"] += 1
        digest, text = sha256(content).hexdigest(), content.decode("utf-8", "replace")
        self._note({"verdict": "accepted", "via": via, "to": to, "id": identity, "sha": digest, "content": text})

    def refuse(self, via: str, to: str, why: str, identity: str = "") -> None:
        """Writes down that a message was not taken, and why."""
        self._note({"verdict": why, "via": via, "to": to, "id": identity, "sha": "", "content": ""})

    def _note(self, line: dict[str, str]) -> None:
        assert self.ledger
        self.ledger.write(json.dumps({**line, "at": time.monotonic()}, ensure_ascii=False) + "\n")
        self.ledger.flush()
        os.fsync(self.ledger.fileno())


def _is_stopped(pid: int) -> bool:
    """Whether all threads of a process are stopped, see proc(5)."""
    try:
        stats = [
            stat.read_text(encoding="ascii", errors="replace") for stat in Path(f"/proc/{pid}/task").glob("*/stat")
        ]
    except OSError:  # one of them has just ended
        return False
    return all(stat.rpartition(")")[2].split()[0] in "TZX" for stat in stats)


async def serve() -> None:
    """Serves until its parent goes away."""
    desk = Desk()

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await calm()
            writer.write(json.dumps(desk.order(json.loads(line))).encode() + b"\n")
        writer.close()

    async def calm() -> None:
        """A dead client may have left a whole request in a socket that nobody has accepted yet: it counts as busy."""
        while select.select([one.fileno() for server in servers[:2] for one in server.sockets], [], [], 0)[0]:
            await asyncio.sleep(0)
        for _ in range(10):  # from accepted to served it takes some turns of the loop
            await asyncio.sleep(0)

    def counted(serve_one: Any) -> Any:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            desk.busy += 1
            desk.most["connections"] = max(desk.most["connections"], desk.busy)
            try:
                await serve_one(desk, reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # the client went away, or was killed
            finally:
                desk.busy -= 1
                writer.close()

        return client

    many = 64 * 1024 * 1024
    servers = [
        await asyncio.start_server(counted(peer_smtp.serve), "127.0.0.1", 0, limit=many, backlog=500),
        await asyncio.start_server(counted(peer_http.serve), "127.0.0.1", 0, limit=many, backlog=500),
        await asyncio.start_server(control, "127.0.0.1", 0),
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # ends when the parent does
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve())
