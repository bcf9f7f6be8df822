"""When messages may leave: sending hours on working days. Outside them a message waits for the next slot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from reminder.rules.rule import Practice


@dataclass(frozen=True, slots=True)
class SendingHours:
    """From `opens` to `closes`, both included, on the office's clock."""

    opens: time
    closes: time

    def next_slot(self, moment: datetime, practice: Practice) -> datetime:
        """`moment` itself where messages may leave then, else the next opening."""
        local = moment.astimezone(practice.zone)
        day = local.date()
        if practice.earlier(day) == day and self.opens <= local.time() <= self.closes:
            return moment
        if local.time() > self.closes or practice.earlier(day) != day:
            return self.opening_after(moment, practice)
        return practice.at(day, self.opens)

    def opening_after(self, moment: datetime, practice: Practice) -> datetime:
        """The opening of the first working day after the local day of `moment`."""
        day = moment.astimezone(practice.zone).date() + timedelta(days=1)
        if practice.working_days_only:
            day = practice.calendar.on_or_after(day)
        return practice.at(day, self.opens)
