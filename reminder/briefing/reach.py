"""Whom nobody can write to: the units and posts of the ledger that the directory does not know or cannot reach."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from reminder.domain.people import Directory
from reminder.rules.rule import Rule
from reminder.store.names import leaders_named, units_named


def unreachable(session: Session, directory: Directory, rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Their names, by `unit` and `leader`."""
    asked = {entry for rule in rules for entry in rule.entries()}
    units = units_named(session, "responsible")
    units += units_named(session, "supporting") if "supporting" in asked else []
    return {
        "unit": [name for name in dict.fromkeys(units) if not _unit_reached(name, directory)],
        "leader": [title for title in leaders_named(session) if not _leader_reached(title, directory)],
    }


def _unit_reached(name: str, directory: Directory) -> bool:
    unit = directory.units.get(name)
    return unit is not None and (unit.outside or bool(unit.reachable(unit.channels)))


def _leader_reached(title: str, directory: Directory) -> bool:
    named = [leader for leader in directory.leaders.values() if title == leader.name or title in leader.aliases]
    return any(leader.reachable(leader.channels) or leader.deputy in directory.leaders for leader in named)
