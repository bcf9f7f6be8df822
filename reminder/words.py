"""The sentences people read outside of letters, by locale: `templates/<locale>/words/<room>.toml`.

Code passes facts; wording has its home in those files. Both locales hold the same keys (a house test says so).
"""

from __future__ import annotations

import tomllib
from functools import cache

from reminder.resources import data_dir

LOCALES = ("zh_CN", "en")


@cache
def _room(locale: str, room: str) -> dict[str, str]:
    path = data_dir("templates") / locale / "words" / f"{room}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def say(locale: str, key: str, **facts: object) -> str:
    """The sentence `room.name` in `locale` with its {facts} filled in. KeyError for an unknown key."""
    room, name = key.split(".", 1)
    return _room(locale, room)[name].format(**facts)
