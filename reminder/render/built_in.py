"""The built-in templates of a folder name (a locale, or `webhook`), and what tells one version of them from another."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from reminder.resources import data_dir


def files(folder: Path) -> dict[str, Path]:
    """The templates in a folder, by their name."""
    return {path.name: path for path in sorted(folder.glob("*.*")) if path.suffix in (".txt", ".html", ".json")}


def built_in(name: str) -> dict[str, Path]:
    """The built-in templates of `name`."""
    return files(data_dir("templates") / name)


def digest(sources: Mapping[str, bytes]) -> str:
    """The same for the same templates only."""
    told = sha256()
    for file in sorted(sources):
        told.update(file.encode() + b"\0" + sha256(sources[file]).digest())
    return told.hexdigest()
