"""From the tables of units.toml and channels.toml to the directory: who is reached by which channel, and where."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from reminder.channels import CHANNELS
from reminder.channels.base import ChannelKeys
from reminder.config.models import Office
from reminder.config.people import LeaderKeys, PartyKeys, UnitKeys
from reminder.domain.people import OFFICE, Directory, Leader, Party, Unit

_SAMPLE = "office@example.org"


@cache
def takes_email(kind: str) -> bool:
    """Whether a party's `email` is its address on channels of this kind."""
    channel = CHANNELS[kind]
    own_target = not channel.needs_address and channel.leaves_machine
    return not own_target and channel.address_fault(_SAMPLE) is None


def default_channels(office: Office, channels: Mapping[str, ChannelKeys]) -> tuple[str, ...]:
    """The channels of whoever names none: the office's, else the first of channels.toml."""
    return office.channels or tuple(channels)[:1]


def addresses(
    keys: PartyKeys, own_channels: tuple[str, ...], channels: Mapping[str, ChannelKeys]
) -> dict[str, tuple[str, ...]]:
    """Where each channel that can reach this party reaches it; () where the channel itself knows."""
    found: dict[str, tuple[str, ...]] = {}
    for name, channel in channels.items():
        kind = CHANNELS[channel.kind]
        if name in keys.addresses:
            found[name] = keys.addresses[name]
        elif takes_email(channel.kind) and keys.email:
            found[name] = keys.email
        elif not kind.leaves_machine or (not kind.needs_address and name in own_channels):
            found[name] = ()
    return {name: where for name, where in found.items() if where or not CHANNELS[channels[name].kind].needs_address}


def office_party(office: Office, channels: Mapping[str, ChannelKeys]) -> Party:
    """The office as somebody who is written to."""
    own = default_channels(office, channels)
    return Party(name=OFFICE, channels=own, addresses=addresses(PartyKeys(email=office.email), own, channels))


def directory(
    office: Office,
    units: tuple[UnitKeys, ...],
    leaders: tuple[LeaderKeys, ...],
    channels: Mapping[str, ChannelKeys],
) -> Directory:
    """Everybody who can be written to."""
    default = default_channels(office, channels)
    return Directory(
        units={keys.name: _unit(keys, default, channels) for keys in units},
        leaders={keys.title: _leader(keys, default, channels) for keys in leaders},
        office=office_party(office, channels),
        principal=office.principal,
    )


def _unit(keys: UnitKeys, default: tuple[str, ...], channels: Mapping[str, ChannelKeys]) -> Unit:
    own = keys.channels or default
    return Unit(
        name=keys.name,
        aliases=keys.aliases,
        channels=own,
        addresses=addresses(keys, own, channels),
        leader=keys.leader,
        outside=keys.outside,
    )


def _leader(keys: LeaderKeys, default: tuple[str, ...], channels: Mapping[str, ChannelKeys]) -> Leader:
    own = keys.channels or default
    return Leader(
        name=keys.title,
        aliases=keys.aliases,
        channels=own,
        addresses=addresses(keys, own, channels),
        deputy=keys.deputy,
    )
