"""The page behind the link of a message: this unit's week, or for leaders and the office a look at the measures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from reminder.errors import UsageError
from reminder.gate.links import Link
from reminder.office.act import Office
from reminder.office.unit_report import hand_in
from reminder.store.engine import reading, writing
from reminder.web.access import by_link, by_unit_link
from reminder.web.forms import form
from reminder.web.hall import Hall, hall, locale_of
from reminder.web.pages import page
from reminder.web.unit_form import read_report
from reminder.web.unit_week import UnitWeekView, looked_at, unit_week

router = APIRouter()


@router.get("/r/{token}")
def opened(request: Request, link: Annotated[Link, Depends(by_link)], week: str = "") -> Response:
    """Shows; changes nothing, however often and by whomever it is opened."""
    if not link.unit:
        here = hall(request)
        with reading(here.app.engine) as session:
            measures = looked_at(session, here, link, locale_of(request))
        return page(request, "looked_at.html", link=link, measures=measures)
    return _shown(request, _view(request, link, week))


@router.post("/r/{token}")
def reported(
    request: Request,
    token: str,
    link: Annotated[Link, Depends(by_unit_link)],
    sent: Annotated[FormData, Depends(form)],
) -> Response:
    """Takes the week's report, or an amendment of it."""
    here, view = hall(request), _view(request, link, str(sent.get("week", "")))
    try:
        report = read_report(sent, view, link)
        with writing(here.app.engine) as session:
            hand_in(session, report, _office(request, here))
    except UsageError as fault:
        return _shown(request, view, 409, str(fault), sent)
    return RedirectResponse(f"/r/{token}?week={view.week}", 303)


def _view(request: Request, link: Link, week: str) -> UnitWeekView:
    here = hall(request)
    with reading(here.app.engine) as session:
        return unit_week(session, here, link, week, locale_of(request))


def _shown(
    request: Request, view: UnitWeekView, status: int = 200, fault: str = "", sent: FormData | None = None
) -> Response:
    typed = {name: value for name, value in sent.multi_items() if isinstance(value, str)} if sent else {}
    return page(request, "unit.html", status, view=view, fault=fault, typed=_Typed(typed))


class _Typed(dict[str, Any]):
    """What was typed before something was not possible; "" for what was not."""

    def __missing__(self, name: str) -> str:
        return ""


def _office(request: Request, here: Hall) -> Office:
    return Office(now=here.now(), zone=here.app.configuration.zone, locale=locale_of(request))
