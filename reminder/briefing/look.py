"""What a section of the office's own message may look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlmodel import Session

from reminder.domain.people import Directory
from reminder.rules.hours import SendingHours
from reminder.rules.rule import Practice, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """How the office wants its own message: not before `at`, within the sending hours. `domain` is the right side of
    message ids, `locale` the language of what is recorded in words."""

    rules: tuple[Rule, ...]
    directory: Directory
    practice: Practice
    hours: SendingHours
    at: time
    domain: str
    locale: str

    @property
    def hour(self) -> time:
        """When it goes: an hour at which nothing may leave is moved to the nearest at which something may."""
        return min(max(self.at, self.hours.opens), self.hours.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the state of things at `now`. What came up since the day `since` is fresh."""

    session: Session
    briefing: Briefing
    now: datetime
    since: date

    @property
    def today(self) -> date:
        """The office's local day."""
        return self.now.astimezone(self.briefing.practice.zone).date()
