"""The sections of a letter: one for each kind of reminder and template, in the order in which people need them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reminder.compose import wording
from reminder.compose.facts import (
    CODE,
    MOST_IN_DATA,
    MOST_IN_LETTER,
    MOST_IN_SECTION,
    ORDER,
    STATES,
    Circumstances,
    Entry,
    audience,
    entries,
    in_full,
    line,
    planned_for,
    report,
    units,
    who,
)
from reminder.compose.owed import look_back, owed
from reminder.compose.templates import Templates
from reminder.domain.measure import Measure
from reminder.domain.reminder import Reminder, ReminderKind
from reminder.render.text import tidy

PARTS = ("subject.txt", "brief.txt", "text.txt", "html")
MOST_REPORTS = 20


def sections(
    reminders: Sequence[Reminder], everything: Sequence[Entry], circumstances: Circumstances, shelf: Templates
) -> list[dict[str, object]]:
    """Each section with its measures, which are `everything` where there is only one.

    A measure that an earlier section told of is only named in later ones.
    """
    made = []
    for part in _parts(reminders, everything, circumstances.on, circumstances.templates):
        kind, together, repeated = part.kind, part.together, part.repeated
        section = _summary(kind, together, part.found, circumstances)
        section["files"] = {name: _file(part.template, kind, name, shelf) for name in PARTS}
        section["told"] = wording.listed(circumstances.locale, [tidy(entry.measure.key, CODE) for entry in repeated])
        section["told_count"] = len(repeated)
        section["groups"] = _groups(kind, part.shown, together, circumstances)
        section["more"] = len(part.found) - len(repeated) - len(part.shown)
        made.append(section)
    return made


def read_in_full(
    reminders: Sequence[Reminder], everything: Sequence[Entry], on: date, templates: Mapping[str, str], *, brief: bool
) -> dict[tuple[int, str], Measure]:
    """The measures, by id and unit, of which a letter written on the day `on` says more than how many there are."""
    named = [*everything[: MOST_IN_DATA if brief else 0]]
    for part in _parts(reminders, everything, on, templates):
        named += (*part.shown, *part.repeated)
    return {entry.key: entry.measure for entry in named}


class _Part(NamedTuple):
    """The reminders of one section, their measures, and of these what is shown and what an earlier section told of."""

    kind: ReminderKind
    template: str
    together: Sequence[Reminder]
    found: Sequence[Entry]
    shown: Sequence[Entry]
    repeated: Sequence[Entry]


def _parts(
    reminders: Sequence[Reminder], everything: Sequence[Entry], on: date, templates: Mapping[str, str]
) -> Iterator[_Part]:
    told: set[tuple[int, str]] = set()
    room = MOST_IN_LETTER
    kinds = _by_kind(reminders, templates)
    measures = {entry.key: entry.measure for entry in everything} if len(kinds) > 1 else {}
    for (kind, template), together in kinds:
        found = in_full(entries(together, on), measures) if measures else everything
        fresh = [entry for entry in found if entry.key not in told]
        shown = fresh[: min(room, MOST_IN_SECTION)]
        repeated = [entry for entry in found if entry.key in told]
        yield _Part(kind, template, together, found, shown, repeated)
        told |= {entry.key for entry in found}
        room -= len(shown)


def _by_kind(
    reminders: Iterable[Reminder], templates: Mapping[str, str]
) -> list[tuple[tuple[ReminderKind, str], list[Reminder]]]:
    kinds: dict[tuple[ReminderKind, str], list[Reminder]] = defaultdict(list)
    for reminder in reminders:
        kind = reminder.firing.kind
        kinds[kind, templates.get(reminder.firing.rule) or kind.value].append(reminder)
    return sorted(kinds.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1]))


def _file(template: str, kind: ReminderKind, part: str, shelf: Templates) -> str:
    """The rule's own template where it has this part, else the kind's."""
    own = f"{template}.{part}"
    return own if own in shelf else f"{kind.value}.{part}"


def _summary(
    kind: ReminderKind, together: Sequence[Reminder], found: Sequence[Entry], circumstances: Circumstances
) -> dict[str, object]:
    names, reports = units(together, circumstances), [reminder for reminder in together if reminder.firing.week]
    states = [entry.state for entry in found]
    left = [entry.left for entry in found if entry.left is not None]
    nearest = min((entry.due for entry in found if entry.due and entry.due >= circumstances.on), default=None)
    return {
        "kind": kind.value,
        "rules": sorted({reminder.firing.rule for reminder in together}),
        "audience": audience(together),
        "who": who(names, circumstances),
        "units": wording.listed(circumstances.locale, names),
        "count": len(found),
        **{state: states.count(state) for state in STATES},
        "worst": max((-days for days in left), default=0),
        "farthest": max(left, default=0),
        "nearest": wording.short_day(circumstances.locale, nearest, circumstances.on) if nearest else "",
        "nearest_long": wording.long_day(circumstances.locale, nearest) if nearest else "",
        "moved": any(reminder.firing.reason.code.endswith("_moved") for reminder in together),
        "late": _late(together, circumstances),
        "reports": [report(reminder, circumstances) for reminder in reports[:MOST_REPORTS]],
        "reports_count": len(reports),
        **owed(kind, together, circumstances),
    }


def _late(together: Sequence[Reminder], circumstances: Circumstances) -> str:
    """The days on which a section's reminders should have gone; empty unless all of them are late."""
    if not all(reminder.late for reminder in together):
        return ""
    days = sorted({planned_for(reminder, circumstances.on) for reminder in together})
    return wording.listed(circumstances.locale, [wording.long_day(circumstances.locale, day) for day in days], most=3)


def _groups(
    kind: ReminderKind, shown: Sequence[Entry], together: Sequence[Reminder], circumstances: Circumstances
) -> list[dict[str, object]]:
    """A nudge's measures by urgency; those of other kinds in one group without a title."""
    several = len(units(together, circumstances)) > 1
    all_late = all(reminder.late for reminder in together)
    groups: dict[str, list[dict[str, object]]] = {}
    for entry in shown:
        title = wording.named(circumstances.locale, "group", entry.state) if kind is ReminderKind.NUDGE else ""
        late = entry.reminder.late and not all_late
        told = line(entry, circumstances, units_named=several, late_named=late)
        told |= look_back(entry.reminder.firing.about, circumstances) if kind is ReminderKind.LOOK_BACK else {}
        groups.setdefault(title, []).append(told)
    return [{"title": title, "lines": lines} for title, lines in groups.items()]
