"""One message for one recipient: subject, text, HTML, one sentence, and the facts for webhook bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reminder.compose import wording
from reminder.compose.facts import CODE, MOST_IN_DATA, NAME, TEXT, Circumstances, Entry, audience, entries, units, who
from reminder.compose.owed import owed_data
from reminder.compose.sections import sections
from reminder.compose.templates import WEBHOOK, Templates, templates
from reminder.domain.message import Letter
from reminder.domain.people import OFFICE
from reminder.domain.reminder import Reminder
from reminder.errors import TemplateFault
from reminder.render.letters import rendered
from reminder.render.text import tidy
from reminder.rules.recipients import answered_for

MOST_BRIEF = 120


def compose(
    reminders: Sequence[Reminder],
    circumstances: Circumstances,
    found: Sequence[Entry] | None = None,
    *,
    brief: bool = True,
) -> Letter:
    """The letter that carries all of `reminders`, which must be for one recipient. Raises TemplateFault.

    `found` are their `entries` where they are known already; what is shown of a measure is what they hold. Without
    `brief` it has what an e-mail shows, and neither brief and tail nor the facts for webhook bodies.
    """
    return write(reminders, circumstances, templates(circumstances.folder, circumstances.locale), found, brief=brief)


def told(
    reminders: Sequence[Reminder], circumstances: Circumstances, found: Sequence[Entry] | None = None
) -> dict[str, Any]:
    """What the templates of that letter are told; `render.letters` makes the letter of it that an e-mail shows."""
    shelf = templates(circumstances.folder, circumstances.locale)
    return facts_of(reminders, found or entries(reminders, circumstances.on), circumstances, shelf)


def write(
    reminders: Sequence[Reminder],
    circumstances: Circumstances,
    shelf: Templates,
    found: Sequence[Entry] | None = None,
    *,
    brief: bool = True,
) -> Letter:
    """The same by the templates of `shelf`."""
    found = found or entries(reminders, circumstances.on)
    facts = facts_of(reminders, found, circumstances, shelf)
    return finished(facts, shelf, _data(reminders, found, facts, circumstances) if brief else None, circumstances)


def finished(
    facts: Mapping[str, object], shelf: Templates, data: Mapping[str, object] | None, circumstances: Circumstances
) -> Letter:
    """The letter made of `facts`, whatever its sections are about. `data` is what webhook bodies see of it; without it
    neither brief and tail are made."""
    letter = rendered(facts, shelf.render, circumstances.locale)
    if data is None:
        return letter
    return replace(
        letter,
        brief=tidy(shelf.render("letter.brief.txt", facts), MOST_BRIEF),
        tail=shelf.render("letter.tail.txt", facts).strip(),
        data={**letter.data, **data},
    )


def render_body(name: str, letter: Letter, folder: Path | None = None) -> str:
    """The webhook body by the template `webhook/<name>.json`: JSON, checked. Raises TemplateFault."""
    return write_body(name, letter, templates(folder, WEBHOOK))


def write_body(name: str, letter: Letter, shelf: Templates) -> str:
    """The same by the templates of `shelf`."""
    file = f"{name}.json"
    facts = {"subject": letter.subject, "text": letter.text, "html": letter.html, "brief": letter.brief}
    body = shelf.render(file, {**facts, "data": letter.data}).strip()
    try:
        json.loads(body, parse_constant=_refuse)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise TemplateFault(shelf.path(file), line, f"the result is not JSON: {error}") from error
    return body


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def facts_of(
    reminders: Sequence[Reminder], found: Sequence[Entry], circumstances: Circumstances, shelf: Templates
) -> dict[str, Any]:
    """All that the templates of a letter are told; `found` are the `entries` of all its reminders."""
    locale, names = circumstances.locale, units(reminders, circumstances)
    missed = dict.fromkeys(tidy(name, NAME) for one in reminders for name in answered_for(one.instead_of))
    return {
        "office": tidy(circumstances.office, NAME),
        "contact": tidy(circumstances.contact, TEXT),
        "replies": circumstances.replies,
        "recipient": _named(circumstances.recipient or reminders[0].recipient, reminders, circumstances),
        "audience": audience(reminders),
        "reporting": any(reminder.recipient == reminder.firing.unit != OFFICE for reminder in reminders),
        "who": who(names, circumstances),
        "date": wording.long_day(locale, circumstances.on),
        "number": tidy(circumstances.number, NAME),
        "redirected_from": _named(circumstances.redirected_from, reminders, circumstances),
        "instead_of": wording.listed(locale, list(missed)),
        "late": all(reminder.late for reminder in reminders),
        "provisional": any(reminder.firing.provisional for reminder in reminders),
        "link": circumstances.link,
        "count": len(found),
        "sections": sections(reminders, found, circumstances, shelf),
    }


def _named(recipient: str, reminders: Sequence[Reminder], circumstances: Circumstances) -> str:
    """A recipient as people call it."""
    if recipient == OFFICE:
        return tidy(circumstances.office, NAME)
    if recipient.startswith("channel:"):  # a group of people: the units it is about are addressed
        return who(units(reminders, circumstances), circumstances)
    return tidy(recipient, TEXT)


def _data(
    reminders: Sequence[Reminder], found: Sequence[Entry], facts: dict[str, Any], circumstances: Circumstances
) -> dict[str, object]:
    kinds = [section["kind"] for section in facts["sections"]]
    return {
        "number": facts["number"],
        "office": facts["office"],
        "contact": facts["contact"],
        "recipient": facts["recipient"],
        "instead_of": facts["instead_of"],
        "redirected_from": facts["redirected_from"],
        "on": circumstances.on.isoformat(),
        "at": max(reminder.firing.at for reminder in reminders).isoformat(),
        "kinds": list(dict.fromkeys(kinds)),
        "units": units(reminders, circumstances)[:MOST_IN_DATA],
        "late": facts["late"],
        "provisional": facts["provisional"],
        "link": facts["link"],
        "measures": _measures(found, circumstances),
        "reports": _reports(reminders),
        **owed_data(reminders, circumstances),
    }


def _measures(found: Sequence[Entry], circumstances: Circumstances) -> list[dict[str, object]]:
    """The most urgent measures, each once, with dates and codes as the service writes them."""
    return [
        {
            "code": tidy(entry.measure.key, CODE),
            "text": tidy(entry.measure.text, NAME + NAME),
            "unit": tidy(entry.reminder.firing.unit, NAME),
            "deadline": entry.due.isoformat() if entry.due else None,
            "days_left": entry.left,
            "status": entry.measure.status_on(circumstances.on).value,
            "percent": entry.measure.percent,
        }
        for entry in found[:MOST_IN_DATA]
    ]


def _reports(reminders: Sequence[Reminder]) -> list[dict[str, object]]:
    owed = [reminder.firing for reminder in reminders if reminder.firing.week]
    return [
        {"unit": tidy(f.unit, NAME), "week": f.week, "due_at": f.due_at.isoformat() if f.due_at else None}
        for f in owed[:MOST_IN_DATA]
    ]
