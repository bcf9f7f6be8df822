"""Reminders → a letter, by the templates of a locale. No network, no database, no clock."""

from __future__ import annotations

from reminder.compose.check import check_templates
from reminder.compose.facts import Circumstances, Entry, entries, in_full
from reminder.compose.letter import compose, render_body, told
from reminder.compose.office import compose_office, sentence_of
from reminder.compose.samples import samples
from reminder.compose.sections import read_in_full
from reminder.compose.templates import eject, forget_templates, templates, templates_known
from reminder.compose.wording import sentence
from reminder.errors import TemplateFault

__all__ = [
    "Circumstances",
    "Entry",
    "TemplateFault",
    "check_templates",
    "compose",
    "compose_office",
    "eject",
    "entries",
    "forget_templates",
    "in_full",
    "read_in_full",
    "render_body",
    "samples",
    "sentence",
    "sentence_of",
    "templates",
    "templates_known",
    "told",
]
