"""Facts → a letter as an e-mail shows it, by whatever renders its templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reminder.domain.message import Letter
from reminder.render.text import clipped, folded, tidy

MOST_SUBJECT = 96  # columns: some 55 characters of Chinese

Render = Callable[[str, Mapping[str, object]], str]
"""A template filled in, by its name. Raises TemplateFault."""


def rendered(facts: Mapping[str, object], render: Render, locale: str) -> Letter:
    """Subject, text and HTML made of `facts`, whatever their sections are about. Raises TemplateFault."""
    return Letter(
        subject=_subject(render("letter.subject.txt", facts)),
        text=folded(render("letter.text.txt", facts)),
        html=render("letter.html", facts),
        data={"locale": locale},
    )


def _subject(text: str) -> str:
    """One line for a header. "=?" would be read as an encoded word, which can carry line breaks (CVE-2024-6923)."""
    return clipped(tidy(text, MOST_SUBJECT).replace("=?", "= ?"), MOST_SUBJECT)
