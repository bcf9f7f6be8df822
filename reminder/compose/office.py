"""The office's own letter: what needs it this morning, or what the service has to tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reminder.compose import wording
from reminder.compose.facts import NAME, TEXT, Circumstances
from reminder.compose.letter import finished
from reminder.compose.templates import Templates, templates
from reminder.domain.matter import TOPICS, Matter
from reminder.domain.message import Letter
from reminder.domain.people import OFFICE
from reminder.render.text import tidy

MOST_IN_SECTION = 15
_FILES = {part: f"office.{part}" for part in ("subject.txt", "brief.txt", "text.txt", "html")}


def compose_office(
    matters: Sequence[Matter], circumstances: Circumstances, *, in_full: bool, brief: bool = True
) -> Letter:
    """The letter that tells `matters`; unless `in_full`, those that are not fresh are only counted."""
    shelf = templates(circumstances.folder, circumstances.locale)
    return write_office(matters, circumstances, shelf, in_full=in_full, brief=brief)


def write_office(
    matters: Sequence[Matter], circumstances: Circumstances, shelf: Templates, *, in_full: bool, brief: bool = True
) -> Letter:
    """The same by the templates of `shelf`. Raises TemplateFault."""
    office = tidy(circumstances.office, NAME)
    facts = {
        "office": office,
        "contact": tidy(circumstances.contact, TEXT),
        "replies": circumstances.replies,
        "recipient": office,
        "audience": OFFICE,
        "who": office,
        "date": wording.long_day(circumstances.locale, circumstances.on),
        "number": tidy(circumstances.number, NAME),
        "redirected_from": office if circumstances.redirected_from else "",
        "instead_of": "",
        "late": False,
        "provisional": False,
        "link": None,  # a link opens what a message asks for: this one asks for nothing that a page takes
        "count": 0,
        "sections": list(_sections(matters, circumstances.locale, in_full=in_full)),
    }
    return finished(facts, shelf, _data(matters, facts, circumstances) if brief else None, circumstances)


def _sections(matters: Sequence[Matter], locale: str, *, in_full: bool) -> Iterator[dict[str, object]]:
    """One for each topic that has something to say, in the order of the topics."""
    for topic in TOPICS:
        found = [matter for matter in matters if matter.topic == topic]
        told = [matter for matter in found if matter.fresh or in_full]
        if not told:
            continue
        told.sort(key=lambda matter: not matter.fresh)
        n = {"n": str(sum(matter.count for matter in told))}
        yield {
            "kind": OFFICE,
            "files": _FILES,
            "topic": topic,
            "title": wording.told(locale, f"briefing.title_{topic}", n),
            "headline": wording.told(locale, f"briefing.head_{topic}", n),
            "next": wording.told(locale, f"briefing.next_{topic}", {}),
            "lines": [sentence_of(locale, matter) for matter in told[:MOST_IN_SECTION]],
            "more": len(told[MOST_IN_SECTION:]),
            "known": sum(matter.count for matter in found) - int(n["n"]),
        }


def sentence_of(locale: str, matter: Matter) -> str:
    """A matter as one sentence."""
    return tidy(wording.told(locale, f"briefing.{matter.code}", matter.facts), TEXT + TEXT)


def _data(matters: Sequence[Matter], facts: dict[str, object], circumstances: Circumstances) -> dict[str, object]:
    """What webhook bodies see: the keys of any letter, and the matters with their facts."""
    same = ("number", "office", "contact", "recipient", "instead_of", "redirected_from", "late", "provisional", "link")
    return {
        **{name: facts[name] for name in same},
        "on": circumstances.on.isoformat(),
        "at": circumstances.on.isoformat(),
        "kinds": [OFFICE],
        **{name: [] for name in ("units", "measures", "reports", "letters", "duties")},
        "matters": [
            {"topic": one.topic, "code": one.code, "fresh": one.fresh, "facts": dict(one.facts)} for one in matters
        ],
    }


def sample_matters() -> list[Matter]:
    """One of each topic, for `check`."""
    names = ["code", "unit", "text", "days", "n", "open", "overdue", "soon", "sent", "week", "units", "year"]
    facts = {**dict.fromkeys(names, "1"), "day": "2021-05-06"}
    codes = {"due": "due", "overdue": "overdue", "reports": "report_missing", "summary": "summary"}
    return [Matter(topic, codes.get(topic, "calendar"), facts, fresh=True) for topic in TOPICS]
