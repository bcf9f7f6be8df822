"""Text that came from a ledger, made harmless; and plain text folded to the width of a letter."""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import lru_cache
from itertools import accumulate

WIDTH = 76  # columns; a Chinese character takes two
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # controls, direction overrides, zero widths, halves of characters
_LABEL = re.compile(r".*?\S {2,}(?=\S)")
_GBK = codecs.lookup("gbk")  # nearly all that a ledger says; a character of it takes as many bytes as columns
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
    if text.isascii():
        return len(text)
    try:
        return len(_GBK.encode(text)[0])
    except UnicodeEncodeError:
        return sum(map(_WIDTHS.__getitem__, text))


class _Widths(dict[str, int]):
    """The columns of each character, looked up once."""

    def __missing__(self, char: str) -> int:
        self[char] = 2 if unicodedata.east_asian_width(char) in "WFA" else 1
        return self[char]


_WIDTHS = _Widths()  # bounded by the characters that there are


def folded(text: str) -> str:
    """Every line folded at `WIDTH`; a line that begins with a label and two blanks hangs under its text."""
    lines = "\n".join([_fold(line) if 2 * len(line) > WIDTH else line for line in map(str.rstrip, text.splitlines())])
    while "\n\n\n" in lines:
        lines = lines.replace("\n\n\n", "\n\n")
    return lines.strip("\n") + "\n"


@lru_cache(maxsize=256)  # half of what is folded are the sentences of a template: the same in every letter
def _fold(line: str) -> str:
    if columns(line) <= WIDTH or "://" in line:  # a broken link is no link
        return line
    start = _text_start(line) if "  " in line or line[0].isspace() else 0
    taken = columns(line[:start]) if start else 0
    hang = taken if taken <= WIDTH // 3 else 4
    rows: list[str] = []
    before, room = line[:start], WIDTH - taken
    while 2 * (len(line) - start) > room:
        end = _broken_before(line, start, start + _reach(line[start : start + room], room))
        if end == start and not before.strip():  # a word that is longer than a row
            end = next((i for i in range(start + 1, len(line)) if _breaks(line, i)), len(line))
        rows.append((before + line[start:end]).rstrip())
        before, room, start = " " * hang, WIDTH - hang, end
        while start < len(line) and line[start].isspace():  # no row begins with the blanks it was broken at
            start += 1
    return "\n".join([*rows, before + line[start:]] if start < len(line) else rows)


def _text_start(line: str) -> int:
    """Where the text of a line begins, behind its label, else behind its blanks."""
    text = line.lstrip()
    label = _LABEL.match(text) if "  " in text else None
    return len(line) - len(text) + (label.end() if label else 0)


def _reach(text: str, room: int) -> int:
    """How many characters of `text` fit into `room` columns."""
    try:  # half a character at the end is dropped
        return len(_GBK.decode(_GBK.encode(text)[0][:room], "ignore")[0])
    except UnicodeEncodeError:
        taken = accumulate(map(_WIDTHS.__getitem__, text))
        return sum(1 for columns_so_far in taken if columns_so_far <= room)


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
