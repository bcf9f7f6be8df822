"""What is remembered of a destination: how it stands, and how often it was written to lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """`failures` in a row; nothing goes there before `paused_until`; nothing at all once it is `disabled_at`."""

    failures: int = 0
    paused_until: datetime | None = None
    disabled_at: datetime | None = None
    why: str = ""


Rate = Sequence[tuple[int, float]]
"""A peer's limits, each as so many messages in so many seconds."""


def free_at(rate: Rate, recent: Sequence[datetime], now: datetime) -> datetime:
    """The first instant from `now` on at which one more message keeps every limit; `recent` in their order."""
    moments = [now]
    for most, seconds in rate:
        if len(recent) >= most:
            moments.append(recent[-most] + timedelta(seconds=seconds))
    return max(moments)


def room(rate: Rate, recent: Sequence[datetime], now: datetime) -> int:
    """How many messages may go at `now`."""
    free = [most - sum(at > now - timedelta(seconds=seconds) for at in recent) for most, seconds in rate]
    return max(0, min(free))


def still_counting(rate: Rate, recent: Sequence[datetime], now: datetime) -> list[datetime]:
    """Those of `recent` that any limit still counts."""
    longest = max(timedelta(seconds=seconds) for _, seconds in rate)
    return [at for at in recent if at > now - longest]
