"""The long form of isolation: hostile endpoints and poisoned rows, and how much longer the others wait for them.

Rounds with them and without take turns in the same office, so that a machine that is busy for a while is so for both;
what differs is their doing. Waits are counted from the first letter that arrives, so that a daemon's start counts for
neither. The verdict: the median over the rounds of the others' 99th percentile is no more than two seconds later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
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
SOUND = (  # what the poisoned rows were before
    "CREATE TABLE sound_reminder AS SELECT id, lines, kind, occasion FROM reminder WHERE message_pk <= 5",
    "CREATE TABLE sound_message AS SELECT id, recipient, channel FROM message WHERE id <= 5",
)
CURE = (
    "UPDATE reminder SET (lines, kind, occasion) = (SELECT lines, kind, occasion FROM sound_reminder AS sound "
    "WHERE sound.id = reminder.id) WHERE message_pk <= 5",
    "UPDATE message SET (recipient, channel) = (SELECT recipient, channel FROM sound_message AS sound "
    "WHERE sound.id = message.id) WHERE id <= 5",
)
ANEW = (
    "DELETE FROM delivery",
    "DELETE FROM destination",  # nobody rests from the round before
    "DELETE FROM message WHERE own <> ''",
    "DELETE FROM payload",
    "UPDATE message SET state = 'pending', attempts = 0, finished_at = NULL, next_attempt_at = due_at",
)
_ROUNDS = 3  # of each
_LONG = 1800  # seconds
_MORE = 2.0  # seconds that the others' 99th percentile may be later
_DEADLINE = 20.0  # seconds for an attempt in all
_OFFICE = "office@example.org"
_TICKS = 70  # seconds of watching for a second notice: two beats of the daemon and some


@dataclass
class Waits:
    """Of each round, how long the others' letters took, in seconds."""

    without: list[list[float]] = field(default_factory=list)
    beside: list[list[float]] = field(default_factory=list)

    def figures(self) -> Figures:
        """The 99th percentiles and what they say."""
        before, now = ([one[len(one) * 99 // 100] for one in rounds] for rounds in (self.without, self.beside))
        later = median(now) - median(before)
        return {
            "others": len(self.beside[-1]),
            "p99 without, s": [round(one, 2) for one in before],
            "p99 with, s": [round(one, 2) for one in now],
            "later, s": round(later, 2),
            "wrong": [f"{later:.1f} s later"] if later > _MORE else [],
        }


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
            figures = play(running)
            yield {"what": name, **figures, "verdict": "not held" if figures["wrong"] else "held"}


def _poisoned(running: Fleet) -> Figures:
    _said(running, SOUND)
    waits, told = Waits(), 0
    for n in range(_ROUNDS):
        waits.without.append(_round(running, 0, CURE))
        running.stop()
        waits.beside.append(_round(running, len(POISON), (*CURE, *POISON)))
        _until(lambda: sum(row.state == "failed" for row in _rows(running, MessageRow)) == len(POISON))
        if not n:  # the office is told of it once, not once a round
            _until(lambda: bool(_notices(running)))
            time.sleep(_TICKS)
            told = _notices(running)
        running.stop()
    figures = waits.figures()
    wrong = figures["wrong"] + ([] if told == 1 else [f"{told} notices to the office"])
    return figures | {"dead letters": len(POISON), "notices": told, "wrong": wrong}


def _hostile(running: Fleet) -> Figures:
    theirs, waits, longest, poured = running.due * len(HOSTILE) // 20, Waits(), 0.0, 0
    for _ in range(_ROUNDS):
        waits.without.append(_round(running, theirs, ()))
        running.stop()
        waits.beside.append(_round(running, theirs, (), faults={"at": HOSTILE}))
        _until(lambda: "unknown" in {row.outcome for row in _rows(running, DeliveryRow)})
        longest = max(longest, _longest(running))
        poured = max(poured, running.peer.order()["most"].get("endless bytes", 0))
        running.stop()
    figures = waits.figures()
    wrong = figures["wrong"] + ([] if longest <= _DEADLINE + 1 else [f"an attempt of {longest} s"])
    return figures | {"longest attempt, s": longest, "bytes an endless peer could write": poured, "wrong": wrong}


def _round(running: Fleet, without: int, change: Sequence[str], faults: Figures | None = None) -> list[float]:
    """Everything is due again, on a fresh ledger of the receiver, and a daemon sends it: when each of the others'
    letters came, of which there are all but so many, in seconds after the first."""
    _said(running, (*ANEW, *change))
    running.peer.fresh(running.folder.parent / f"ledger{time.monotonic()}.jsonl", faults=faults or {})
    running.start()
    _until(lambda: len(_others(running)) >= running.due - without)
    came = sorted(_others(running))
    return [one - came[0] for one in came]


def _said(running: Fleet, statements: Sequence[str]) -> None:
    engine = open_engine(running.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _others(running: Fleet) -> list[float]:
    return [line.at for line in running.peer.accepted() if line.to not in {*HOSTILE, _OFFICE}]


def _notices(running: Fleet) -> int:
    return sum(line.to == _OFFICE for line in running.peer.accepted())


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
