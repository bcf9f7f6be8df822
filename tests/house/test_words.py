"""Both locales say the same things: the same words files, keys and placeholders."""

from __future__ import annotations

import tomllib
from string import Formatter

import pytest

from reminder.resources import data_dir
from reminder.words import LOCALES

ROOMS = sorted({path.name for locale in LOCALES for path in (data_dir("templates") / locale / "words").glob("*.toml")})


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("room", ROOMS)
def test_locales_hold_the_same_keys_and_placeholders(room: str) -> None:
    said = [
        {key: placeholders(sentence) for key, sentence in tomllib.loads(path.read_text(encoding="utf-8")).items()}
        for path in (data_dir("templates") / locale / "words" / room for locale in LOCALES)
    ]
    assert all(words == said[0] for words in said)
