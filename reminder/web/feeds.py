"""Calendars of deadlines under signed addresses (RFC 5545): the office's with everything, a unit's with its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from hashlib import sha256

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session, col, select

from reminder.domain.measure import OPEN, Measure
from reminder.domain.people import OFFICE
from reminder.gate import feeds
from reminder.office.unit_report import open_measures
from reminder.store.engine import reading
from reminder.store.measures import load_measures
from reminder.store.tables import MeasureRow
from reminder.web.access import Refused, anyone
from reminder.web.hall import Hall, hall
from reminder.words import say

router = APIRouter()
_MOST = 5000
_BACK = timedelta(days=90)  # older ones are in the ledger; a calendar is for what comes
_LONGEST_LINE = 75  # octets, RFC 5545 3.1


@router.get("/calendar/{token}.ics", dependencies=[Depends(anyone)])
def calendar(request: Request, token: str) -> Response:
    """The calendar whose address this is: the address itself is the key, and nothing tells which there are."""
    here = hall(request)
    with reading(here.app.engine) as session:
        owner = feeds.owner_of(session, here.key, token[:600])
        if owner is None:
            raise Refused(404, "web.not_found")
        found = _measures(session, here, owner)
    body = "".join(_folded(line) for line in _lines(here, owner, found))
    return Response(body.encode(), media_type="text/calendar; charset=utf-8")


def _measures(session: Session, here: Hall, owner: str) -> list[Measure]:
    since = here.today() - _BACK
    if owner != OFFICE:
        return [one for one in open_measures(session, here.names_of(owner)) if (one.deadline.on or date.min) >= since]
    wanted = select(MeasureRow.id).where(
        col(MeasureRow.status).in_([status.value for status in OPEN]), col(MeasureRow.deadline_on) >= since
    )
    return load_measures(session, col(MeasureRow.id).in_(wanted.order_by(col(MeasureRow.deadline_on)).limit(_MOST)))


def _lines(here: Hall, owner: str, found: list[Measure]) -> Iterator[str]:
    configuration = here.app.configuration
    name = configuration.office.name if owner == OFFICE else owner
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//deadline-reminder//EN", "METHOD:PUBLISH")
    yield f"X-WR-CALNAME:{_text(say(configuration.locale, 'web.calendar_of', name=name))}"
    for one in found:
        due = one.deadline.counted_down
        if due is not None:
            yield from _event(one, due, here.now(), configuration.locale)
    yield "END:VCALENDAR"


def _event(measure: Measure, due: date, now: datetime, locale: str) -> Iterator[str]:
    uid = sha256(f"{measure.ledger}\0{measure.code}\0{measure.id}".encode()).hexdigest()[:24]
    yield "BEGIN:VEVENT"
    yield f"UID:m-{uid}@deadline-reminder"
    yield f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{due:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{due + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(say(locale, 'web.calendar_due', code=measure.key, text=measure.text[:80]))}"
    yield f"DESCRIPTION:{_text(measure.text[:1000])}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(value: str) -> str:
    """RFC 5545 3.3.11."""
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in value)
    escaped = shown.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Long lines go on behind CRLF and a blank, never within a character."""
    pieces, room = [""], _LONGEST_LINE
    for c in line:
        size = len(c.encode())
        if size > room:
            pieces.append(" ")
            room = _LONGEST_LINE - 1
        pieces[-1] += c
        room -= size
    return "\r\n".join(pieces) + "\r\n"
