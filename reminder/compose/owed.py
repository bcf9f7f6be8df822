"""What is waited for beside the measures, as templates see it: look-backs, replies to letters, duties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from reminder.compose import wording
from reminder.compose.facts import NAME, TEXT, Circumstances, named
from reminder.domain.reminder import Reminder, ReminderKind
from reminder.render.text import tidy

MOST_OWED = 20
_BESIDE = (ReminderKind.REPORT_SUMMARY, ReminderKind.AWAITING_REPLY, ReminderKind.DUTY)


def owed(kind: ReminderKind, together: Sequence[Reminder], circumstances: Circumstances) -> dict[str, object]:
    """The letters, duties or weeks of reports of a section; empty lists where it is about none."""
    mine = _each_once(together) if kind in _BESIDE else []
    weeks = mine if kind is ReminderKind.REPORT_SUMMARY else []
    letters = mine if kind is ReminderKind.AWAITING_REPLY else []
    duties = mine if kind is ReminderKind.DUTY else []
    return {
        "weeks": [_week(one, circumstances) for one in weeks[:MOST_OWED]],
        "letters": [_letter(one, circumstances) for one in letters[:MOST_OWED]],
        "letters_count": len(letters),
        "letters_late": sum(_passed(one.firing.about, circumstances.on) for one in letters),
        "duties": [_duty(one, circumstances) for one in duties[:MOST_OWED]],
        "duties_count": len(duties),
        "duties_late": sum(one.firing.about.get("part") == "chase" for one in duties),
    }


def _each_once(together: Sequence[Reminder]) -> list[Reminder]:
    once = {reminder.firing.subject + reminder.firing.unit: reminder for reminder in reversed(together)}
    return list(reversed(once.values()))


def owed_data(reminders: Sequence[Reminder], circumstances: Circumstances) -> dict[str, object]:
    """The letters and duties as webhook bodies see them, with dates as the service writes them."""
    firings = [reminder.firing for reminder in reminders]
    letters = [one for one in firings if one.kind is ReminderKind.AWAITING_REPLY]
    duties = [one for one in firings if one.kind is ReminderKind.DUTY]
    return {
        "letters": [
            {
                "number": one.about.get("letter"),
                "addressee": named(one.unit, circumstances),
                "about": tidy(one.about.get("title", ""), NAME + NAME),
                "due_on": one.about.get("due_on"),
            }
            for one in letters[:MOST_OWED]
        ],
        "duties": [
            {
                "unit": named(one.unit, circumstances),
                "what": tidy(one.about.get("what", ""), NAME + NAME),
                "period": one.about.get("period"),
                "due_at": one.due_at.isoformat() if one.due_at else None,
            }
            for one in duties[:MOST_OWED]
        ],
    }


def look_back(about: Mapping[str, str], circumstances: Circumstances) -> dict[str, object]:
    """What a line about a look-back says beside its measure."""
    return {"closed_on": _day(about.get("closed_on"), circumstances), "due": _day(about.get("due_on"), circumstances)}


def _week(reminder: Reminder, circumstances: Circumstances) -> dict[str, object]:
    """One week's reports: who sent them in time, late, or not by the instant `at`."""
    firing, locale = reminder.firing, circumstances.locale
    told: dict[str, object] = {}
    for name in ("received", "late", "missing"):
        units = [tidy(unit, NAME) for unit in firing.about.get(name, "").split("\n") if unit]
        told |= {name: wording.listed(locale, units), f"{name}_count": len(units)}
    due, at = (moment.astimezone(circumstances.zone) if moment else None for moment in (firing.due_at, firing.at))
    return {
        "week": wording.week(locale, firing.week),
        "due": wording.instant(locale, due) if due else "",
        "at": wording.short_instant(locale, at, circumstances.on) if at else "",
        **told,
    }


def _letter(reminder: Reminder, circumstances: Circumstances) -> dict[str, object]:
    about, on = reminder.firing.about, circumstances.on
    due = _read(about.get("due_on"))
    return {
        "number": tidy(about.get("letter", ""), NAME),
        "addressee": named(reminder.firing.unit, circumstances),
        "title": tidy(about.get("title", ""), TEXT),
        "sent": _day(about.get("sent_on"), circumstances),
        "due": _day(about.get("due_on"), circumstances),
        "days_late": max(0, (on - due).days) if due else 0,
        "distance": wording.reply_distance(circumstances.locale, (due - on).days) if due else "",
    }


def _duty(reminder: Reminder, circumstances: Circumstances) -> dict[str, object]:
    firing, locale = reminder.firing, circumstances.locale
    due = firing.due_at.astimezone(circumstances.zone) if firing.due_at else None
    quota, done = int(firing.about.get("min", "1")), int(firing.about.get("done", "0"))
    return {
        "unit": named(firing.unit, circumstances),
        "what": tidy(firing.about.get("what", ""), NAME + NAME),
        "period": wording.period(locale, firing.about.get("period", "")),
        "due": wording.instant(locale, due) if due else "",
        "due_short": wording.short_instant(locale, due, circumstances.on) if due else "",
        "late": firing.about.get("part") == "chase",
        "min": quota,
        "missing": max(quota - done, 1),
    }


def _passed(about: Mapping[str, str], on: date) -> bool:
    due = _read(about.get("due_on"))
    return due is not None and due < on


def _read(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


def _day(iso: str | None, circumstances: Circumstances) -> str:
    day = _read(iso)
    return wording.long_day(circumstances.locale, day) if day else ""
