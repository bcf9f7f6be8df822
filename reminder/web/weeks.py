"""The weekly reports: who has reported, late or not at all; recorded by hand; a week's reports as one workbook."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from reminder.app import App
from reminder.errors import UsageError
from reminder.office.reports import Owed, Report, UnitWeek, canonical_unit, owed_in, record_report, told
from reminder.office.weeks import instant_of, week_of
from reminder.rules.kinds.report import ReportRule
from reminder.rules.report_slots import week_name
from reminder.store.engine import reading, writing
from reminder.web.access import officer, viewer
from reminder.web.forms import form, number_of, text
from reminder.web.hall import Hall, hall, locale_of
from reminder.web.pages import page
from reminder.web.workbook import workbook
from reminder.words import say

router = APIRouter()
STATES = ("missing", "late", "pending", "received", "not_owed")
_SECONDS = 5.0
_PAGE = 200  # units on one page


@router.get("/reports", dependencies=[Depends(viewer)])
def reports(request: Request) -> Response:
    """One week."""
    here = hall(request)
    week = _week(request)
    monday = _monday(week)
    known = of_week(here, week)
    found = known or []
    states = [shown(one, here.now()) for one in found]
    number = min(number_of(request), max(1, -(-len(found) // _PAGE)))
    begin = (number - 1) * _PAGE
    return page(
        request,
        "reports.html",
        week=week,
        found=found[begin : begin + _PAGE],
        states=states[begin : begin + _PAGE],
        counts=dict.fromkeys(STATES, 0) | Counter(states),
        counting=known is None,
        page=number,
        last=max(1, -(-len(found) // _PAGE)),
        before=week_name(monday - timedelta(days=7)),
        after=week_name(monday + timedelta(days=7)),
        now=here.now().astimezone(here.app.configuration.zone),
        done=request.query_params.get("done", "")[:100],
    )


@router.get("/reports.xlsx", dependencies=[Depends(viewer)])
def compiled(request: Request) -> Response:
    """The same as a workbook, with what every unit has said."""
    from reminder.office.compile import notes_of  # noqa: PLC0415 - it loads openpyxl, as workbooks do

    here, locale = hall(request), locale_of(request)
    week, zone = _week(request), here.app.configuration.zone
    with reading(here.app.engine) as session:
        notes = notes_of(session, week, locale)
    rows = [
        [
            one.unit,
            say(locale, f"reports.{one.state}"),
            _clock(one.due_at, zone),
            _clock(one.submitted_at, zone),
            notes.get(one.unit, ""),
        ]
        for one in of_week(here, week) or []
    ]
    return workbook(f"{week}.xlsx", week, say(locale, "reports.table").split("|"), rows)


@router.post("/reports", dependencies=[Depends(officer)])
def recorded(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Records a report that came another way: on paper, by telephone."""
    here, locale = hall(request), locale_of(request)
    configuration = here.app.configuration
    at = text(sent, "at", 40)
    report = Report(
        unit=canonical_unit(text(sent, "unit", 100), configuration.directory.unit_names(), locale),
        week=week_of(text(sent, "week", 20), locale),
        submitted_at=instant_of(at.replace("T", " "), configuration.zone, locale) if at else here.now(),
        note=text(sent, "note"),
    )
    with writing(here.app.engine) as session:
        record_report(session, report, configuration.zone)
    here.memory.forget()
    return RedirectResponse(f"/reports?week={report.week}&done=1", 303)


def of_week(here: Hall, week: str) -> list[UnitWeek] | None:
    """Every unit's report of a week by the first rule about reports, the missing ones first; nothing without a rule.
    None where it is not known yet, because very many units are being looked at for the first time."""
    found = here.memory.kept(f"reports:{week}", report_rule(here.app), _SECONDS, lambda: _of_week(here, week))
    return found.answer if found else None


def _of_week(here: Hall, week: str) -> list[UnitWeek] | None:
    """Who owes is remembered for a while; who has reported is always looked at."""
    app = here.app
    rule = report_rule(app)
    if rule is None:
        return []

    def find() -> Owed:
        with reading(app.engine) as session:
            return owed_in(session, rule, app.configuration.practice, app.configuration.directory.outside, week)

    owed = here.memory.kept(f"owed:{week}", rule, _SECONDS, find)
    if owed is None:
        return None
    with reading(app.engine) as session:
        found = told(session, owed.answer, app.configuration.zone)
    order = ("missing", "late", "received", "not_owed")
    return sorted(found, key=lambda one: (order.index(one.state), one.unit))


def report_rule(app: App) -> ReportRule | None:
    """The first rule about reports."""
    return next((rule for rule in app.configuration.rules if isinstance(rule, ReportRule)), None)


def shown(one: UnitWeek, now: datetime) -> str:
    """The state as people are told it: what is not due yet is not missing."""
    waits = one.state == "missing" and one.due_at is not None and one.due_at > now
    return "pending" if waits else one.state


def _week(request: Request) -> str:
    """The week that the address names; this week where it names none."""
    here = hall(request)
    today = here.app.today(here.now())
    try:
        return week_of(request.query_params.get("week") or today)
    except UsageError:
        return week_name(today)


def _monday(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)


def _clock(moment: datetime | None, zone: object) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""  # type: ignore[arg-type]  # a ZoneInfo
