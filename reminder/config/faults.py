"""Faults of the configuration, each with its place, and how they are written: one unwrapped line each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

from reminder.config.positions import Loc
from reminder.errors import UsageError

Severity = Literal["error", "warning"]
_SHOWN = 60  # characters of a value that a message quotes
_DEEPEST = 8  # a value may be nested as deep as the parser lets it, deeper than Python calls


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of one file, `line` and `column` from 1. `message` ends with the nearest valid name, if any."""

    file: str
    line: int
    column: int
    key: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.key}: {self.message}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a fault says: `config.<word>` of the words, its facts, and the nearest valid name."""

    word: str
    facts: Mapping[str, object] = field(default_factory=dict)
    meant: str | None = None


class ConfigurationFaults(UsageError):
    """The configuration cannot be used: mend the places named. `faults` holds all of them, warnings included."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once, by file, line and column."""
    return sorted(set(faults))


def has_errors(faults: Iterable[Fault]) -> bool:
    """Whether any of them stands in the way of using the configuration."""
    return any(fault.severity == "error" for fault in faults)


def one_line(message: str) -> str:
    """`message` without line breaks or control characters, which would hide or forge lines."""
    return "".join(c if c.isprintable() else " " for c in " ".join(message.split()))


def key_path(loc: Loc, document: object) -> str:
    """How people read `loc`: a table by its name or title where it has one, else by its number from 1."""
    parts: list[str] = []
    for part in loc:
        document = _child(document, part)
        name = _name(document) or str(part + 1) if isinstance(part, int) else part
        parts.append(name if re.fullmatch(r"[\w-]{1,64}", name) else json.dumps(name[:_SHOWN], ensure_ascii=False))
    return ".".join(parts)


def _child(document: object, part: str | int) -> object:
    if isinstance(document, dict):
        return document.get(part)
    if isinstance(document, list) and isinstance(part, int) and part < len(document):
        return document[part]
    return None


def _name(table: object) -> str | None:
    if not isinstance(table, dict):
        return None
    names = (table.get(key) for key in ("name", "title"))
    return next((name for name in names if isinstance(name, str) and name), None)


def as_toml(value: object) -> str:
    """`value` as one would type it in TOML, shortened where it is long."""
    text = _toml(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _toml(value: object, depth: int = 0) -> str:
    if depth > _DEEPEST and isinstance(value, (dict, list, tuple)):
        return "…"
    if isinstance(value, dict):
        items = ", ".join(f"{key} = {_toml(item, depth + 1)}" for key, item in value.items())
        return f"{{ {items} }}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item, depth + 1) for item in value) + "]"
    if isinstance(value, (date, time)):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=str)
