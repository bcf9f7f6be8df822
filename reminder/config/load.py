"""The configuration folder, loaded whole or refused with all its faults."""

from __future__ import annotations

from pathlib import Path

from reminder.config.checks import cross_check
from reminder.config.configuration import Configuration
from reminder.config.draft import Draft, read
from reminder.config.faults import ConfigurationFaults, Fault, has_errors, in_order


def load(folder: Path) -> Configuration:
    """The configuration in `folder`. ConfigurationFaults, holding every fault, where it cannot be used."""
    configuration, faults = inspect(folder)
    if configuration is None:
        raise ConfigurationFaults(faults)
    return configuration


def inspect(folder: Path) -> tuple[Configuration | None, list[Fault]]:
    """The configuration, None where it cannot be used, and all its faults in order, warnings too. Never raises."""
    draft = read(folder)
    cross_check(draft)
    faults = in_order(fault for source in draft.sources.values() for fault in source.faults)
    return (None if has_errors(faults) else _configuration(draft)), faults


def _configuration(draft: Draft) -> Configuration | None:
    if draft.settings is None:
        return None
    return Configuration(
        folder=draft.folder,
        settings=draft.settings,
        rules=tuple(draft.rules.values()),
        units=tuple(draft.units.values()),
        leaders=tuple(draft.leaders.values()),
        channels=draft.channels,
    )
