"""Text that came from a ledger, made harmless; and plain text folded to the width of a letter."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate

WIDTH = 76  # columns; a Chinese character takes two
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # controls, direction overrides, zero widths, halves of characters
_LABEL = re.compile(r"\s*+.*?\S {2,}(?=\S)|\s*")
_EMPTY_LINES = re.compile(r"\n{3,}")
_WIDE = "\u2e80"  # from here on every character is a word
_NOT_FIRST = "，。；：、！？）】》〉」』〕”’…—·%％"
_NOT_LAST = "（【《〈「『〔“‘"


def tidy(text: str, most: int) -> str:
    """One line of at most `most` characters without anything unseen in it; what is cut off leaves an ellipsis.

    Every run of line breaks, tabs and blanks becomes one blank, so that no line of a letter can be forged.
    """
    if not text or (len(text) <= most and text.isprintable() and "  " not in text and text == text.strip()):
        return text  # as with nearly every cell: printable text has no breaks and nothing unseen
    # Only so much is looked at: a cell may hold 32,767 characters, and ten times as many blanks.
    spaced = _BREAKS.sub(" ", text[: most * 20])
    seen = "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN)
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def clipped(text: str, most: int) -> str:
    """The beginning of one line that fits into `most` columns; what is cut off leaves an ellipsis."""
    if columns(text) <= most:
        return text
    while columns(text) > most - 2:
        text = text[:-1]
    return text.rstrip() + "…"


def columns(text: str) -> int:
    """How many columns `text` takes in a fixed-width font."""
    return len(text) if text.isascii() else sum(map(_WIDTHS.__getitem__, text))


class _Widths(dict[str, int]):
    """The columns of each character, looked up once."""

    def __missing__(self, char: str) -> int:
        self[char] = 2 if unicodedata.east_asian_width(char) in "WFA" else 1
        return self[char]


_WIDTHS = _Widths()  # bounded by the characters that there are


def folded(text: str) -> str:
    """Every line folded at `WIDTH`; a line that begins with a label and two blanks hangs under its text."""
    lines = "\n".join(map(_fold, map(str.rstrip, text.splitlines())))
    return _EMPTY_LINES.sub("\n\n", lines).strip("\n") + "\n"


def _fold(line: str) -> str:
    if 2 * len(line) <= WIDTH:
        return line
    passed = [0, *accumulate(map(_WIDTHS.__getitem__, line))]  # columns before each character
    if passed[-1] <= WIDTH or "://" in line:  # a broken link is no link
        return line
    start = match.end() if (match := _LABEL.match(line)) else 0
    hang = passed[start] if passed[start] <= WIDTH // 3 else 4
    rows, before, room = list[str](), line[:start], WIDTH - passed[start]
    while start < len(line):
        end = _broken_before(line, start, max(bisect_right(passed, passed[start] + room) - 1, start))
        if end == start and not before.strip():  # a word that is longer than a row
            end = next((i for i in range(start + 1, len(line)) if _breaks(line, i)), len(line))
        rows.append((before + line[start:end]).rstrip())
        before, room, start = " " * hang, WIDTH - hang, end
        while start < len(line) and line[start].isspace():  # no row begins with the blanks it was broken at
            start += 1
    return "\n".join(rows)


def _broken_before(line: str, start: int, end: int) -> int:
    """The last place from `start` to `end` at which a row may end; `start` where there is none."""
    while start < end < len(line) and not _breaks(line, end):
        end -= 1
    return end


def _breaks(line: str, i: int) -> bool:
    """Whether a row may end before the character at `i`: not within a word, nor away from its punctuation."""
    last, first = line[i - 1], line[i]
    if first in _NOT_FIRST or last in _NOT_LAST or (last == first == " "):
        return False
    return first >= _WIDE or last >= _WIDE or first.isspace() or last.isspace()
