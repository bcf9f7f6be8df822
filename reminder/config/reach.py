"""Who can be reached: addresses a channel would refuse, posts nobody can write to, secrets that are not set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from reminder.channels import CHANNELS
from reminder.channels.base import ChannelKeys
from reminder.channels.secret import secrets_in
from reminder.config.directory import addresses, default_channels
from reminder.config.draft import Draft
from reminder.config.models import Office
from reminder.config.people import PartyKeys, UnitKeys
from reminder.config.positions import Loc
from reminder.config.source import Source
from reminder.errors import UsageError
from reminder.render.address import domain_refused
from reminder.rules.rule import Rule

_MOST_NAMED = 8  # units that one warning names


def check_reach(draft: Draft) -> None:
    """Adds faults about addresses, and warnings about whoever cannot be reached and about missing secrets."""
    parties = _parties(draft)
    for loc, keys in parties.items():
        _check_addresses(draft, loc, keys)
    if draft.settings:
        _check_domains(draft, parties, draft.settings.sending.allow_domains)
        if draft.names["channel"] is not None and set(draft.channels) == set(draft.names["channel"]):
            _check_reachable(draft, parties, draft.settings.office)
            _check_rule_channels(draft)
        _check_secrets(draft, draft.office, draft.settings.store, ("store",))
        _check_secrets(draft, draft.office, draft.settings.watchdog, ("watchdog",))
    for name, channel in draft.channels.items():
        _check_secrets(draft, draft.sources["channels.toml"], channel, ("channel", name))


def _parties(draft: Draft) -> dict[Loc, PartyKeys]:
    units: dict[Loc, PartyKeys] = {("unit", index): keys for index, keys in draft.units.items()}
    return units | {("leader", index): keys for index, keys in draft.leaders.items()}


def _check_addresses(draft: Draft, loc: Loc, keys: PartyKeys) -> None:
    """What each channel says against the addresses written for it. Those under `email` are checked when read."""
    for name, entries in keys.addresses.items():
        if name in draft.channels:
            kind = CHANNELS[draft.channels[name].kind]
            for index, entry in enumerate(entries):
                if fault := kind.address_fault(entry, draft.locale):
                    draft.sources["units.toml"].report((*loc, "addresses", name, index), "address", why=fault)


def _check_domains(draft: Draft, parties: Mapping[Loc, PartyKeys], allowed: tuple[str, ...]) -> None:
    if not allowed or not draft.settings:
        return
    own = draft.settings.office.email
    places: list[tuple[Source, Loc, str]] = [
        (draft.office, ("office", "email", index), address) for index, address in enumerate(own)
    ]
    for loc, keys in parties.items():
        places += [(draft.sources["units.toml"], (*loc, "email", n), address) for n, address in enumerate(keys.email)]
    for source, loc, address in places:
        if domain := domain_refused(address, allowed):
            source.report(loc, "domain_not_allowed", severity="warning", domain=domain)


def _check_reachable(draft: Draft, parties: Mapping[Loc, PartyKeys], office: Office) -> None:
    default = default_channels(office, draft.channels)
    known = all(name in draft.channels for name in default)
    if known and not _reached(PartyKeys(email=office.email), default, draft.channels):
        draft.office.report(("office", "channels"), "office_unreachable")
    for loc, keys in parties.items():
        own = keys.channels or default
        known = all(name in draft.channels for name in own)
        outside = isinstance(keys, UnitKeys) and keys.outside
        if known and not outside and not _reached(keys, own, draft.channels):
            draft.sources["units.toml"].report(loc, "unreachable", severity="warning", channels=", ".join(own))


def _check_rule_channels(draft: Draft) -> None:
    """A rule's own channels reach a unit only where it names them itself or has an address on them: whoever knows a
    group's robot by its name must not post another unit's letters into that group."""
    for index, rule in draft.rules.items():
        if not rule.channels or "unit" not in rule.to or not draft.channels.keys() >= {*rule.channels}:
            continue
        missed = [unit.name for unit in draft.units.values() if _asked(rule, unit) and not _by_rule(draft, rule, unit)]
        if missed:
            place, units = ("rule", index, "channels"), ", ".join(missed[:_MOST_NAMED])
            rules = draft.sources["rules.toml"]
            rules.report(place, "rule_unreachable", severity="warning", units=units, count=len(missed))


def _asked(rule: Rule, unit: UnitKeys) -> bool:
    names = {unit.name, *unit.aliases}
    wanted = bool(names.intersection(rule.match.unit)) if rule.match.unit else not unit.outside
    return wanted and not names.intersection(rule.exclude.unit)


def _by_rule(draft: Draft, rule: Rule, unit: UnitKeys) -> bool:
    own = unit.channels or (default_channels(draft.settings.office, draft.channels) if draft.settings else ())
    return not addresses(unit, own, draft.channels).keys().isdisjoint(rule.channels)


def _reached(keys: PartyKeys, own: Iterable[str], channels: Mapping[str, ChannelKeys]) -> bool:
    reached = addresses(keys, tuple(own), channels)
    return any(name in reached for name in own)


def _check_secrets(draft: Draft, source: Source, keys: BaseModel, loc: Loc) -> None:
    for name in type(keys).model_fields:
        for secret in secrets_in(getattr(keys, name)):
            place = secret.env or secret.file
            try:
                secret.reveal(draft.folder)
            except UsageError:
                word = "secret_env" if secret.env else "secret_file"
                source.report((*loc, name), word, severity="warning", place=place)
                continue
            if secret.open_to_others(draft.folder):
                source.report((*loc, name), "secret_open", severity="warning", place=place)
