"""A silence (静默): for so long there are no reminders for a unit, a measure or a rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """From `since` to `until`, both included, nothing goes that agrees with every target given; at least one is.

    `ended_on` is the day on which somebody ended it: from that day on it holds no more.
    """

    id: int
    unit: str | None = None
    measure_id: int | None = None
    rule: str | None = None
    since: date
    until: date
    ended_on: date | None = None
    because: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether it silences what goes on `day`."""
        return self.since <= day <= self.until and (self.ended_on is None or day < self.ended_on)
