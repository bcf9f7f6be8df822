"""To whom a firing goes, and by which channels. Whoever cannot be reached is answered for by the office."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reminder.domain.measure import Measure
from reminder.domain.people import OFFICE, Directory, Leader, Party
from reminder.domain.reminder import Firing, Line
from reminder.rules.rule import ADDRESSEE, Rule

_AND = "、"  # between the names of those whom one recipient answers for


class Recipient(NamedTuple):
    """Who gets it, by which channels, with which lines; `instead_of` are those for whom it is answered."""

    name: str
    channels: tuple[str, ...]
    lines: tuple[Line, ...]
    instead_of: str = ""


def recipients(rule: Rule, firing: Firing, directory: Directory) -> Iterator[Recipient]:
    """Everybody whom the firing's `to`, else the rule's, names for this firing, each once and with all that is his:
    an occasion goes to nobody twice, and the office may answer for several leaders of different measures."""
    found: dict[str, Recipient] = {}
    for entry in firing.to or rule.to:
        for wanted, lines in _addressed(entry, firing, directory):
            recipient = _reachable(wanted, lines, rule, directory)
            before = found.get(recipient.name)
            found[recipient.name] = _together(before, recipient, firing) if before else recipient
    yield from found.values()


def answered_for(instead_of: str) -> list[str]:
    """The names in a reminder's `instead_of`."""
    return [name for name in instead_of.split(_AND) if name]


def _together(one: Recipient, other: Recipient, firing: Firing) -> Recipient:
    """The same recipient, named twice."""
    about = {line.measure.id for line in (*one.lines, *other.lines)}
    names = dict.fromkeys([*answered_for(one.instead_of), *answered_for(other.instead_of)])
    lines = tuple(line for line in firing.lines if line.measure.id in about)
    return one._replace(lines=lines, instead_of=_AND.join(names))


def _addressed(entry: str, firing: Firing, directory: Directory) -> Iterator[tuple[Party, tuple[Line, ...]]]:
    kind, _, name = entry.partition(":")
    if entry in ("unit", ADDRESSEE):  # a letter's firing has its addressee for a unit
        yield _unit(firing.unit, directory), firing.lines
    elif entry == "supporting":
        for unit, lines in _grouped(firing.lines, lambda line: line.measure.supporting_units).items():
            yield _unit(unit, directory), lines
    elif entry == "leader":
        yield from _leaders(firing, directory)
    elif entry == "principal":
        yield from _principals(firing, directory)
    elif entry == OFFICE:
        yield directory.office, firing.lines
    elif kind == "unit":
        yield _unit(name, directory), firing.lines
    elif kind == "leader":
        yield _leader(name, directory), firing.lines
    else:
        yield Party(name=entry, channels=(name,), addresses={name: ()}), firing.lines


def _leaders(firing: Firing, directory: Directory) -> Iterator[tuple[Party, tuple[Line, ...]]]:
    unit = directory.units.get(firing.unit)
    above = unit.leader if unit and unit.leader else ""
    if not firing.lines:
        yield (_leader(above, directory) if above else Party(name=firing.unit)), ()
        return
    for title, lines in _grouped(firing.lines, lambda line: (line.measure.leader or above,)).items():
        yield (_leader(title, directory) if title else Party(name=firing.unit)), lines


def _principals(firing: Firing, directory: Directory) -> Iterator[tuple[Party, tuple[Line, ...]]]:
    """Whoever is the principal; for a measure whose chain of escalation has begun, whoever it was then."""
    now = directory.principal or ""
    if not firing.lines:
        yield (_leader(now, directory) if now else directory.office), ()
    then = {line.measure.id: firing.about.get(f"principal:{line.measure.id}", now) for line in firing.lines}
    for title, lines in _grouped(firing.lines, lambda line: (then[line.measure.id],)).items():
        yield (_leader(title, directory) if title else directory.office), lines


def _grouped(lines: Sequence[Line], names_of: Callable[[Line], Iterable[str]]) -> Mapping[str, tuple[Line, ...]]:
    groups: dict[str, list[Line]] = {}
    for line in lines:
        for name in names_of(line):
            groups.setdefault(name, []).append(line)
    return {name: tuple(group) for name, group in groups.items()}


def _unit(name: str, directory: Directory) -> Party:
    if name == OFFICE:  # it owes something itself
        return directory.office
    return directory.units.get(name) or Party(name=name)


def _leader(title: str, directory: Directory) -> Party:
    if title in directory.leaders:
        return directory.leaders[title]
    named = (leader for leader in directory.leaders.values() if title in leader.aliases)
    return next(named, None) or Party(name=title)


def _reachable(party: Party, lines: tuple[Line, ...], rule: Rule, directory: Directory) -> Recipient:
    """The party itself, else its deputies in turn, else the office."""
    asked, seen = party, set[str]()
    while asked.name not in seen:
        seen.add(asked.name)
        if channels := asked.reachable(rule.channels or asked.channels):
            return Recipient(asked.name, channels, lines, party.name if asked is not party else "")
        if isinstance(asked, Leader) and asked.deputy:
            asked = _leader(asked.deputy, directory)
    office = directory.office
    channels = office.reachable(rule.channels) or office.reachable(office.channels) or tuple(office.addresses)[:1]
    return Recipient(OFFICE, channels, lines, party.name if party is not office else "")


def leader_of(measure: Measure, unit: str, directory: Directory) -> str | None:
    """The title of the post above a unit for a measure: the measure's own leader, else the unit's."""
    known = directory.units.get(unit)
    return measure.leader or (known.leader if known else None)
