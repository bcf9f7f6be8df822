"""Text for chat robots: nothing from a ledger is read as markup or as a mention, and no robot's limit is passed.

Ledger text is made harmless with full-width look-alikes, not with escapes: the robots' dialects of markdown agree on no
escape, and ＜at＞ still reads as what somebody typed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable

Weigh = Callable[[str], int]
"""How many bytes of a robot's limit a text takes. The whole weighs what its parts weigh."""

_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # controls, direction overrides, zero widths, halves of characters
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")  # &lt;at&gt; is a tag to whoever decodes before reading
_LINK = re.compile(r"(https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+)")  # written with *, _ and ~ it would lead elsewhere
_MARKS = str.maketrans("[]`*~|\\", "［］｀＊～｜＼")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # within a word, as in A_1, it marks nothing
_LEADING = re.compile(r"^([#>+=-]+)")
_LEADS = str.maketrans("#>+=-", "＃＞＋＝－")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")  # a list is counted anew by whoever shows it: 7. would become 1.
_HEADING = re.compile(r"(?:━━|==) (.+)")  # how the letters' templates write one
_LEAST = 400  # bytes: less of a letter is a greeting and half a sentence


def in_bytes(text: str) -> int:
    """The weight of `text` by itself."""
    return len(text.encode())


def in_json(text: str) -> int:
    """The weight of `text` within a JSON body."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def plain(text: str) -> str:
    """`text` for a message without markup: no tag, no mention. Robots read `<@…>` and `<at …>` there too."""
    lines = (
        "".join(c for c in line if unicodedata.category(c) not in _UNSEEN) for line in text.expandtabs(1).splitlines()
    )
    return _ENTITY.sub("＆", "\n".join(line.rstrip() for line in lines)).replace("<", "＜").strip("\n")


def literal(text: str) -> str:
    """`text` for a message in markdown: only the letter's own headings are markup."""
    return "\n".join(_line(line.strip()) for line in plain(text).split("\n"))


def _line(line: str) -> str:
    heading = _HEADING.fullmatch(line)
    return f"**{_unmarked(heading[1])}**" if heading else _unmarked(line)


def _unmarked(line: str) -> str:
    pieces = _LINK.split(line)  # every second one is a link
    line = "".join(piece if n % 2 else _UNDERSCORE.sub("＿", piece.translate(_MARKS)) for n, piece in enumerate(pieces))
    line = _LEADING.sub(lambda found: found[1].translate(_LEADS), line)
    return _NUMBERED.sub(lambda found: found[1] + ("．" if found[2] == "." else "）"), line)


def fitted(text: str, brief: str, tail: str, room: int, weigh: Weigh) -> str:
    """`text` if it weighs no more than `room`, else its beginning and `tail`; `brief` and `tail` where too little of
    the beginning would be left. Of a tail that is itself too long the last line stays: the reminder's number."""
    if weigh(text) <= room:
        return text
    if weigh(tail) > room // 2:
        tail = cut(tail.rpartition("\n")[2], room // 2, weigh)
    left = room - weigh(f"\n\n{tail}")
    kept = cut(text, left, weigh) if left >= _LEAST else cut(brief, left, weigh)
    return f"{kept}\n\n{tail}".strip("\n")


def cut(text: str, room: int, weigh: Weigh) -> str:
    """The beginning of `text` that weighs no more than `room`: up to the end of a paragraph or a line where most is
    kept so, because half a date is a wrong date; else to a whole character."""
    if weigh(text) <= room:
        return text
    found = bisect_right(range(1, len(text) + 1), room, key=lambda length: weigh(text[:length]))
    kept = text[:found]
    for end in ("\n\n", "\n"):
        if (at := kept.rfind(end)) > len(kept) // 2:
            return kept[:at].rstrip()
    return kept
