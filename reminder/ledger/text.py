"""Cell text made comparable: full-width forms, stray blanks, dashes, Chinese numerals."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from functools import lru_cache

Cell = str | int | float | bool | date | datetime | time | timedelta | None

NUMBER = r"(?:\d{1,4}|[〇一二两三四五六七八九十廿卅]{1,5})"
_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"两": 2}
_TENS = {"十": 1, "廿": 2, "卅": 3}
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_DASHES = re.compile("[‐‑‒–—―−─﹣]+")
_ZEROS = re.compile("[○◯零Ο]")
_LETTER_O = re.compile(r"(?<=[〇一二三四五六七八九])[o0](?=[〇一二三四五六七八九o年])")
_ERROR = re.compile(r"#(?:REF!|N/A|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!)|Err:\d+|#{2,}", re.IGNORECASE)
_NOTHING = re.compile(r"[/\\|\-_.。、~*]*|无|暂无|没有|空|n/?a|none|nil")


def plain(value: object) -> str:
    """NFKC without invisible characters and outer blanks."""
    return _plain("" if value is None else str(value))


@lru_cache(maxsize=4096)  # the cells of a ledger repeat, and each is looked at several times
def _plain(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def squeeze(value: object) -> str:
    """Plain text without any blanks, for comparing names and words."""
    return "".join(plain(value).split())


def tidy(value: object) -> str:
    """What a person reads in the cell: trimmed, line breaks closed up, otherwise as typed."""
    return re.sub(r"\s+", _blank, str(value).replace("\u3000", " ").strip())


def _blank(match: re.Match[str]) -> str:
    sides = match.string[match.start() - 1] + match.string[match.end()]
    return " " if sides.isascii() or ("\n" not in match[0] and "\r" not in match[0]) else ""


def wording(value: str) -> str:
    """Text as the deadline grammar reads it.

    A blank between two digits stays: "2021-06-30 17:00" closed up would be another date.
    """
    text = _DASHES.sub("-", plain(value).lower())
    text = re.sub(r"(?<=\d)\s+(?=\d)", "\0", text)
    text = _ZEROS.sub("〇", "".join(text.split()).replace("\0", " "))
    return _LETTER_O.sub("〇", text)


def number(text: str) -> int | None:
    """The number that digits or Chinese numerals spell; None where they spell none."""
    if text.isascii():
        return int(text) if text.isdigit() else None
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text)) if len(text) in (1, 4) else None
    match = re.fullmatch(r"([一二两三四五六七八九]?十|廿|卅)([一二三四五六七八九]?)", text)
    if match is None:
        return None
    head = match[1]
    tens = _DIGITS[head[0]] if len(head) == 2 else _TENS[head]
    return tens * 10 + (_DIGITS[match[2]] if match[2] else 0)


def is_error(value: object) -> bool:
    """Whether a cell holds a formula's error instead of a value."""
    return isinstance(value, str) and bool(_ERROR.fullmatch(value.strip()))


def is_nothing(text: str) -> bool:
    """Whether a cell's text only says that there is nothing: blank, a slash, a dash, 无."""
    return bool(_NOTHING.fullmatch(_DASHES.sub("-", squeeze(text).lower())))


def prose(value: Cell) -> str:
    """A cell as a person wrote it: text keeps its full-width punctuation."""
    return tidy(value) if isinstance(value, str) else cell_text(value)


def words_of(block: str) -> tuple[str, ...]:
    """The words of a block of text, in order: how long lists of names are written in this room."""
    return tuple(block.split())


def cell_text(value: Cell) -> str:
    """A cell as comparable text: the same for the number 1.0 and the text １."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.10g}" if abs(value) < 1e9 else repr(value).removesuffix(".0")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    return tidy(plain(value))
