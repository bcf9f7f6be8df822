"""Messages and their deliveries: what was sent, what failed, what waits; try again, give up, let go."""

from __future__ import annotations

import json
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from reminder.gate.role import Role
from reminder.store.engine import reading, writing
from reminder.store.holding import release
from reminder.store.messages import STATES, cancel, newest, payload_of, posted, retry
from reminder.web.access import Refused, officer, viewer
from reminder.web.forms import Number, form
from reminder.web.hall import hall, locale_of
from reminder.web.pages import page
from reminder.words import say

router = APIRouter()
_REPORTING = re.compile(r"(/r/\d+-)\w+")  # in a unit's letter: its link
_SHOWN = 50
_DIGITS = 10  # of a number that both databases know


@router.get("/messages", dependencies=[Depends(viewer)])
def messages(request: Request) -> Response:
    """The newest messages of a state, or of all, and page by page those before them."""
    asked, typed = request.query_params.get("state", ""), request.query_params.get("before", "")
    state = asked if asked in STATES else ""
    before = int(typed) if typed.isdecimal() and len(typed) < _DIGITS else None
    with reading(hall(request).app.engine) as session:
        found = newest(session, _SHOWN + 1, state or None, before)
    more = len(found) > _SHOWN
    return page(request, "messages.html", found=found[:_SHOWN], more=more, before=before, state=state, states=STATES)


@router.get("/messages/{number}", dependencies=[Depends(viewer)])
def message(request: Request, number: Number) -> Response:
    """One message: what was in it, and every attempt."""
    with reading(hall(request).app.engine) as session:
        found = posted(session, ids=[number])
        payload = payload_of(session, number)
    if not found:
        raise Refused(404, "web.not_found")
    text, person = readable(payload), request.state.person
    if not person.role.may(Role.OFFICER):  # whoever only looks must not report for a unit
        text = _REPORTING.sub(r"\1…", text)
    return page(request, "message.html", one=found[0], text=text, said=request.query_params.get("said", ""))


@router.post("/messages/{number}/retry", dependencies=[Depends(officer)])
def tried_again(request: Request, number: Number, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Lets a message that failed be tried again."""
    here = hall(request)
    with writing(here.app.engine) as session:
        done = retry(session, [number], here.now())
    return _told(request, number, "retried", done=bool(done))


@router.post("/messages/{number}/cancel", dependencies=[Depends(officer)])
def given_up(request: Request, number: Number, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Ends a message that nobody can have received."""
    here = hall(request)
    person = request.state.person.name
    with writing(here.app.engine) as session:
        done = cancel(session, [number], say(locale_of(request), "desk.cancelled_by", name=person), here.now())
    return _told(request, number, "cancelled", done=bool(done))


@router.post("/messages/release", dependencies=[Depends(officer)])
def let_go(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Lets go everything that is held; sending hours and caps are looked at again."""
    here = hall(request)
    with writing(here.app.engine) as session:
        release(session, here.now())
    here.memory.forget()
    return RedirectResponse("/messages", 303)


def readable(payload: bytes | None) -> str:
    """What a person reads of the bytes that were sent: a mail's plain text, or a webhook's JSON set out in lines."""
    from email import message_from_bytes  # noqa: PLC0415 - its parser of headers takes a third of a MB
    from email.policy import default  # noqa: PLC0415 - the same

    if not payload:
        return ""
    try:
        return json.dumps(json.loads(payload), ensure_ascii=False, indent=1)
    except ValueError:
        body = message_from_bytes(payload, policy=default).get_body(("plain",))
    return str(body.get_content()) if body else payload.decode("utf-8", "replace")


def _told(request: Request, number: int, what: str, *, done: bool) -> Response:
    hall(request).memory.forget()
    return RedirectResponse(f"/messages/{number}?said={what if done else 'not_' + what}", 303)
