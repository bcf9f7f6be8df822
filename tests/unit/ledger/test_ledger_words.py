"""Every sentence of this room exists in both locales and is asked for by the code."""

import re
import string
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHINESE, ENGLISH = (
    tomllib.loads((ROOT / f"templates/{locale}/words/ledger.toml").read_text(encoding="utf-8"))
    for locale in ("zh_CN", "en")
)
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "reminder/ledger").glob("*.py")))


def facts(sentence):
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name}


def test_both_locales_say_the_same_things():
    assert {key: facts(text) for key, text in CHINESE.items()} == {key: facts(text) for key, text in ENGLISH.items()}


@pytest.mark.parametrize("key", CHINESE)
def test_each_sentence_is_said_somewhere(key):
    why = re.sub(r"^(?:unreadable|deadline_(?:impossible|vague|ambiguous))_", "", key)
    assert f'"{why}"' in CODE or f"ledger.{why}" in CODE
