"""Whether the days typed into [calendar] make sense together."""

from __future__ import annotations

from datetime import date

from reminder.config.draft import Draft

_SATURDAY = 5


def check_calendar(draft: Draft) -> None:
    """A day that is both off and work is an error; a make-up day on a weekday is suspicious."""
    if draft.settings is None:
        return
    keys, source = draft.settings.calendar, draft.office
    off = {day for one in keys.off for day in one.days()}
    for index, one in enumerate(keys.work):
        loc = ("calendar", "work", index)
        if both := sorted(off.intersection(one.days())):
            source.report(loc, "work_and_off", day=both[0])
        elif weekdays := [day for day in one.days() if _weekday(day)]:
            source.report(loc, "work_on_weekday", severity="warning", day=weekdays[0])


def _weekday(day: date) -> bool:
    return day.weekday() < _SATURDAY
