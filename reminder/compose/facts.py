"""What templates are told: reminders and circumstances as plain dictionaries of tidied strings and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reminder.compose import wording
from reminder.domain.measure import Measure
from reminder.domain.people import OFFICE
from reminder.domain.reminder import Reminder, ReminderKind
from reminder.render.text import tidy
from reminder.words import say

ORDER = (
    ReminderKind.ESCALATION,  # what a leader has to read first
    ReminderKind.OVERDUE,
    ReminderKind.DUE,
    ReminderKind.BEFORE,
    ReminderKind.PACE,
    ReminderKind.REPORT_CHASE,
    ReminderKind.REPORT_DUE,
    ReminderKind.REPORT_SUMMARY,
    ReminderKind.DUTY,
    ReminderKind.NUDGE,
    ReminderKind.AWAITING_REPLY,
    ReminderKind.LOOK_BACK,
)
STATES = ("overdue", "today", "soon", "later", "undated")
_URGENCY = {state: rank for rank, state in enumerate(STATES)}
COLOURS = {"overdue": "red", "today": "yellow", "soon": "yellow", "later": "green", "undated": "grey"}
MOST_IN_SECTION = 20
MOST_IN_DATA = 40
MOST_IN_LETTER = 40  # keeps the longest letter below the size at which mail programs cut it off
CODE, NAME, TEXT = 30, 40, 160  # the most characters shown; a code of wide ones still fits on a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a letter depends on besides its reminders.

    `on` is the day for which it is written: distances are counted from it. `replies` says whether a reply reaches
    the office. `number` is the short number people can quote. `redirected_from` is the true addressee of a trial.
    `templates` maps a rule's name to the template that it asks for; `folder` holds the office's own templates.
    `recipient` is the name in the salutation; without it the reminders' recipient.
    """

    locale: str
    office: str
    on: date
    zone: ZoneInfo
    contact: str = ""
    replies: bool = False
    recipient: str = ""
    number: str = ""
    redirected_from: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    link: str | None = None

    def say(self, key: str, **facts: object) -> str:
        """A sentence of the letters' own words."""
        return say(self.locale, f"letters.{key}", **facts)


class Entry(NamedTuple):
    """One measure of one unit in a section. `state` is overdue, today, soon, later or undated; `left` are the days to
    its deadline, negative when that has passed, None where none is counted."""

    measure: Measure
    reminder: Reminder
    key: tuple[int, str]
    due: date | None
    state: str
    left: int | None


def entries(reminders: Iterable[Reminder], on: date) -> list[Entry]:
    """Each measure of each unit once, the most urgent first, as seen on the day `on`; within one urgency unit by
    unit."""
    found: dict[tuple[int, str], tuple[int, str, date, str, int, Entry]] = {}
    for reminder in reminders:
        unit = reminder.firing.unit
        for measure, _ in reminder.firing.lines:
            if (key := (measure.id, unit)) not in found:
                due = measure.deadline.counted_down
                left = (due - on).days if due else None
                state = wording.state_of(left)
                entry = Entry(measure, reminder, key, due, state, left)
                found[key] = (_URGENCY[state], unit, due or date.max, measure.ledger, measure.id, entry)
    return [ranked[-1] for ranked in sorted(found.values())]  # no two have one unit and one id


def in_full(found: Iterable[Entry], told: Mapping[tuple[int, str], Measure]) -> list[Entry]:
    """The same entries, those in `told` with the measures that stand there."""
    return [entry._replace(measure=told[entry.key]) if entry.key in told else entry for entry in found]


def line(entry: Entry, circumstances: Circumstances, *, units_named: bool, late_named: bool) -> dict[str, object]:
    """One measure as a template sees it; `late` and `unit` are empty where the section says them for all."""
    measure, locale, on = entry.measure, circumstances.locale, circumstances.on
    reported, about = measure.progress_on, entry.reminder.firing.about
    told = reported is None or reported <= on  # a letter of a past day must not know what was reported later
    return {
        "code": tidy(measure.key, CODE),
        "text": tidy(measure.text, TEXT),
        "problem": tidy(measure.problem_text or measure.problem, NAME + NAME),
        "unit": tidy(entry.reminder.firing.unit, NAME) if units_named else "",
        "leader": tidy(measure.leader or "", NAME),
        "state": entry.state,
        "colour": COLOURS[entry.state],
        "distance": wording.distance(locale, entry.left),
        "days_left": entry.left,
        "limit": wording.limit(locale, measure.deadline, entry.due, tidy(measure.deadline.text, NAME)),
        "status": wording.status(locale, measure, on),
        "blocked": tidy(measure.blocked_by, TEXT),
        "step": wording.step(locale, tidy(about.get(f"step:{measure.id}", ""), NAME)) if about else "",
        "pace": wording.pace(locale, about, on) if about else "",
        "percent": f"{measure.percent}%" if told and measure.percent is not None else "",
        "progress": tidy(measure.progress, TEXT) if told else "",
        "progress_on": wording.short_day(locale, reported, on) if told and reported else "",
        "late": wording.long_day(locale, planned_for(entry.reminder, on)) if late_named else "",
    }


def planned_for(reminder: Reminder, on: date) -> date:
    """The day on which a late reminder should have gone."""
    meant = reminder.firing.at.date()
    return meant if meant < on else reminder.firing.occasion


def report(reminder: Reminder, circumstances: Circumstances) -> dict[str, object]:
    """A weekly report that is owed, as a template sees it."""
    firing = reminder.firing
    due = firing.due_at.astimezone(circumstances.zone) if firing.due_at else None
    return {
        "unit": tidy(firing.unit, NAME),
        "week": wording.week(circumstances.locale, firing.week),
        "due": wording.instant(circumstances.locale, due) if due else "",
        "due_short": wording.short_instant(circumstances.locale, due, circumstances.on) if due else "",
    }


def named(unit: str, circumstances: Circumstances) -> str:
    """A unit, or the office itself, as people call it."""
    return tidy(circumstances.office if unit == OFFICE else unit, NAME)


def units(reminders: Sequence[Reminder], circumstances: Circumstances) -> list[str]:
    """The units the reminders speak of, each once, in their order."""
    return list(dict.fromkeys(named(reminder.firing.unit, circumstances) for reminder in reminders))


def who(names: Sequence[str], circumstances: Circumstances) -> str:
    """The unit, or the first of several and how many they are."""
    first = names[0] if names else ""
    return first if len(names) < 2 else circumstances.say("units_many", first=first, n=len(names))


def audience(reminders: Sequence[Reminder]) -> str:
    """`unit` where all reminders speak of the recipient itself, `office`, else `other`: a leader, a supporting unit."""
    recipients = {reminder.recipient for reminder in reminders}
    if recipients == {OFFICE}:
        return OFFICE
    own = all(
        reminder.recipient == reminder.firing.unit or reminder.recipient.startswith("channel:")
        for reminder in reminders
    )
    return "unit" if own and len({reminder.firing.unit for reminder in reminders}) == 1 else "other"
