"""The long form of isolation: hostile endpoints and poisoned rows, and how much longer the others wait for them.

The same run without them goes before, in the same office; what differs is their doing. Waits are counted from the first
letter that arrives, so that a daemon's start counts for neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from reminder.store.engine import open_engine
from reminder.store.log_tables import LogRow
from reminder.store.outbox_tables import DeliveryRow, MessageRow
from tests.rig import offices
from tests.rig.fleet import Fleet, fleet
from tests.rig.peers import Receiver

Figures = dict[str, Any]
HOSTILE = {"/hook0": "hang", "/hook1": "drip", "/hook2": "endless"}
POISON = (
    "UPDATE reminder SET lines = 'no JSON' WHERE message_pk = 1",
    "UPDATE reminder SET kind = 'nonsense' WHERE message_pk = 2",
    "UPDATE message SET recipient = 'nobody' WHERE id = 3",
    "UPDATE message SET channel = 'gone' WHERE id = 4",
    "UPDATE reminder SET occasion = 'someday' WHERE message_pk = 5",
)
_LONG = 1800  # seconds
_MORE = 2.0  # seconds that the others' 99th percentile may be later
_DEADLINE = 20.0  # seconds for an attempt in all
_OFFICE = "office@example.org"
_TICKS = 70  # seconds of watching for a second notice: two beats of the daemon and some


def campaign(folder: Path, peer: Receiver, rows: int) -> Iterator[Figures]:
    """`rows` letters with five poisoned among them, then as many to twenty endpoints of which three are hostile."""
    for name, hooks, play in (("poisoned rows", 0, _poisoned), ("hostile endpoints", 20, _hostile)):
        place = folder / name.replace(" ", "-")
        place.mkdir()
        with fleet(place, None, peer, units=rows, rules=1, hooks=hooks) as running:
            running.start()
            running.arrived(_LONG)
            running.settled(_LONG)
            running.stop()
            yield {"what": name, **play(running)}


def _poisoned(running: Fleet) -> Figures:
    without = _again(running, 0)
    running.stop()
    with_it = _again(running, len(POISON), poison=POISON)
    _until(lambda: sum(row.state == "failed" for row in _rows(running, MessageRow)) == len(POISON))
    _until(lambda: bool(_notices(running)))
    time.sleep(_TICKS)
    told = _notices(running)
    running.stop()
    figures = _compared(without, with_it)
    wrong = figures["wrong"] + ([] if told == 1 else [f"{told} notices to the office"])
    return figures | {"dead letters": len(POISON), "notices": told, "wrong": wrong}


def _hostile(running: Fleet) -> Figures:
    theirs = running.due * len(HOSTILE) // 20
    without = _again(running, theirs)
    running.stop()
    with_it = _again(running, theirs, faults={"at": HOSTILE})
    _until(lambda: "unknown" in {row.outcome for row in _rows(running, DeliveryRow)})
    longest, poured = _longest(running), running.peer.order()["most"].get("endless bytes", 0)
    running.stop()
    figures = _compared(without, with_it)
    wrong = figures["wrong"] + ([] if longest <= _DEADLINE + 1 else [f"an attempt of {longest} s"])
    return figures | {"longest attempt, s": longest, "bytes an endless peer could write": poured, "wrong": wrong}


def _again(running: Fleet, without: int, *, poison: tuple[str, ...] = (), faults: Figures | None = None) -> list[float]:
    """Everything is due again, on a fresh ledger of the receiver, and a daemon sends it: when each of the others'
    letters came, of which there are all but so many, in seconds after the first."""
    engine = open_engine(running.url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM delivery"))
        connection.execute(text("DELETE FROM message WHERE own <> ''"))
        waits = "state = 'pending', attempts = 0, payload = NULL, finished_at = NULL, next_attempt_at = due_at"
        connection.execute(text(f"UPDATE message SET {waits}"))
        for statement in poison:
            connection.execute(text(statement))
    engine.dispose()
    running.peer.fresh(running.folder.parent / f"ledger{time.monotonic()}.jsonl", faults=faults or {})
    running.start()
    _until(lambda: len(_others(running)) >= running.due - without)
    came = sorted(_others(running))
    return [one - came[0] for one in came]


def _others(running: Fleet) -> list[float]:
    return [line.at for line in running.peer.accepted() if line.to not in {*HOSTILE, _OFFICE}]


def _notices(running: Fleet) -> int:
    return sum(line.to == _OFFICE for line in running.peer.accepted())


def _compared(without: list[float], with_it: list[float]) -> Figures:
    """The 99th percentile of the others' waits in both runs."""
    before, now = (waits[len(waits) * 99 // 100] for waits in (without, with_it))
    wrong = [f"{now - before:.1f} s later"] if now - before > _MORE else []
    return {"others": len(with_it), "p99 without, s": round(before, 2), "p99 with, s": round(now, 2), "wrong": wrong}


def _longest(running: Fleet) -> float:
    """Seconds from the beginning of an attempt to what was written down of its end, the longest of all."""
    ends: dict[str, list[datetime]] = {}
    for row in _rows(running, LogRow):
        if row.act in ("sent", "refused", "unknown"):
            ends.setdefault(row.message_id, []).append(row.at)
    ids = {row.id: row.message_id for row in _rows(running, MessageRow)}
    took = [
        min(end - one.at for end in ends[ids[one.message_pk]] if end >= one.at).total_seconds()
        for one in _rows(running, DeliveryRow)
        if one.outcome != "trying"
    ]
    return round(max(took), 1)


def _rows(running: Fleet, table: type[Any]) -> list[Any]:
    engine = open_engine(running.url)
    try:
        return offices.rows(engine, table)
    finally:
        engine.dispose()


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + _LONG
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.5)
