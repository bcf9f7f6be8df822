"""One-character slips of the keys in a TOML text, and what should have been typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reminder.config.positions import Loc, positions

_FREE = {("channel",), ("ledger", "book")}  # the keys right under these are names the office chooses


@dataclass(frozen=True)
class Typo:
    """`text` with the key at `line` written as `wrong` instead of `right`."""

    line: int
    column: int
    right: str
    wrong: str
    text: str


def typos(text: str) -> Iterator[Typo]:
    """Every slip of every key of `text`: a letter left out, doubled, changed, added, or two letters swapped."""
    lines = text.split("\n")
    for loc, (line, column) in positions(text).items():
        right = loc[-1]
        if not isinstance(right, str) or _free(loc) or not lines[line - 1][column - 1 :].startswith(right):
            continue
        for wrong in sorted(set(_slips(right)) - {right, ""}):
            changed = lines[line - 1][: column - 1] + wrong + lines[line - 1][column - 1 + len(right) :]
            yield Typo(line, column, right, wrong, "\n".join([*lines[: line - 1], changed, *lines[line:]]))


def _free(loc: Loc) -> bool:
    return loc[:-1] in _FREE or (len(loc) > 1 and loc[-2] in ("addresses", "headers"))


def _slips(key: str) -> Iterator[str]:
    for n, letter in enumerate(key):
        before, after = key[:n], key[n + 1 :]
        yield before + after
        yield before + letter + letter + after
        yield before + "z" + after
        yield before + letter + "q" + after
        yield before + after[:1] + letter + after[1:]
        yield before + letter.upper() + after
