"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from reminder.gate.accounts import Answer, Attempt
from reminder.gate.sessions import LASTS
from reminder.web.access import address_of, anyone
from reminder.web.forms import form, text
from reminder.web.hall import cookie_name, hall, secure
from reminder.web.pages import page

router = APIRouter(dependencies=[Depends(anyone)])


@router.get("/login")
def asked(request: Request) -> Response:
    """The form."""
    return page(request, "login.html", refused="", name="", to=_within(request.query_params.get("next", "")))


@router.post("/login")
def signed_in(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Lets in, or says the same whether the name or the password is wrong."""
    here, name = hall(request), text(sent, "name", 60)
    given = sent.get("password")
    password = given if isinstance(given, str) else ""
    attempt = Attempt.of(name, address_of(request), here.now())
    answer, cookie = here.door.sign_in(here.app.engine, attempt, password)
    to = _within(text(sent, "to", 500))
    if answer is not Answer.LET_IN:
        status = 429 if answer is Answer.LOCKED else 401
        return page(request, "login.html", status, refused=answer.value, name=name, to=to)
    done = RedirectResponse(to, 303)
    done.set_cookie(
        cookie_name(request, "session"),
        cookie,
        int(LASTS.total_seconds()),
        secure=secure(request),
        httponly=True,
        samesite="lax",
    )
    return done


@router.post("/logout")
def signed_out(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Ends the session, here and in the database."""
    name = cookie_name(request, "session")
    here = hall(request)
    here.door.sign_out(here.app.engine, request.cookies.get(name, ""))
    done = RedirectResponse("/login", 303)
    done.delete_cookie(name, secure=secure(request), httponly=True, samesite="lax")
    return done


def _within(path: str) -> str:
    """Where to go afterwards: only to a page of this service. "//host" and "/\\host" lead elsewhere."""
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if local else "/"
