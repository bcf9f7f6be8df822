"""Ledger text is hostile: whatever a cell holds, a letter is made, and it says nothing that the office did not mean."""

from __future__ import annotations

import json
import unicodedata
from functools import cache

from compose_cast import BESIDE, MONDAY, SHANGHAI, circumstances, dated, reminder, tags_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from reminder.compose import compose, render_body, samples
from reminder.compose.facts import entries
from reminder.compose.letter import facts_of
from reminder.compose.templates import templates
from reminder.domain.reminder import ReminderKind
from reminder.render.text import columns, folded, tidy
from reminder.resources import data_dir
from reminder.words import LOCALES

_NASTY = [
    "换行\r\n第二行\u2028第三行",
    "<script>alert(1)</script><b>",
    "{{ 7 * 7 }}{% for a in b %}",
    "=?utf-8?q?a=0D=0AX-Evil=3A_1?=",
    "\u202e逆序\u200b\x00\x07\ud800",
    "长" * 4_000,
    " " * 4_000,
    "'\"&&amp;]]>--><!--",
    "<!channel> @all",
    "e" + "\u0301" * 3_000,
]
_words = st.one_of(st.sampled_from(_NASTY), st.text(st.characters(), max_size=60))
_codes = st.one_of(_words, st.from_regex(r"[0-9]{1,3}(-[0-9])?", fullmatch=True))
_few = settings(max_examples=100, deadline=None)


@_few
@given(code=_codes, text=_words, unit=_words, progress=_words, kind=st.sampled_from(ReminderKind))
@example(code=_NASTY[5], text="", unit=_NASTY[0], progress="", kind=ReminderKind.BEFORE)
@example(code="1", text=_NASTY[5], unit=_NASTY[7], progress=_NASTY[4], kind=ReminderKind.OVERDUE)
def test_any_ledger_text_makes_a_letter(code: str, text: str, unit: str, progress: str, kind: ReminderKind) -> None:
    measure = dated(code, MONDAY, text=text, problem_text=progress, progress=progress, units=(unit,))
    letter = compose([reminder(kind, [measure], unit=unit)], circumstances(contact=text, redirected_from=unit))
    assert letter.subject == " ".join(letter.subject.split())
    assert letter.subject.isprintable()
    assert "=?" not in letter.subject
    assert columns(letter.subject) <= 96
    assert len(letter.brief) <= 120
    if kind not in BESIDE:
        assert tidy(code, 30) in letter.text
    assert tags_of(letter.html) <= {"html", "head", "meta", "title", "body", "table", "tr", "td", "b", "br", "span"}
    assert all(line.isprintable() for line in letter.text.splitlines())
    letter.text.encode()
    for body in ("default", "slack", "sms"):
        assert json.loads(render_body(body, letter))


@_few
@given(st.lists(st.text("<>&'\"a整", max_size=3), max_size=6), st.sampled_from(LOCALES))
@example(["<", ">", "&", "'", '"'], "zh_CN")
def test_templates_say_what_jinja_itself_makes_of_them(cells: list[str], locale: str) -> None:
    measures = [dated(f"{n}{cell}", MONDAY, id=n, text=cell, progress=cell) for n, cell in enumerate(cells)]
    told = [*samples(locale, MONDAY, SHANGHAI), reminder(ReminderKind.NUDGE, measures, unit="".join(cells) or "u")]
    shelf, around = templates(None, locale), circumstances(locale=locale, link="https://example.org/?a=1&b=2")
    facts = facts_of(told, entries(told, MONDAY), around, shelf)
    for name in ("letter.subject.txt", "letter.brief.txt", "letter.text.txt", "letter.html"):
        itself = _jinja(locale, escape=name.endswith("html"))
        assert shelf.render(name, facts) == itself.get_template(name).render(facts)


@cache
def _jinja(locale: str, *, escape: bool) -> Environment:
    loader = FileSystemLoader(data_dir("templates") / locale)
    environment = Environment(autoescape=escape, loader=loader, trim_blocks=True, lstrip_blocks=True)
    environment.filters["plural"] = lambda n, one, many: f"{n} {one if n == 1 else many}"
    return environment


@_few
@given(_words, st.integers(1, 200))
def test_tidy_is_one_bounded_printable_line(text: str, most: int) -> None:
    line = tidy(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert tidy(line, most) == line


@_few
@given(st.text(st.sampled_from("整改时限，。（）—— ab-c1\n"), max_size=400))
def test_folding_loses_nothing(text: str) -> None:
    told = folded(text)
    assert "".join(told.split()) == "".join(text.split())
    longest = max((len(word) for line in text.splitlines() for word in line.split()), default=0)
    assert all(columns(line) <= 76 + 2 * longest for line in told.splitlines())


def test_columns_are_counted_by_character() -> None:
    for char in map(chr, (*range(0x10000), 0x1F600, 0x20000)):
        wide = unicodedata.east_asian_width(char) in "WFA"
        assert columns(char) == columns(f"整{char}") - 2 == (2 if wide and not char.isascii() else 1), hex(ord(char))


def test_a_line_hangs_under_its_text_and_starts_with_no_closing_mark() -> None:
    told = folded("  73  " + "整" * 35 + "。" + "改" * 5)
    assert told.splitlines() == ["  73  " + "整" * 34, "      整。" + "改" * 5]


def test_a_link_is_never_broken() -> None:
    link = "https://example.org/" + "a" * 100
    assert folded(link) == link + "\n"


def test_the_longest_letter_stays_below_the_bound() -> None:
    """Forty measures whose every character takes five in HTML: none is lost to the limit of a template's output."""
    quotes = '"' * 400
    measures = [
        dated(quotes + str(n), MONDAY, id=n, text=quotes, problem_text=quotes, progress=quotes) for n in range(60)
    ]
    kinds = (ReminderKind.OVERDUE, ReminderKind.DUE, ReminderKind.NUDGE)
    letter = compose([reminder(kind, measures[n * 20 :]) for n, kind in enumerate(kinds)], circumstances())
    assert 60_000 < len(letter.html) < 200_000


def test_a_ledger_cannot_call_everybody_in_slack() -> None:
    measure = dated("1", MONDAY, text="<!channel> & <@U1>")
    body = render_body("slack", compose([reminder(ReminderKind.DUE, [measure])], circumstances()))
    assert "<" not in body
    assert "&lt;!channel&gt; &amp;" in body
