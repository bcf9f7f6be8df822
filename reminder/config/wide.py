"""Full-width punctuation outside strings and comments: what a Chinese keyboard types where TOML wants ASCII."""

from __future__ import annotations

from dataclasses import dataclass

_QUOTES = "“”„‟＂「」『』‘’＇"
_OTHERS = {"。": ".", "、": ",", "【": "[", "】": "]", "〔": "[", "〕": "]", "—": "-", "–": "-", "：": ":"}
_BLANKS = "\u3000\u00a0\u2002\u2003\u2009\u200b\ufeff"
_FULL_TO_HALF = 0xFEE0  # U+FF01 … U+FF5E lie this far above ASCII's ! … ~


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A text with ASCII in place of its full-width punctuation, as long as it was; `wide` are the indexes changed."""

    text: str
    wide: tuple[int, ...]


def narrowed(text: str) -> Narrowed:
    """`text` as it was probably meant. What stands in strings and comments is left alone."""
    characters = list(text)
    wide: list[int] = []
    at = 0
    while at < len(characters):
        character = characters[at]
        narrow = _narrow(character)
        if narrow != character:
            characters[at] = narrow
            wide.append(at)
        at = _after(characters, text, at, wide)
    return Narrowed("".join(characters), tuple(wide))


def _narrow(character: str) -> str:
    if character in _QUOTES:
        return '"'
    if character in _BLANKS:
        return " "
    if "！" <= character <= "～":
        return chr(ord(character) - _FULL_TO_HALF)
    return _OTHERS.get(character, character)


def _after(characters: list[str], text: str, at: int, wide: list[int]) -> int:
    """Where to go on after the character at `at`: behind the string or comment that it opens."""
    opened = characters[at]
    end_of_line = text.find("\n", at)
    end_of_line = len(text) if end_of_line < 0 else end_of_line
    if opened == "#":
        return end_of_line
    if opened not in "\"'":
        return at + 1
    if text.startswith(opened * 3, at):
        close = text.find(opened * 3, at + 3)
        return len(text) if close < 0 else close + 3
    return _after_string(characters, text, at, end_of_line, wide)


def _after_string(characters: list[str], text: str, at: int, end_of_line: int, wide: list[int]) -> int:
    close = _closing(text, at, end_of_line)
    if close is None:
        return end_of_line
    if text[close] in _QUOTES:
        characters[close] = '"'
        wide.append(close)
    return close + 1


def _closing(text: str, at: int, end_of_line: int) -> int | None:
    """The quote that ends the string opened at `at`: of the same width, else any quote on the line."""
    rest = range(at + 1, end_of_line)
    narrow = [i for i in rest if text[i] == (text[at] if text[at] in "\"'" else '"') and text[i - 1] != "\\"]
    full = [i for i in rest if text[i] in _QUOTES]
    first, second = (full, narrow) if text[at] in _QUOTES else (narrow, full)
    return next(iter(first or second), None)
