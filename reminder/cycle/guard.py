"""Guards against a flood and against a wrong hour: a restored database, a clock that jumps or stands behind.

Each holds all sending until somebody says `outbox release`; the office is told once, with how many wait. Plain
downtime holds nothing. Only the daemon has a `Watch`: one cycle by hand, or a replay, never holds for its clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from reminder.store import memory as store
from reminder.store.marker import Marker
from reminder.store.memory import Memory

JUMP = timedelta(minutes=30)  # more than a correction by NTP or the pause of a machine for a snapshot
BEHIND = timedelta(minutes=5)  # machines that share a database may differ by less
RESTORED, JUMPED, STOOD_BEHIND = "restored", "clock_jumped", "clock_behind"


@dataclass(slots=True)
class Watch:
    """Compares the wall clock with a steady one, in seconds, that nobody can set.

    `going_on` is called whenever a long cycle has got further: a country's Monday may take longer than a heart may
    stand still.
    """

    wall: Callable[[], datetime]
    steady: Callable[[], float]
    going_on: Callable[[], None] = lambda: None
    _last: tuple[datetime, float] | None = field(default=None, init=False)

    def jump(self, now: datetime) -> timedelta:
        """By how much the wall clock has gained on the steady one since the last cycle."""
        last = self._last
        return now - last[0] - timedelta(seconds=self.steady() - last[1]) if last else timedelta()

    def note(self, now: datetime) -> None:
        """A cycle has looked at this instant: what follows is compared with it."""
        self._last = (now, self.steady())

    def clock(self) -> datetime:
        """The wall clock for what goes on between two cycles; a jump is not believed before a cycle has judged it."""
        now = self.wall()
        jump = self.jump(now)
        return now - jump if abs(jump) >= JUMP else now


def guarded(session: Session, memory: Memory, now: datetime, marker: Marker | None, watch: Watch | None) -> str:
    """Which guard holds all sending, "" where none does; one that fires now holds from now on."""
    if memory.held_why:
        return memory.held_why
    why = _fired(memory, now, marker, watch)
    if why:
        store.hold(session, why, now)
    return why


def _fired(memory: Memory, now: datetime, marker: Marker | None, watch: Watch | None) -> str:
    if marker and marker.tells_restored(memory.last_at, marked=memory.marked):
        return RESTORED
    if watch and watch.jump(now) >= JUMP:
        return JUMPED
    if watch and memory.last_at and now < memory.last_at - BEHIND:
        return STOOD_BEHIND
    return ""


def clock_doubted(why: str) -> bool:
    """Whether nothing may be planned while this guard holds: who plans by a wrong clock remembers a wrong day."""
    return why in (JUMPED, STOOD_BEHIND)
