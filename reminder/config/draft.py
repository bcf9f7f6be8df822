"""The four files read into values, table by table, before they are checked against each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reminder.channels import CHANNELS
from reminder.channels.base import ChannelKeys
from reminder.config.checked import Model, checked
from reminder.config.faults import as_toml
from reminder.config.models import Settings
from reminder.config.nearest import nearest
from reminder.config.people import LeaderKeys, UnitKeys
from reminder.config.positions import Loc
from reminder.config.source import Source, locale_of
from reminder.rules.kinds import KINDS
from reminder.rules.rule import Rule

Names = Mapping[str, str]  # every name and alias → the name itself
TABLES = ("rule", "unit", "leader", "channel")
FILES = ("reminder.toml", "rules.toml", "units.toml", "channels.toml")


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read. Tables are kept under their place in the file, so that a fault can point at them.

    A table that is faulty is missing here; `names`, by kind of table, still holds its name, so that nothing else
    is blamed for it. None there means that the file could not be read far enough to know all names.
    """

    folder: Path
    locale: str
    sources: Mapping[str, Source]
    settings: Settings | None
    rules: Mapping[int, Rule]
    units: Mapping[int, UnitKeys]
    leaders: Mapping[int, LeaderKeys]
    channels: Mapping[str, ChannelKeys]
    names: Mapping[str, Names | None]

    @property
    def office(self) -> Source:
        """reminder.toml."""
        return self.sources["reminder.toml"]


def read(folder: Path) -> Draft:
    """Everything in `folder` that can be read; each source holds what is wrong in it."""
    locale = locale_of(Source(folder / "reminder.toml", "zh_CN").document)
    sources = {name: Source(folder / name, locale) for name in FILES}
    office, rules, units, channels = (sources[name] for name in FILES)
    draft = Draft(
        folder=folder,
        locale=locale,
        sources=sources,
        settings=None if office.document is None else checked(office, Settings, office.document, ()),
        rules=_tables(rules, "rule", _rule),
        units=_tables(units, "unit", _of(UnitKeys)),
        leaders=_tables(units, "leader", _of(LeaderKeys)),
        channels=_channels(channels),
        names={
            "rule": _names(rules, "rule", "name"),
            "unit": _names(units, "unit", "name"),
            "leader": _names(units, "leader", "title"),
            "channel": _channel_names(channels),
        },
    )
    _unknown_tables(rules, ("rule",))
    _unknown_tables(units, ("unit", "leader"))
    _unknown_tables(channels, ("channel",))
    return draft


def _tables(source: Source, key: str, read_one: Any) -> dict[int, Any]:
    """The [[key]] tables that are in order, by their index."""
    tables = (source.document or {}).get(key, [])
    if not isinstance(tables, list):
        source.report((key,), "double_brackets", table=key)
        return {}
    values = {index: read_one(source, table, (key, index)) for index, table in enumerate(tables)}
    return {index: value for index, value in values.items() if value is not None}


def _of(model: type[Model]) -> Any:
    return lambda source, table, loc: checked(source, model, table, loc)


def _rule(source: Source, table: object, loc: Loc) -> Rule | None:
    model = _kind_of(source, table, loc, KINDS, KINDS.__getitem__)
    return checked(source, model, table, loc) if model else None


def _kind_of(
    source: Source, table: object, loc: Loc, kinds: Collection[str], model_of: Callable[[str], type[Model]]
) -> type[Model] | None:
    """The model that the table's `kind` names; None and a fault where it names none."""
    if not isinstance(table, dict):
        source.report(loc, "model_type", got=as_toml(table))
        return None
    kind = table.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return model_of(kind)
    names = ", ".join(f'"{name}"' for name in kinds)
    if kind is None:
        misspelt = next(
            (key for key in table if key not in _every_key(map(model_of, kinds)) and nearest(key, ["kind"])), None
        )
        at, meant = ((*loc, misspelt), "kind") if misspelt else ((*loc, "kind"), None)
        source.report(at, "unknown_key" if misspelt else "missing_kind", meant=meant, names=names)
        return None
    meant = nearest(str(kind), kinds)
    source.report((*loc, "kind"), "unknown_kind", meant=meant, got=as_toml(kind), expected=names)
    if meant:
        checked(source, model_of(meant), table | {"kind": meant}, loc)  # for the other faults of the table
    return None


def _every_key(models: Iterable[type[Model]]) -> set[str]:
    return {info.alias or name for model in models for name, info in model.model_fields.items()}


def _channels(source: Source) -> dict[str, ChannelKeys]:
    document = source.document or {}
    tables = document.get("channel")
    if not isinstance(tables, dict) or not tables:
        if source.document is not None and not _misspelt(source, "channel"):
            source.report(("channel",), "no_channel")
        return {}
    found = {}
    for name, table in tables.items():
        model = _kind_of(source, table, ("channel", name), CHANNELS, lambda kind: CHANNELS[kind].Keys)
        keys = checked(source, model, table, ("channel", name)) if model else None
        if keys is not None:
            found[name] = keys
    return found


def _unknown_tables(source: Source, known: tuple[str, ...]) -> None:
    for key in source.document or {}:
        if key not in known:
            source.report((key,), "unknown_key", meant=nearest(key, known))


def labels(source: Source, key: str, name: str) -> list[tuple[Loc, str, str]]:
    """Every name and alias in the [[key]] tables: where it stands, itself, and the table's own name."""
    tables = (source.document or {}).get(key)
    found: list[tuple[Loc, str, str]] = []
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        own = table.get(name) if isinstance(table, dict) else None
        if isinstance(own, str) and own.strip():
            aliases = table.get("aliases")
            found.append(((key, index, name), own.strip(), own.strip()))
            found += [
                ((key, index, "aliases", n), alias.strip(), own.strip())
                for n, alias in enumerate(aliases if isinstance(aliases, list) else ())
                if isinstance(alias, str)
            ]
    return found


def _names(source: Source, key: str, name: str) -> Names | None:
    tables = (source.document or {}).get(key, [])
    unnamed = not isinstance(tables, list) or any(name not in table for table in tables if isinstance(table, dict))
    if source.document is None or _misspelt(source, key) or unnamed:
        return None
    found = labels(source, key, name)
    return {label: own for _, label, own in reversed(found)} | {own: own for _, _, own in found}


def _channel_names(source: Source) -> Names | None:
    tables = (source.document or {}).get("channel")
    return {name: name for name in tables} if isinstance(tables, dict) and not _misspelt(source, "channel") else None


def _misspelt(source: Source, key: str) -> bool:
    """Whether some table of the file was probably meant to be `key`."""
    return any(other not in TABLES and nearest(other, [key]) for other in source.document or {})
