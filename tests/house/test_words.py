"""Both locales say the same things: the same words files, keys and placeholders."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest

import reminder
from reminder.domain.reminder import ReminderKind
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


def test_every_reason_has_its_sentence() -> None:
    sources = Path(reminder.__file__).parent.rglob("*.py")
    named = {code for path in sources for code in re.findall(r'Reason\(\s*"(\w+)"', path.read_text(encoding="utf-8"))}
    computed = {f"{kind}{moved}" for kind in ReminderKind for moved in ("", "_moved")}
    known = tomllib.loads((data_dir("templates") / LOCALES[0] / "words" / "reasons.toml").read_text(encoding="utf-8"))
    assert named
    assert (named | computed) - set(known) == set()
