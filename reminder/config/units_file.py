"""units.toml written by the program: tables merged in by name, everything else left as people wrote it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reminder.config.draft import FILES
from reminder.config.faults import Fault
from reminder.config.load import inspect
from reminder.config.positions import Loc, Place, positions
from reminder.errors import UsageError

_FILE = "units.toml"
_NAMED = {"unit": "name", "leader": "title"}
Value = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One table to be there: a `unit` or a `leader`, its name, its other keys, and a comment for a new one.

    In a table that exists, aliases are added to and other keys replaced; keys not given stay.
    """

    kind: str
    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The new text of units.toml, and the names of the tables that were added and changed."""

    text: str
    added: tuple[str, ...]
    changed: tuple[str, ...]


def read_text(folder: Path) -> str:
    """The text of units.toml as it stands; empty where there is none."""
    path = folder / _FILE
    return path.read_bytes().decode("utf-8-sig") if path.is_file() else ""


def merge(text: str, entries: Iterable[Entry]) -> Merged:
    """`text` with `entries` in it. UsageError where the text is laid out so that it cannot be edited by lines."""
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    document = tomllib.loads(text)
    edits, fresh, changed = _Edits(text), [], []
    for index, entry in _grouped(document, entries):
        if index is None:
            document.setdefault(entry.kind, []).append(_as_table(entry))
            fresh.append(entry)
        elif values := _differing(document[entry.kind][index], entry):
            edits.set((entry.kind, index), values)
            document[entry.kind][index] |= {key: _plain(value) for key, value in values.items()}
            changed.append(entry.name)
    whole = edits.applied().rstrip("\n") + "\n" if text.strip() else ""
    whole += "".join(_written(entry) for entry in fresh)
    if tomllib.loads(whole) != document:
        raise UsageError(f"{_FILE} 的写法特殊，无法合并；请逐行写 [[unit]] 表 · write [[unit]] tables line by line")
    return Merged(
        text=whole.lstrip("\n").replace("\n", newline),
        added=tuple(entry.name for entry in fresh),
        changed=tuple(dict.fromkeys(changed)),
    )


def check(folder: Path, text: str) -> list[Fault]:
    """The errors that the configuration in `folder` would have with `text` as its units.toml."""
    with tempfile.TemporaryDirectory(prefix="reminder-") as scratch:
        for name in FILES:
            if (folder / name).is_file():
                shutil.copy(folder / name, scratch)
        if (folder / "templates").is_dir():
            shutil.copytree(folder / "templates", Path(scratch) / "templates")
        (Path(scratch) / _FILE).write_text(text, encoding="utf-8", newline="")
        _, faults = inspect(Path(scratch))
    return [fault for fault in faults if fault.severity == "error"]


def write(folder: Path, text: str) -> Path:
    """Puts `text` in place of units.toml as a whole; a reader sees the old file or the new one."""
    path = folder / _FILE
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".units-", suffix=".toml.part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.is_file():
            shutil.copymode(path, draft)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def _find(document: Mapping[str, Any], entry: Entry) -> int | None:
    """The table that bears the entry's name, or else has it among its aliases."""
    tables = document.get(entry.kind, [])
    named = [index for index, table in enumerate(tables) if table.get(_NAMED[entry.kind]) == entry.name]
    aliased = [index for index, table in enumerate(tables) if entry.name in table.get("aliases", ())]
    return next(iter(named + aliased), None)


def _grouped(document: Mapping[str, Any], entries: Iterable[Entry]) -> list[tuple[int | None, Entry]]:
    """The entries with the index of the table each belongs to; several for one table as one."""
    groups: dict[tuple[str, int | str], tuple[int | None, Entry]] = {}
    for entry in entries:
        index = _find(document, entry)
        key = (entry.kind, entry.name if index is None else index)
        groups[key] = (index, _both(groups[key][1], entry) if key in groups else entry)
    return list(groups.values())


def _both(one: Entry, other: Entry) -> Entry:
    """Two entries for one table: lists joined, of other keys the later that says something."""
    values = dict(one.values)
    for key, value in other.values.items():
        listed = (*_listed(values.get(key, ())), *_listed(value))
        values[key] = tuple(dict.fromkeys(listed)) if isinstance(value, tuple) else value or values.get(key, "")
    return replace(one, values=values)


def _differing(table: Mapping[str, Any], entry: Entry) -> dict[str, Value]:
    """The keys that the entry would change."""
    wanted: dict[str, Value] = {key: value for key, value in entry.values.items() if value not in ((), "", False)}
    if aliases := wanted.get("aliases"):
        own = table.get(_NAMED[entry.kind])
        more = [alias for alias in (*table.get("aliases", ()), *_listed(aliases)) if alias != own]
        wanted["aliases"] = tuple(dict.fromkeys(more))
    return {key: value for key, value in wanted.items() if table.get(key) != _plain(value)}


def _listed(value: Value) -> Sequence[str]:
    return value if isinstance(value, tuple) else ()


def _as_table(entry: Entry) -> dict[str, Any]:
    return {_NAMED[entry.kind]: entry.name} | {key: _plain(value) for key, value in _given(entry).items()}


def _given(entry: Entry) -> dict[str, Value]:
    """What is written of a new entry: its e-mail also when empty, for somebody to fill in."""
    return {key: value for key, value in entry.values.items() if key == "email" or value not in ((), "", False)}


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _written(entry: Entry) -> str:
    comment = "".join(f"# {line}\n" for line in entry.comment.splitlines())
    keys = {_NAMED[entry.kind]: entry.name, **_given(entry)}
    return f"\n{comment}[[{entry.kind}]]\n" + "".join(_line(key, value) + "\n" for key, value in keys.items())


def _line(key: str, value: Value) -> str:
    return f"{key} = {json.dumps(_plain(value), ensure_ascii=False)}"


class _Edits:
    """Changes to single keys of existing tables, made line by line so that comments stay."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._places: dict[Loc, Place] = positions(text) if text.strip() else {}
        self._changes: list[tuple[int, int, list[str]]] = []  # from line, up to but without line, new lines

    def set(self, table: Loc, values: Mapping[str, Value]) -> None:
        """Sets these keys of the [[table]] at `table`: in their place, or under the table's header."""
        header = self._places[table][0]
        new = []
        for key, value in values.items():
            place = self._places.get((*table, key))
            if place is None:
                new.append(_line(key, value))
            else:
                first = place[0] - 1
                last = self._end(first)
                comment = _comment(self._lines[first]) if last == first + 1 else ""
                self._changes.append((first, last, [_line(key, value) + comment]))
        named = self._places.get((*table, _NAMED[str(table[0])]), (header, 1))[0]
        if new:
            self._changes.append((named, named, new))

    def _end(self, first: int) -> int:
        """Where the statement that begins on this line ends: a list may go over several lines."""
        for last in range(first + 1, len(self._lines) + 1):
            try:
                tomllib.loads("\n".join(self._lines[first:last]))
            except tomllib.TOMLDecodeError:
                continue
            return last
        return first + 1

    def applied(self) -> str:
        """The text with all changes."""
        lines = list(self._lines)
        for first, last, new in sorted(self._changes, reverse=True):
            lines[first:last] = new
        return "\n".join(lines)


def _comment(line: str) -> str:
    """The comment at the end of a one-line statement, with the blanks before it."""
    for found in re.finditer(r"\s*#", line):
        try:
            if tomllib.loads(line[: found.start()]) == tomllib.loads(line):
                return line[found.start() :]
        except tomllib.TOMLDecodeError:
            continue
    return ""
