"""What the office writes down beside the measures: letters, duties, silences."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from reminder.app import App
from reminder.office import duties, letters, silences
from reminder.office.act import Office
from reminder.office.find import find
from reminder.office.reports import canonical_unit
from reminder.rules.kinds.awaiting_reply import AwaitingReplyRule
from reminder.rules.kinds.duty import DutyRule
from reminder.rules.rule import Span
from reminder.store.engine import reading, writing
from reminder.store.tables import LetterRow
from reminder.web.access import Refused, officer, viewer
from reminder.web.forms import Number, day, form, number_of, text
from reminder.web.hall import Hall, hall, locale_of
from reminder.web.pages import page

router = APIRouter()
_SHOWN = 50


@router.get("/letters", dependencies=[Depends(viewer)])
def letters_and_duties(request: Request) -> Response:
    """Letters awaiting a reply, and what is owed in every period."""
    here = hall(request)
    app, today = here.app, here.app.today(here.now())
    with reading(app.engine) as session:
        some, number = _some(request)
        sent = letters.listed(session, lambda row: _due_on(app, row), today, some)
    return page(
        request,
        "letters.html",
        letters=sent[:_SHOWN],
        more=len(sent) > _SHOWN,
        page=number,
        duties=_duties(app, today),
        today=today,
        done=_done(request),
    )


@router.post("/letters", dependencies=[Depends(officer)])
def letter_sent(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Records a letter, one for each addressee."""
    here = hall(request)
    sending = letters.Sending(
        to=[body for body in text(sent, "to").splitlines() if body.strip()],
        about=text(sent, "about"),
        on=day(sent, "on") or here.app.today(here.now()),
        reply_by=day(sent, "reply_by"),
        by=request.state.person.name,
    )
    with writing(here.app.engine) as session:
        letters.send(session, sending, _office(request))
    return _back(here, "/letters")


@router.post("/letters/{number}/reply", dependencies=[Depends(officer)])
def reply_came(request: Request, number: Number, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Records the reply to a letter."""
    here = hall(request)
    on = day(sent, "on") or here.app.today(here.now())
    reply = letters.Reply(on=on, by=request.state.person.name, because=text(sent, "because"))
    with writing(here.app.engine) as session:
        letters.replied(session, number, reply, _office(request))
    return _back(here, "/letters")


@router.post("/duties", dependencies=[Depends(officer)])
def duty_done(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Records that a duty was done."""
    here, office = hall(request), _office(request)
    rules = {rule.name: rule for rule in here.app.configuration.rules if isinstance(rule, DutyRule)}
    rule = rules.get(text(sent, "duty", 64))
    if rule is None:
        raise Refused(422, "web.unreadable")
    unit = duties.debtor(rule, text(sent, "unit", 100), here.app.configuration.directory.unit_names(), office)
    period = duties.period_of(rule, text(sent, "period", 20), here.app.configuration.practice, office)
    done = duties.Done(unit=unit, period=period, on=office.today)
    with writing(here.app.engine) as session:
        duties.record_done(session, rule, done, office)
    return _back(here, "/letters")


@router.get("/silences", dependencies=[Depends(viewer)])
def all_silences(request: Request) -> Response:
    """Every silence, those that hold before those that are over."""
    here = hall(request)
    today = here.app.today(here.now())
    some, number = _some(request)
    with reading(here.app.engine) as session:
        found = list(silences.listed(session, today, some))
    return page(
        request,
        "silences.html",
        silences=found[:_SHOWN],
        more=len(found) > _SHOWN,
        page=number,
        rules=[rule.name for rule in here.app.configuration.rules],
        units=here.offered_units(),
        today=today,
        done=_done(request),
    )


@router.post("/silences", dependencies=[Depends(officer)])
def silenced(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Begins a silence."""
    here, office = hall(request), _office(request)
    unit, code, rule = text(sent, "unit", 100), text(sent, "measure", 100), text(sent, "rule", 64)
    until = day(sent, "until")
    if until is None:
        raise Refused(422, "web.unreadable")
    names = here.app.configuration.directory.unit_names()
    with writing(here.app.engine) as session:
        order = silences.Order(
            since=day(sent, "since") or office.today,
            until=until,
            because=text(sent, "because"),
            by=request.state.person.name,
            unit=canonical_unit(unit, names, office.locale) if unit else None,
            measure_id=find(session, code, office.locale).id if code else None,
            rule=rule or None,
        )
        silences.add(session, order, office)
    return _back(here, "/silences")


@router.post("/silences/{number}/end", dependencies=[Depends(officer)])
def silence_ended(request: Request, number: Number, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Ends a silence today."""
    here = hall(request)
    with writing(here.app.engine) as session:
        silences.end(session, number, _office(request))
    return _back(here, "/silences")


def _some(request: Request) -> tuple[slice, int]:
    """The page that is asked for, with the first of the next one, and its number."""
    number = number_of(request)
    return slice((number - 1) * _SHOWN, number * _SHOWN + 1), number


def _due_on(app: App, row: LetterRow) -> date | None:
    """When the reply to a letter is due: the date it names, else by the first rule about letters."""
    rule = next((rule for rule in app.configuration.rules if isinstance(rule, AwaitingReplyRule)), None)
    if row.reply_by or rule is None:
        return row.reply_by
    return rule.within.after(row.sent_on, app.configuration.practice.calendar)


def _duties(app: App, today: date) -> list[dict[str, Any]]:
    rules = [rule for rule in app.configuration.rules if isinstance(rule, DutyRule)]
    if not rules:
        return []
    facts = app.facts(Span(today, today), rules)
    return [one for rule in rules for one in duties.listed(rule, facts, app.configuration.practice, today)]


def _office(request: Request) -> Office:
    here = hall(request)
    return Office(now=here.now(), zone=here.app.configuration.zone, locale=locale_of(request))


def _done(request: Request) -> bool:
    return "done" in request.query_params


def _back(here: Hall, to: str) -> Response:
    here.memory.forget()
    return RedirectResponse(f"{to}?done=1", 303)
