"""The valid name somebody most likely meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable
from difflib import SequenceMatcher

_ALIKE = 0.6  # difflib's own threshold for "close"


def nearest(word: str, names: Iterable[str], doubts: Callable[[str], int] = lambda name: 0) -> str | None:
    """The one of `names` nearest to `word`; None where none is near.

    Of equally near ones that with the fewest `doubts`, then the one with the same first letter.
    """
    candidates = [name for name in names if name != word and _near(word, name)]
    return min(candidates, key=lambda name: _rank(word, name, doubts(name)), default=None)


def _near(word: str, name: str) -> bool:
    return distance(_plain(word), _plain(name)) <= max(1, len(name) // 4) or _likeness(word, name) >= _ALIKE


def _rank(word: str, name: str, doubts: int) -> tuple[int, int, bool, float, str]:
    a, b = _plain(word), _plain(name)
    return distance(a, b), doubts, a[:1] != b[:1], -_likeness(word, name), name


def _likeness(word: str, name: str) -> float:
    return SequenceMatcher(None, _plain(word), _plain(name)).ratio()


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().replace("-", "_")[:100]


def distance(a: Collection[str], b: Collection[str]) -> int:
    """How many insertions, deletions, changes and swaps of neighbours lie between two words."""
    first, second = list(a), list(b)
    rows = [list(range(len(second) + 1))]
    for i, x in enumerate(first, 1):
        row = [i]
        for j, y in enumerate(second, 1):
            step = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == second[j - 2] and first[i - 2] == y:
                step = min(step, rows[-2][j - 2] + 1)
            row.append(step)
        rows.append(row)
    return rows[-1][-1]
