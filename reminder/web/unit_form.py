"""A unit's form read back: only measures that somebody touched say anything."""

from __future__ import annotations

from datetime import date
from typing import cast

from starlette.datastructures import FormData, UploadFile

from reminder.gate.links import Link
from reminder.office.evidence import Evidence
from reminder.office.unit_report import State, Touched, UnitReport
from reminder.web.access import Refused
from reminder.web.forms import text
from reminder.web.unit_week import MeasureView, UnitWeekView

LONGEST_TEXT = 1000
_STATES = ("", "phase_complete", "claim")
_MOST_FILES = 3


def read_report(sent: FormData, view: UnitWeekView, link: Link) -> UnitReport:
    """The report that was sent. What it says of measures that are not this unit's is not even looked at.

    Raises:
        Refused: it is for another week, or a field holds what no form of ours could have sent.
    """
    if text(sent, "week", 8) != view.week:
        raise Refused(400, "web.unreadable")
    touched = [_touched(sent, one) for one in view.measures]
    return UnitReport(
        unit=link.unit,
        week=view.week,
        by=text(sent, "by", 40),
        via=link.number,
        note=text(sent, "note", LONGEST_TEXT),
        touched=tuple(one for one in touched if one is not None),
    )


def _touched(sent: FormData, view: MeasureView) -> Touched | None:
    prefix = view.prefix
    state = text(sent, f"{prefix}state", 20)
    if state not in _STATES:
        raise Refused(400, "web.unreadable")
    said = Touched(
        measure=view.measure,
        percent=_percent(text(sent, f"{prefix}percent", 6)),
        text=text(sent, f"{prefix}text", LONGEST_TEXT),
        state=cast(State, state),
        extend_to=_day(text(sent, f"{prefix}extend_to", 10)),
        extend_because=text(sent, f"{prefix}extend_because", LONGEST_TEXT),
        pass_to=text(sent, f"{prefix}pass_to", 100),
        blocked_by=text(sent, f"{prefix}blocked", LONGEST_TEXT),
        evidence=tuple(_evidence(sent, prefix)),
    )
    return said if said != Touched(measure=view.measure) else None


def _percent(typed: str) -> int | None:
    digits = typed.rstrip("%％ ")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()):
        raise Refused(400, "web.percent_unreadable", typed=typed)
    return int(digits)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise Refused(400, "web.day_unreadable", typed=typed) from None


def _evidence(sent: FormData, prefix: str) -> list[Evidence]:
    url = text(sent, f"{prefix}url", 500)
    found = [Evidence(url=url)] if url else []
    files = [one for one in sent.getlist(f"{prefix}file") if isinstance(one, UploadFile) and one.filename]
    if len(files) > _MOST_FILES:
        raise Refused(400, "web.too_many_files", most=_MOST_FILES)
    return found + [Evidence(name=one.filename or "", body=one.file.read()) for one in files]
