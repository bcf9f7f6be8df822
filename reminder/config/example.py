"""The example that travels with the package: a working configuration to start from."""

from __future__ import annotations

from pathlib import Path

from reminder.config.draft import FILES
from reminder.config.schema import schemas
from reminder.errors import UsageError
from reminder.resources import data_dir
from reminder.words import say


def write_example(folder: Path, locale: str = "zh_CN") -> list[Path]:
    """Writes the shipped files with their schemas into `folder`, made where missing; the paths written.

    UsageError, in `locale`, where one of them exists already (nothing is written then) or the folder cannot be
    written to.
    """
    shipped = data_dir("config")
    targets = [folder / name for name in (*FILES, *schemas())]
    for target in targets:
        if target.exists() or target.is_symlink():
            raise UsageError(say(locale, "config.exists", path=target))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target in targets:
            with target.open("xb") as file:  # "x": whoever came first in between is not overwritten either
                file.write((shipped / target.name).read_bytes())
    except OSError as error:
        raise UsageError(say(locale, "config.cannot_write", path=folder, why=error.strerror)) from error
    return targets
