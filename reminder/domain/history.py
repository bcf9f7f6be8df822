"""How a measure's changes of status follow each other, where acts may be dated before or after one another.

Changes are never taken back. A change dated before others is repeated on the days of those others, so that it
holds from its own day on: a suspension's end that was planned for July does not reopen what June wrote off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from reminder.domain.measure import OPEN, Change, Status


def ordered(changes: Iterable[Change]) -> list[Change]:
    """By day; those of one day as they were recorded."""
    return sorted(changes, key=lambda change: change.on)


def moved(changes: Sequence[Change], on: date, status: Status) -> tuple[Change, ...]:
    """What to add to `changes` so that the measure stands at `status` from `on` on: the change, then its repeats."""
    later = sorted({change.on for change in changes if change.on > on})
    return (Change(on, status), *(Change(day, status) for day in later))


def closed_since(changes: Iterable[Change]) -> date | None:
    """The day on which the measure last left the open statuses; None where it ends open."""
    since: date | None = None
    for on, status in {change.on: change.status for change in ordered(changes)}.items():  # a day's last one counts
        if status in OPEN:
            since = None
        elif since is None:
            since = on
    return since


def status_at(changes: Iterable[Change], day: date, before: Status) -> Status:
    """The status at the end of `day`; `before` where no change is dated so early."""
    return next((change.status for change in reversed(ordered(changes)) if change.on <= day), before)
