"""Whether a planned reminder still holds when it is about to go: a measure written off a second ago is not chased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from reminder.domain.measure import Status
from reminder.domain.reminder import Firing, Line, Reason, Reminder, ReminderKind
from reminder.rules.kinds.look_back import looked_back
from reminder.rules.rule import Facts
from reminder.rules.silencing import hushed

_REPORTS = (ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE)


def recheck(reminder: Reminder, deadlines: Mapping[int, date | None], facts: Facts, on: date) -> Reminder | Reason:
    """The reminder with those lines that still hold on the day `on`, or the reason why none does.

    `deadlines` are the deadlines by measure id as they were when it was planned: an extension ends a countdown.
    `facts` are the reports, letters, duties and silences as they stand now.
    """
    standing = _recheck(reminder, deadlines, facts, on)
    if isinstance(standing, Reason):
        return standing
    heard = hushed(standing, facts.silences, on)
    return heard.firing.skipped or heard


def _recheck(reminder: Reminder, deadlines: Mapping[int, date | None], facts: Facts, on: date) -> Reminder | Reason:
    firing = reminder.firing
    if firing.kind in _REPORTS:
        return _recheck_report(reminder, facts, on)
    if firing.kind is ReminderKind.REPORT_SUMMARY:  # it says of which instant it speaks
        return reminder
    if firing.kind in _OTHERS:
        return _OTHERS[firing.kind](reminder, facts, on) or reminder
    mine = [line for line in firing.lines if firing.unit in line.measure.units]
    standing = [line for line in mine if _holds(line, firing.kind, deadlines, on)]
    if standing and len(standing) == len(firing.lines):
        return reminder
    if standing:
        return replace(reminder, firing=replace(firing, lines=tuple(standing)))
    return _why(firing, mine, on)


def _holds(line: Line, kind: ReminderKind, deadlines: Mapping[int, date | None], on: date) -> bool:
    measure = line.measure
    if not measure.chased_on(on):
        return False
    return kind is ReminderKind.NUDGE or measure.deadline.counted_down == deadlines.get(measure.id)


def _why(firing: Firing, mine: Sequence[Line], on: date) -> Reason:
    """Why none of its lines holds; `mine` are those that its unit still has."""
    if not firing.lines:
        return Reason("cancelled_gone")
    if not mine:
        return Reason("cancelled_handed_over", {"unit": firing.unit})
    measure = mine[0].measure
    if measure.chased_on(on):
        return Reason("cancelled_moved", {"deadline": str(measure.deadline.on or measure.deadline.text)})
    return Reason("cancelled_closed", {"status": measure.status_on(on).value, "on": str(measure.closed_on or on)})


def _recheck_report(reminder: Reminder, facts: Facts, on: date) -> Reminder | Reason:
    firing = reminder.firing
    if (firing.unit, firing.week) in facts.reports:
        return Reason("cancelled_reported", {"week": firing.week})
    due = firing.kind is ReminderKind.REPORT_DUE
    if due and firing.owed_for and not any(measure.chased_on(on) for measure in firing.owed_for):
        return Reason("cancelled_nothing_open", {"unit": firing.unit})
    return reminder


def _look_back_over(reminder: Reminder, facts: Facts, on: date) -> Reason | None:
    """Why a look-back need not be asked for any more. One reminder of it is about one measure."""
    firing = reminder.firing
    if not firing.lines:
        return Reason("cancelled_gone")
    measure = firing.lines[0].measure
    if measure.status_on(on) is not Status.WRITTEN_OFF:
        return Reason("cancelled_reopened", {"status": measure.status_on(on).value})
    if looked_back(measure, date.fromisoformat(firing.about["due_on"]), on):
        return Reason("cancelled_looked_back")
    return None


def _letter_over(reminder: Reminder, facts: Facts, on: date) -> Reason | None:
    """Why a reply need not be waited for any more."""
    letter = next((one for one in facts.letters if str(one.id) == reminder.firing.about["letter"]), None)
    if letter is None:
        return Reason("cancelled_letter_gone")
    return Reason("cancelled_replied", {"on": str(letter.replied_on)}) if letter.replied_on else None


def _duty_over(reminder: Reminder, facts: Facts, on: date) -> Reason | None:
    """Why a duty need not be asked for any more."""
    firing, about = reminder.firing, reminder.firing.about
    period = (firing.rule, firing.unit, about["period"])
    done = sum(one.count for one in facts.duties_done if (one.duty, one.unit, one.period) == period)
    return Reason("cancelled_done", {"period": about["period"]}) if done >= int(about["min"]) else None


_OTHERS = {
    ReminderKind.LOOK_BACK: _look_back_over,
    ReminderKind.AWAITING_REPLY: _letter_over,
    ReminderKind.DUTY: _duty_over,
}
