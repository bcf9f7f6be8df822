"""Whether the templates of a folder can be used: every kind is rendered with samples before anybody is written to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

from reminder.compose.facts import Circumstances
from reminder.compose.letter import write, write_body
from reminder.compose.office import sample_matters, write_office
from reminder.compose.samples import samples
from reminder.compose.sections import PARTS
from reminder.compose.templates import WEBHOOK, Templates, stale, templates_known
from reminder.domain.people import OFFICE
from reminder.errors import TemplateFault
from reminder.words import LOCALES

_ON = date(2021, 5, 6)
_ZONE = ZoneInfo("Asia/Shanghai")


def check_templates(folder: Path | None, locale: str, names: Collection[str] = ()) -> list[TemplateFault]:
    """Everything that is wrong with the templates in `folder`, each fault once, warnings last.

    `names` are the templates that rules ask for. The files are read anew; those in use stay as they are.
    """
    shelf = Templates(folder, locale)
    faults = [*_letters(shelf, locale, names), *_bodies(Templates(folder, WEBHOOK), locale), *_missing(shelf, names)]
    if folder:
        faults += [*_strangers(folder, names), *_stale(folder)]
    once = {str(fault): fault for fault in faults}
    return sorted(once.values(), key=lambda fault: (fault.warning, fault.file, fault.line))


def _letters(shelf: Templates, locale: str, names: Collection[str]) -> Iterator[TemplateFault]:
    """Each kind alone and all in one letter, with and without what may be absent, by each template in use."""
    plain = samples(locale, _ON, _ZONE)
    told = [replace(reminder, late=True, instead_of=reminder.recipient, recipient=OFFICE) for reminder in plain]
    for circumstances in (_bare(locale), _full(locale)):
        for name in ("", *names):
            asked = replace(circumstances, templates={"sample": name} if name else {})
            for together in (*([reminder] for reminder in (*plain, *told)), plain):
                try:
                    write(together, asked, shelf)
                except TemplateFault as fault:
                    yield fault
        try:
            write_office(sample_matters(), circumstances, shelf, in_full=True)
        except TemplateFault as fault:
            yield fault


def _bodies(shelf: Templates, locale: str) -> Iterator[TemplateFault]:
    letter = write(samples(locale, _ON, _ZONE), _full(locale), Templates(None, locale))
    for file in shelf:
        try:
            write_body(file.removesuffix(".json"), letter, shelf)
        except TemplateFault as fault:
            yield fault


def _bare(locale: str) -> Circumstances:
    return Circumstances(locale=locale, office="office", on=_ON, zone=_ZONE)


def _full(locale: str) -> Circumstances:
    return replace(
        _bare(locale), contact="c", replies=True, number="R-1", redirected_from="r", link="https://example.org/"
    )


def _missing(shelf: Templates, names: Collection[str]) -> Iterator[TemplateFault]:
    for name in names:
        if not any(f"{name}.{part}" in shelf for part in PARTS):
            yield TemplateFault(name, 1, f"a rule asks for this template, but there is no {name}.text.txt or .html")


def _strangers(folder: Path, names: Collection[str]) -> Iterator[TemplateFault]:
    """Files in the folder that nothing will ever use, most often a misspelt name. Any webhook body is in use."""
    known = {
        *templates_known(),
        *(f"{locale}/{name}.{part}" for locale in LOCALES for name in names for part in (*PARTS, "words.txt")),
    }
    for locale in LOCALES:
        for path in sorted((folder / locale).glob("*.*")):
            if (name := f"{locale}/{path.name}") not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]}" if near else ""
                yield TemplateFault(str(path), 1, f"no letter uses this file{hint}", warning=True)


def _stale(folder: Path) -> Iterator[TemplateFault]:
    for name in templates_known():
        path = folder / name
        if path.is_file() and stale(name, path.read_text(encoding="utf-8-sig", errors="replace")):
            text = f"the built-in {name} has changed since this copy was ejected: eject it again and compare"
            yield TemplateFault(str(path), 1, text, warning=True)
