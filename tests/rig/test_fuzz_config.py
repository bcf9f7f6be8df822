"""Thousands of spoilt TOML files: each is taken or refused with places and sentences, and never with a traceback.

`python -m pytest -n 0 -m long tests/rig/test_fuzz_config.py` runs 100,000 of them, and every one-character slip of
every key.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from reminder.config.draft import FILES
from reminder.config.load import inspect
from reminder.resources import data_dir

sys.path.append(str(Path(__file__).parents[1] / "unit" / "config"))
from typos import Typo, typos

_DATA = Path(__file__).parents[1] / "data"
FOLDERS = {
    "shipped": data_dir("config"),
    "contract": _DATA / "contract_config",
    "every key": _DATA / "every_key_config",
}
_FEW, _MANY = 2_000, 100_000
_NASTY = (
    *("\x00", "\ufeff", "＝", "“", "”", "［", "，", "：", "'", '"', '"""', "'''", "[[", "]]", "{", "}", "=", ",", "#"),
    *("\\", "\\u0000", "\\ud800", "\r", "\n", "\u2028", "inf", "-nan", "1e400", "9" * 400, "0x" + "f" * 40, "-0"),
    *("2021-02-30", "9999-12-31", "0001-01-01", "24:00", "23:59:60", "1979-05-27T07:32:00Z", "[" * 400, "a." * 400),
    *(
        "[rule]\n",
        "[[office]]\n",
        "rule = 1\n",
        "unit.name = 1\n",
        "[a.b.c]\n",
        "x = {a={b={}}}\n",
        "wd",
        "-5wd",
        "5wd",
    ),
    *("99999999999999999999wd", "monday", "@all", "channel:", "unit:", "leader:", "sqlite:///", "..", "${HOME}", "%s"),
)


def spoilt(text: str, dice: Random) -> str:
    """`text` with one to three things done to it that people, editors and disks do."""
    for _ in range(dice.randint(1, 3)):
        text = dice.choice((_cut, _stuffed, _swapped, _moved, _valued))(text, dice)
    return text


def _cut(text: str, dice: Random) -> str:
    start = dice.randrange(len(text) + 1)
    return text[:start] + text[start + dice.choice((1, 2, 10, 200)) :]


def _stuffed(text: str, dice: Random) -> str:
    start = dice.randrange(len(text) + 1)
    return text[:start] + dice.choice(_NASTY) + text[start:]


def _swapped(text: str, dice: Random) -> str:
    start = dice.randrange(len(text) + 1)
    return text[:start] + chr(dice.choice((dice.randrange(1, 128), dice.randrange(128, 0xD800)))) + text[start + 1 :]


def _moved(text: str, dice: Random) -> str:
    lines = text.split("\n")
    start = dice.randrange(len(lines))
    piece = lines[start : start + dice.choice((1, 1, 5))]
    del lines[start : start + dice.choice((0, len(piece)))]
    at = dice.randrange(len(lines) + 1)
    return "\n".join([*lines[:at], *piece, *lines[at:]])


def _valued(text: str, dice: Random) -> str:
    """One value is another: of another type, empty, far too large."""
    lines = text.split("\n")
    given = [n for n, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    if given:
        n = dice.choice(given)
        value = dice.choice((*_NASTY, "[]", "{}", '""', "true", "0", "-1", '["a", 1]', "[[]]", '{ env = "X" }'))
        lines[n] = f"{lines[n].partition('=')[0]}= {value}"
    return "\n".join(lines)


def mutants(seeds: range) -> Iterator[tuple[int, str, str, bytes]]:
    """For each seed a folder, one of its files, and the bytes that stand in it."""
    for seed in seeds:
        dice = Random(seed)
        folder, file = dice.choice(sorted(FOLDERS)), dice.choice(FILES)
        text = spoilt((FOLDERS[folder] / file).read_text(encoding="utf-8"), dice)
        encoding = dice.choices(("utf-8", "utf-8-sig", "gb18030", "utf-16"), (20, 2, 1, 1))[0]
        yield seed, folder, file, text.encode(encoding, "replace")


@pytest.fixture
def copies(tmp_path: Path) -> Mapping[str, Path]:
    """Both folders, to be spoilt."""
    made = {name: tmp_path / name for name in FOLDERS}
    for name, folder in made.items():
        folder.mkdir()
        for file in FILES:
            shutil.copy(FOLDERS[name] / file, folder)
    return made


def outcome(folder: Path, file: str, content: bytes, seed: int) -> str:
    """What becomes of the folder with `file` spoilt, having made sure of what must hold."""
    sound = (folder / file).read_bytes()
    (folder / file).write_bytes(content)
    try:
        configuration, faults = inspect(folder)
    except Exception as fault:
        raise AssertionError(f"a traceback: seed {seed}") from fault
    finally:
        (folder / file).write_bytes(sound)
    assert all("\n" not in str(fault) and fault.line > 0 and fault.column > 0 and fault.message for fault in faults), (
        seed
    )
    if configuration is None:
        assert any(fault.severity == "error" for fault in faults), seed
        return "refused"
    assert configuration.practice.zone, seed  # made when first asked for
    assert configuration.directory.office, seed
    return "taken"


def run(copies: Mapping[str, Path], seeds: range) -> Counter[str]:
    """How many mutants came to what."""
    outcomes: Counter[str] = Counter()
    for seed, folder, file, content in mutants(seeds):
        outcomes[outcome(copies[folder], file, content, seed)] += 1
        if seed % 5000 == 4999:
            print(seed + 1, dict(outcomes), flush=True)
    return outcomes


def test_spoilt_files(copies: Mapping[str, Path]) -> None:
    outcomes = run(copies, range(_FEW))
    assert outcomes["refused"] > _FEW // 4
    assert outcomes["taken"] > _FEW // 10, "a rig that spoils everything proves nothing"


@pytest.mark.long
@pytest.mark.timeout(12 * 3600)
def test_a_hundred_thousand_spoilt_files(copies: Mapping[str, Path]) -> None:
    assert run(copies, range(_MANY)).total() == _MANY


@pytest.mark.long
@pytest.mark.timeout(12 * 3600)
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_every_slip_of_every_key(copies: Mapping[str, Path], name: str, file: str) -> None:
    slips = list(typos((FOLDERS[name] / file).read_text(encoding="utf-8")))
    for typo in slips:
        assert told(copies[name], file, typo) == [f"did you mean '{typo.right}'?"], typo
    print(name, file, len(slips), flush=True)


def told(folder: Path, file: str, typo: Typo) -> list[str]:
    """What is suggested for a misspelt key; nothing where the configuration was taken."""
    sound = (folder / file).read_bytes()
    (folder / file).write_text(typo.text, encoding="utf-8")
    try:
        configuration, faults = inspect(folder)
    finally:
        (folder / file).write_bytes(sound)
    if configuration is not None:
        return []
    here = [f for f in faults if (f.file, f.line, f.key.split(".")[-1]) == (file, typo.line, typo.wrong)]
    return [fault.message.rpartition("; ")[2] for fault in here]
