"""The rules, the calendar and who is outside, as a cycle writes them down and as the past is told from them.

Nothing in it is an address or a secret. A record that a later version cannot read any more is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from reminder.config.configuration import Configuration
from reminder.domain.people import Directory
from reminder.rules.calendar import Calendar, published_years
from reminder.rules.kinds import KINDS
from reminder.rules.rule import Practice, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """What decided on some days: the rules, how the office worked, who could be written to."""

    rules: tuple[Rule, ...]
    practice: Practice
    directory: Directory


def as_record(configuration: Configuration) -> dict[str, Any]:
    """What decides when something goes, as plain JSON."""
    practice = configuration.practice
    calendar = practice.calendar
    return {
        "rules": [rule.model_dump(mode="json", by_alias=True, exclude_defaults=True) for rule in configuration.rules],
        "outside": sorted(configuration.directory.outside),
        "started_on": str(practice.started_on or ""),
        "working_days_only": practice.working_days_only,
        "calendar": {
            "base": calendar.base,
            "off": sorted(map(str, calendar.off)),
            "work": sorted(map(str, calendar.work)),
            "covered_years": sorted(calendar.covered_years),
            "published_to": max(published_years()),
        },
    }


def present(configuration: Configuration) -> Era:
    """What decides today."""
    return Era(rules=configuration.rules, practice=configuration.practice, directory=configuration.directory)


def as_it_was(record: Mapping[str, Any], configuration: Configuration) -> Era:
    """What a record says; addresses are today's. KeyError or ValueError where this version cannot read it."""
    days = record["calendar"]
    calendar = Calendar(
        base=days["base"],
        off=frozenset(map(date.fromisoformat, days["off"])),
        work=frozenset(map(date.fromisoformat, days["work"])),
        covered_years=frozenset(days["covered_years"]),
        published_to=days["published_to"],
    )
    practice = Practice(
        calendar=calendar,
        zone=configuration.zone,
        started_on=date.fromisoformat(record["started_on"]) if record["started_on"] else None,
        working_days_only=record["working_days_only"],
    )
    directory = configuration.directory
    outside = frozenset(record["outside"])
    units = {name: replace(unit, outside=name in outside) for name, unit in directory.units.items()}
    rules = tuple(KINDS[keys["kind"]].model_validate(keys) for keys in record["rules"])
    return Era(rules=rules, practice=practice, directory=replace(directory, units=units))
