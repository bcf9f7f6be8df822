"""What is waited for beside the measures themselves: replies to the office's letters, and duties that recur."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLetter:
    """An official letter (函) to one addressee. `reply_by` is the date it names, if any; `replied_on` ends the wait."""

    id: int
    addressee: str
    about: str
    sent_on: date
    reply_by: date | None = None
    replied_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyDone:
    """A duty fulfilled `count` times by a unit in one period (as the duty's rule names it), on the day `on`."""

    duty: str
    unit: str
    period: str
    on: date
    count: int = 1
