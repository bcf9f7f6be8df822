"""Text that came from a ledger, made harmless; and plain text folded to the width of a letter."""

from __future__ import annotations

import re
import unicodedata

WIDTH = 76  # columns; a Chinese character takes two
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # controls, direction overrides, zero widths, halves of characters
_LABEL = re.compile(r"\s*.*?\S {2,}(?=\S)|\s*")
_PIECES = re.compile(r" +|[^\s\u2e80-\U0010ffff]+|.")
_NOT_FIRST = "，。；：、！？）】》〉」』〕”’…—·%％"
_NOT_LAST = "（【《〈「『〔“‘"


def tidy(text: str, most: int) -> str:
    """One line of at most `most` characters without anything unseen in it; what is cut off leaves an ellipsis.

    Every run of line breaks, tabs and blanks becomes one blank, so that no line of a letter can be forged.
    """
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
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def folded(text: str) -> str:
    """Every line folded at `WIDTH`; a line that begins with a label and two blanks hangs under its text."""
    lines = "\n".join(_fold(line.rstrip()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def _fold(line: str) -> str:
    if columns(line) <= WIDTH or "://" in line:  # a broken link is no link
        return line
    label = match[0] if (match := _LABEL.match(line)) else ""
    hang = columns(label) if columns(label) <= WIDTH // 3 else 4
    rows, room = [label], WIDTH - columns(label)
    for piece in _pieces(line[len(label) :]):
        if columns(piece) > room and rows[-1].strip():
            rows.append(" " * hang + piece.lstrip())
            room = WIDTH - columns(rows[-1])
        else:
            rows[-1] += piece
            room -= columns(piece)
    return "\n".join(row.rstrip() for row in rows)


def _pieces(text: str) -> list[str]:
    """What may not be broken: words, and a character with the punctuation that belongs to it."""
    pieces: list[str] = []
    for piece in _PIECES.findall(text):
        if pieces and (piece[0] in _NOT_FIRST or pieces[-1][-1] in _NOT_LAST):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces
