"""Units, leaders and the office: who can be written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OFFICE = "office"  # the recipient's name for the office itself, in plans and in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Anybody a reminder can go to. `addresses` maps a channel's name to what that channel needs.

    An empty tuple is an address where the channel itself knows the target (a webhook's URL);
    a channel that is missing from the mapping cannot reach this party.
    """

    name: str
    aliases: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def reachable(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `channels` by which this party can be reached, in that order."""
        return tuple([name for name in channels if name in self.addresses])


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Party):
    """A unit of the directory. `leader` is the title of the post above it; `outside` units are written to
    only where a rule says so."""

    leader: str | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader(Party):
    """A post. `deputy` is the title of the post that answers while this one cannot be reached."""

    deputy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everybody who can be written to, by canonical name or title."""

    units: Mapping[str, Unit]
    leaders: Mapping[str, Leader]
    office: Party
    principal: str | None = None

    @property
    def outside(self) -> frozenset[str]:
        """The units that are written to only where a rule says so."""
        return frozenset(unit.name for unit in self.units.values() if unit.outside)

    def unit_names(self) -> Mapping[str, str]:
        """Every name and alias of every unit → its canonical name."""
        names = {alias: unit.name for unit in self.units.values() for alias in unit.aliases}
        return names | {name: name for name in self.units}
