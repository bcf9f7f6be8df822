"""The office's desk: the morning's questions on one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from reminder.app import App
from reminder.office.waiting import Waiting, waiting
from reminder.rules.report_slots import week_name
from reminder.store.engine import reading
from reminder.store.listing import Page, Wanted, listed, unconfirmed
from reminder.store.messages import Posted, count_by_state, newest, sent_between
from reminder.web.access import viewer
from reminder.web.hall import Hall, hall
from reminder.web.monitor import wellness
from reminder.web.pages import page
from reminder.web.weeks import of_week, shown

router = APIRouter(dependencies=[Depends(viewer)])
_SECONDS = 10.0  # a desk that many look at every minute is found out a few times a minute
_HEALTH_SECONDS = 5.0
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """What the desk tells: what is red, due soon, missing, waiting, sent and failed, and since when it was known."""

    red: Page
    soon: Page
    unconfirmed: int
    waiting: tuple[Waiting, ...]
    missing: tuple[str, ...] | None
    missing_week: str
    pending: int
    sent_today: int
    failed: tuple[Posted, ...]
    outbox: dict[str, int]
    at: datetime


@router.get("/")
def desk(request: Request) -> Response:
    """The first page after signing in."""
    here = hall(request)
    today, looked = here.app.today(here.now()), wellness(request)
    morning = here.memory.kept("desk", (here.app.configuration, today), _SECONDS, lambda: _morning(here))
    health = here.memory.kept("health", here.app.configuration, _HEALTH_SECONDS, looked.now)
    return page(
        request,
        "desk.html",
        morning=morning and morning.answer,
        most=_SHOWN,
        today=today,
        health=health and health.answer,
    )


def _morning(here: Hall) -> Morning:
    app, now = here.app, here.now()
    today = app.today(now)
    missing, pending, week = _reports(here, today, now)
    with reading(app.engine) as session:
        return Morning(
            red=listed(session, Wanted(colour="red"), today, "deadline"),
            soon=listed(session, Wanted(colour="yellow"), today, "deadline"),
            unconfirmed=unconfirmed(session),
            waiting=tuple(waiting(session, today)),
            missing=missing,
            missing_week=week,
            pending=pending,
            sent_today=_sent_today(session, app, today),
            failed=tuple(newest(session, _SHOWN, "failed")),
            outbox=count_by_state(session),
            at=now,
        )


def _reports(here: Hall, today: date, now: datetime) -> tuple[tuple[str, ...] | None, int, str]:
    """Who misses this week's report, or last week's while this one is not due yet; and how many still have time."""
    this, last = week_name(today), week_name(today - timedelta(days=7))
    found = of_week(here, this)
    states = [shown(one, now) for one in found or ()]
    pending = states.count("pending")
    week = last if pending or not states else this
    if week == last:
        found = of_week(here, last)
    missing = None if found is None else tuple(one.unit for one in found if shown(one, now) == "missing")
    return missing, pending, week


def _sent_today(session: Session, app: App, today: date) -> int:
    practice = app.configuration.practice
    first = practice.at(today, datetime.min.time())
    return sent_between(session, first, first + timedelta(days=1))
