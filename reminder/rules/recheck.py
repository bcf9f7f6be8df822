"""Whether a planned reminder still holds when it is about to go: a measure written off a second ago is not chased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from reminder.domain.measure import Measure
from reminder.domain.reminder import Line, Reason, Reminder, ReminderKind

_REPORTS = (ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE)


def recheck(
    reminder: Reminder,
    deadlines: Mapping[int, date | None],
    reports: Mapping[tuple[str, str], datetime],
    on: date,
) -> Reminder | Reason:
    """The reminder with those lines that still hold on the day `on`, or the reason why none does.

    `deadlines` are the deadlines by measure id as they were when it was planned: an extension ends a countdown.
    """
    firing = reminder.firing
    if firing.kind in _REPORTS:
        return _recheck_report(reminder, reports, on)
    standing = [line for line in firing.lines if _holds(line, firing.kind, deadlines, on)]
    if standing:
        return replace(reminder, firing=replace(firing, lines=tuple(standing)))
    if not firing.lines:
        return Reason("cancelled_gone")
    return _why(firing.lines[0].measure, on)


def _holds(line: Line, kind: ReminderKind, deadlines: Mapping[int, date | None], on: date) -> bool:
    measure = line.measure
    if not measure.chased_on(on):
        return False
    return kind is ReminderKind.NUDGE or measure.deadline.counted_down == deadlines.get(measure.id)


def _why(measure: Measure, on: date) -> Reason:
    if measure.chased_on(on):
        return Reason("cancelled_moved", {"deadline": str(measure.deadline.on or measure.deadline.text)})
    return Reason("cancelled_closed", {"status": measure.status_on(on).value, "on": str(measure.closed_on or on)})


def _recheck_report(reminder: Reminder, reports: Mapping[tuple[str, str], datetime], on: date) -> Reminder | Reason:
    firing = reminder.firing
    if (firing.unit, firing.week) in reports:
        return Reason("cancelled_reported", {"week": firing.week})
    due = firing.kind is ReminderKind.REPORT_DUE
    if due and firing.owed_for and not any(measure.chased_on(on) for measure in firing.owed_for):
        return Reason("cancelled_nothing_open", {"unit": firing.unit})
    return reminder
