"""One TOML file read: its values, the places of its keys, and the faults found in it so far."""

from __future__ import annotations

import codecs
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from reminder.config.faults import Fault, Sentence, Severity, key_path, one_line
from reminder.config.positions import START, Loc, Place, nearest_place, positions
from reminder.config.wide import narrowed
from reminder.words import LOCALES, say

_NO_KEY = "toml"  # stands for the key where the text cannot be read as TOML
_AT = re.compile(r"\(at line (\d+), column (\d+)\)$")
_SECRET = re.compile(r"pass|secret|token|://", re.IGNORECASE)  # lines whose values no message repeats
_SYNTAX = (  # what tomllib says → the sentence for it
    ("Invalid value", "syntax_value"),
    ("Expected '='", "syntax_equals"),
    ("Expected ']", "syntax_bracket"),
    ("Expected newline", "syntax_newline"),
    ("Invalid statement", "syntax_statement"),
    ("Invalid initial character", "syntax_key"),
    ("Cannot declare", "syntax_twice"),
    ("Cannot overwrite", "syntax_twice"),
    ("Cannot mutate", "syntax_twice"),
    ("Duplicate inline", "syntax_twice"),
    ("Illegal character", "syntax_string"),
    ("Unterminated", "syntax_string"),
    ("Unescaped", "syntax_backslash"),
    ("Unclosed array", "syntax_array"),
    ("Unclosed inline", "syntax_inline"),
    ("Invalid date", "syntax_date"),
)


class Source:
    """The file at `path`. `document` is None where it cannot be read as TOML at all; the faults say why.

    Text in a wrong encoding or with full-width punctuation is a fault, and is read on as it was meant, so that
    its other faults are told at the same time.
    """

    def __init__(self, path: Path, locale: str) -> None:
        self.name = path.name
        self.faults: list[Fault] = []
        self.document: dict[str, Any] | None = None
        self._locale = locale
        self._parsed = ""  # the text that `document` was read from
        text = self._text(path)
        if text is not None:
            self._parse(text)

    def report(
        self, loc: Loc, word: str, *, meant: str | None = None, severity: Severity = "error", **facts: object
    ) -> None:
        """Adds a fault at `loc`: the sentence `config.<word>`, with the nearest valid name where there is one."""
        self.tell(loc, Sentence(word, facts, meant), severity)

    def tell(self, loc: Loc, sentence: Sentence, severity: Severity = "error") -> None:
        """As `report`, for a sentence already made."""
        path = key_path(loc, self.document) or _NO_KEY
        self._add(nearest_place(self._places, loc), path, sentence, severity)

    def _add(self, place: Place, key: str, sentence: Sentence, severity: Severity = "error") -> None:
        try:
            told = say(self._locale, f"config.{sentence.word}", **sentence.facts)
        except KeyError:  # an error type of a channel or rule that has no sentence here: its own words
            told = say(self._locale, "config.other", text=sentence.facts.get("text", sentence.word))
        hint = f"; did you mean '{sentence.meant}'?" if sentence.meant else ""
        self.faults.append(Fault(self.name, *place, one_line(key), one_line(told + hint), severity))

    def _unread(self, place: Place, key: str, word: str, **facts: object) -> None:
        """A fault of the text itself."""
        self._add(place, key, Sentence(word, facts))

    def _text(self, path: Path) -> str | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            self._unread(START, _NO_KEY, "missing_file", folder=path.parent)
            return None
        except (OSError, ValueError) as error:
            self._unread(START, _NO_KEY, "unreadable_file", why=getattr(error, "strerror", None) or str(error))
            return None
        encoding, named = _encoding(content)
        if named:
            self._unread(START, _NO_KEY, "encoding", encoding=named)
        if encoding is None:
            self._unread(START, _NO_KEY, "not_text")
            return None
        return content.decode(encoding)

    def _parse(self, text: str) -> None:
        error = self._load(text)
        if error is None:
            return
        meant = narrowed(text)
        self._report_wide(text, meant.text, meant.wide)
        if meant.wide:
            error = self._load(meant.text)
        if error is not None:
            self._report_syntax(meant.text, error)

    def _load(self, text: str) -> str | None:
        """Reads `text`; what tomllib says against it, or None where nothing."""
        try:
            self.document = tomllib.loads(text)
        except RecursionError:
            self.document = None
            return "Nested too deeply"
        except ValueError as error:  # TOMLDecodeError, and what int() and date() refuse
            return str(error)
        self._parsed = text
        return None

    @cached_property
    def _places(self) -> dict[Loc, Place]:
        """Where each key stands; looked for when there is a fault to be told."""
        try:
            return positions(self._parsed)
        except RecursionError:  # nested deeper than anybody writes: its faults are told at the start of the file
            return {}

    def _report_wide(self, text: str, meant: str, wide: tuple[int, ...]) -> None:
        seen = set()
        for index in wide:
            line = text.count("\n", 0, index) + 1
            if line in seen:
                continue
            seen.add(line)
            column = index - text.rfind("\n", 0, index)
            to_type = meant.split("\n")[line - 1].strip()
            self._unread((line, column), _key_on(to_type), "wide", character=text[index], line=_hidden(to_type))

    def _report_syntax(self, text: str, error: str) -> None:
        lines = text.split("\n")
        found = _AT.search(error)
        place = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        line = lines[place[0] - 1] if place[0] <= len(lines) else ""
        word = next((word for start, word in _SYNTAX if error.startswith(start)), "syntax")
        if word in ("syntax_value", "syntax_newline") and (quoted := _quoted(line)):
            self._unread(place, _key_on(line), "syntax_quotes", line=_hidden(quoted))
        else:
            self._unread(place, _key_on(line), word, text=_AT.sub("", error).strip())


def locale_of(document: object) -> str:
    """The locale that reminder.toml asks for, as far as it can be read; zh_CN otherwise."""
    office = document.get("office") if isinstance(document, dict) else None
    locale = office.get("locale") if isinstance(office, dict) else None
    return locale if isinstance(locale, str) and locale in LOCALES else LOCALES[0]


def _encoding(content: bytes) -> tuple[str | None, str]:
    """The codec that reads `content`, and its name where it is not UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16", "UTF-16") if _decodes(content, "utf-16") else (None, "")
    if _decodes(content, "utf-8-sig"):
        return "utf-8-sig", ""
    return ("gb18030", "GB18030") if _decodes(content, "gb18030") else (None, "")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _key_on(line: str) -> str:
    """The key or table that `line` sets, as far as one can tell."""
    found = re.match(r"\s*(?:\[+\s*([^\]#]+?)\s*\]|([^=\s\"'#,\[{]+)\s*=)", line)
    return (found[1] or found[2]) if found else _NO_KEY


def _hidden(line: str) -> str:
    """`line` without its value where that may be a secret typed by mistake."""
    return re.sub(r"[=].*", '= { env = "…" }', line) if _SECRET.search(line) else line


def _quoted(line: str) -> str | None:
    """`line` with quotes around a bare text value: what one should type; None where it is another fault."""
    found = re.fullmatch(r"""\s*([\w-]+)\s*=\s*([^"'\[\]{}#,\s][^"'\[\]{}#,]*?)\s*(#.*)?""", line)
    return f'{found[1]} = "{found[2]}"' if found and not found[2].replace(".", "").isdigit() else None
