"""One made-up reminder of each kind, for `check` and `channel test`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.domain.reminder import Firing, Line, Reason, Reminder, ReminderKind
from reminder.words import say

_LEFT = (-3, 0, 7, 60)  # days to the deadlines of the sample measures; the last measure has none
_ALONE = {  # which of them a kind speaks of
    ReminderKind.ESCALATION: 0,
    ReminderKind.OVERDUE: 0,
    ReminderKind.DUE: 1,
    ReminderKind.BEFORE: 2,
    ReminderKind.PACE: 3,
}
_ABOUT = {
    ReminderKind.ESCALATION: {"step:1": "yellow"},
    ReminderKind.PACE: {"expected": "65", "percent": "40", "since": "2021-03-01"},
}
_REPORTS = (ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE, ReminderKind.REPORT_SUMMARY)
_BESIDE = (*_REPORTS, ReminderKind.AWAITING_REPLY, ReminderKind.DUTY)  # these speak of no measures


def samples(locale: str, on: date, zone: ZoneInfo) -> list[Reminder]:
    """A reminder of every kind as it could go on the day `on`, in the order of the kinds."""
    return [_sample(kind, locale, datetime.combine(on, time(9), zone)) for kind in ReminderKind]


def _sample(kind: ReminderKind, locale: str, at: datetime) -> Reminder:
    unit = say(locale, "letters.sample_unit")
    firing = Firing(
        rule="sample",
        kind=kind,
        subject=f"sample:{kind}",
        unit=unit,
        occasion=at.date(),
        at=at,
        lines=() if kind in _BESIDE else _lines(kind, locale, at.date()),
        reason=Reason(kind.value),
        week=_week(at.date()) if kind in _REPORTS else "",
        about=_about(kind, locale, at.date()),
        due_at=at.replace(hour=17) if kind in (*_REPORTS, ReminderKind.DUTY) else None,
    )
    return Reminder(firing=firing, recipient=unit, channel="sample")


def _about(kind: ReminderKind, locale: str, on: date) -> dict[str, str]:
    """What a kind says beside measures and weeks."""
    before, month = str(on - timedelta(days=90)), f"{on:%Y-%m}"
    sent, reply_by = str(on - timedelta(days=18)), str(on + timedelta(days=3))
    what = say(locale, "letters.sample_duty")
    unit = say(locale, "letters.sample_unit")
    return {
        ReminderKind.REPORT_SUMMARY: {"received": "", "late": "", "missing": unit},
        ReminderKind.LOOK_BACK: {"closed_on": before, "due_on": str(on)},
        ReminderKind.AWAITING_REPLY: {"letter": "1", "title": what, "sent_on": sent, "due_on": reply_by},
        ReminderKind.DUTY: {"what": what, "period": month, "done": "0", "min": "1", "part": "remind"},
    }.get(kind) or _ABOUT.get(kind, {})


def _lines(kind: ReminderKind, locale: str, on: date) -> tuple[Line, ...]:
    deadlines = [Deadline(DeadlineKind.DATE, on + timedelta(days=left)) for left in _LEFT]
    deadlines.append(Deadline(DeadlineKind.EMPTY))
    lines = tuple(Line(_measure(n, locale, deadline)) for n, deadline in enumerate(deadlines, start=1))
    return lines[_ALONE[kind] :][:1] if kind in _ALONE else lines


def _measure(n: int, locale: str, deadline: Deadline) -> Measure:
    return Measure(
        id=n,
        code=str(n),
        text=say(locale, "letters.sample_measure"),
        problem_text=say(locale, "letters.sample_problem"),
        units=(say(locale, "letters.sample_unit"),),
        deadline=deadline,
        blocked_by=say(locale, "letters.sample_blocked"),
        percent=40,
        progress=say(locale, "letters.sample_progress"),
    )


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
