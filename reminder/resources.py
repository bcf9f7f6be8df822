"""Where the files that travel with the package lie: `templates/` and `config/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def data_dir(name: str) -> Path:
    """The folder `name` as installed in the wheel, or beside the package in a source tree."""
    packed = Path(str(files("reminder"))) / "_data" / name
    return packed if packed.is_dir() else Path(__file__).resolve().parent.parent / name
