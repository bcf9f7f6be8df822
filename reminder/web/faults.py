"""When something is not possible: the same kind of answer everywhere, as a page or, under /api/, as JSON."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from reminder.errors import ReminderError
from reminder.web.access import Refused
from reminder.web.hall import locale_of
from reminder.web.pages import page
from reminder.words import say

log = logging.getLogger("reminder.web")
_AGAIN_SECONDS = 20
_SENTENCES = {404: "web.not_found", 405: "web.not_possible", 413: "web.too_large", 400: "web.unreadable"}


def add_faults(app: FastAPI) -> None:
    """Answers for every kind of failure."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(ReminderError, _not_done)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(Exception, _broken)


def answer(request: Request, status: int, sentence: str, detail: object = None) -> Response:
    """`sentence` (already in words) as a page, or as JSON for programs."""
    if request.url.path.startswith("/api/"):
        headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
        told = {"error": sentence} | ({"detail": detail} if detail else {})
        return JSONResponse(told, status, headers)
    of_unit = request.url.path.startswith("/r/")  # who came by a link has no desk to go to
    return page(request, "fault.html", status, status=status, sentence=sentence, desk=not of_unit)


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refused)
    page_asked = request.method == "GET" and not request.url.path.startswith("/api/")
    if fault.status == HTTPStatus.UNAUTHORIZED and page_asked:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/login?next={quote(request.url.path + query)}", 303)
    if fault.sentence == "web.link_gone":
        return page(request, "link_gone.html", fault.status)
    told = answer(request, fault.status, say(locale_of(request), fault.sentence, **fault.facts))
    if "seconds" in fault.facts:
        told.headers["Retry-After"] = str(fault.facts["seconds"])
    return told


async def _not_done(request: Request, fault: Exception) -> Response:
    """What the office's acts refuse, in their own words; nothing was done."""
    return answer(request, HTTPStatus.CONFLICT, str(fault))


async def _invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    if fault.errors()[0]["loc"][0] == "path" and not request.url.path.startswith("/api/"):
        return answer(request, HTTPStatus.NOT_FOUND, say(locale_of(request), "web.not_found"))
    told = [{"where": [*map(str, one["loc"])], "what": one["msg"]} for one in fault.errors()]
    return answer(request, 422, say(locale_of(request), "web.unreadable"), told)


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    sentence = say(locale_of(request), _SENTENCES.get(fault.status_code, "web.unreadable"))
    told = answer(request, fault.status_code, sentence)
    for name, value in (fault.headers or {}).items():
        told.headers[name] = value
    return told


async def _busy(request: Request, fault: Exception) -> Response:
    """A database that somebody else writes to (on SQLite a country's Monday is planned for a minute), or that is away
    for a moment: nothing was kept, and the page that was sent still holds what was typed."""
    log.warning("the database did not answer: %s", fault)
    told = answer(request, HTTPStatus.SERVICE_UNAVAILABLE, say(locale_of(request), "web.busy"))
    told.headers["Retry-After"] = str(_AGAIN_SECONDS)
    return told


async def _broken(request: Request, fault: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path.partition("/r/")[0] or "/r/…", exc_info=fault)
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, say(locale_of(request), "web.broken"))
