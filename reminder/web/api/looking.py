"""The API's half that only looks: measures, reports, what is planned and why, messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlmodel import Session, col, select

from reminder.domain.measure import Measure, Status
from reminder.explain import Question, explain
from reminder.facts import account_facts, measure_facts, message_facts, reminder_facts
from reminder.office.find import find
from reminder.office.history import history
from reminder.office.reports import canonical_unit
from reminder.past import houses
from reminder.store.engine import reading
from reminder.store.measures import by_ids, load_measures
from reminder.store.messages import posted
from reminder.store.tables import MeasureRow, MeasureUnitRow
from reminder.web.access import reads
from reminder.web.api.common import FAULTS, MOST, span
from reminder.web.hall import Hall, hall
from reminder.weekly import week_reports

router = APIRouter(prefix="/api/v1", dependencies=[Depends(reads)], responses=FAULTS)
Limit = Annotated[int, Query(ge=1, le=MOST, description="at most so many")]
After = Annotated[int, Query(ge=0, le=2**53, description="go on after this `next` of an earlier answer")]
Name = Annotated[str | None, Query(max_length=200)]
Day = Annotated[date | None, Query()]
State = Literal["pending", "held", "retrying", "sending", "sent", "unknown", "failed", "cancelled"]


@router.get("/measures")
def measures(
    request: Request, unit: Name = None, status: Status | None = None, limit: Limit = MOST, after: After = 0
) -> dict[str, Any]:
    """The ledger as the service has it; of one unit, or in one status."""
    here = hall(request)
    wanted = select(MeasureRow.id).where(col(MeasureRow.id) > after)
    if status is not None:
        wanted = wanted.where(MeasureRow.status == status.value)
    if unit is not None:
        own = select(MeasureUnitRow.measure_id).where(MeasureUnitRow.unit == _unit(here, unit))
        wanted = wanted.where(col(MeasureRow.id).in_(own))
    with reading(here.app.engine) as session:
        keys = session.exec(wanted.order_by(col(MeasureRow.id)).limit(limit + 1)).all()
        found = load_measures(session, col(MeasureRow.id).in_([key or 0 for key in keys[:limit]]))
    today = here.today()
    facts = [measure_facts(one, today) for one in sorted(found, key=lambda one: one.id)]
    return {"measures": facts, "next": keys[limit - 1] if len(keys) > limit else None}


@router.get("/measures/{code}")
def measure(
    request: Request, code: Annotated[str, Path(max_length=200)], ledger: Annotated[str, Query(max_length=200)] = ""
) -> dict[str, Any]:
    """One measure with its history."""
    here = hall(request)
    key = f"{ledger}/{code}" if ledger else code
    locale = here.app.configuration.locale
    with reading(here.app.engine) as session:
        found = _found(session, key, locale)
        past = history(session, key, locale)
    told = [
        {"on": one.on, "act": one.act, "by": one.by, "because": one.because, "facts": dict(one.facts)} for one in past
    ]
    return {**measure_facts(found, here.today()), "blocked_by": found.blocked_by, "history": told}


@router.get("/reports")
def reports(request: Request, week: Annotated[str | None, Query(max_length=20)] = None) -> dict[str, Any]:
    """Every unit's report of a week (2021-W17, or any date in it): received, late, missing, not owed."""
    here = hall(request)
    return {"reports": [one.as_json() for one in week_reports(here.app, week, here.today())]}


@router.get("/plan")
def plan(request: Request, first: Annotated[date | None, Query(alias="from")] = None, to: Day = None) -> dict[str, Any]:
    """What would be sent on these days, at most two months of them."""
    here = hall(request)
    locale = here.app.configuration.locale
    planned = here.app.plan(span(first, to, here.today(), 62, locale))
    return {"reminders": [reminder_facts(one, locale) for one in planned]}


@router.get("/explain")
def explained(  # noqa: PLR0913, PLR0917 - as many as the command has options
    request: Request,
    measure: Name = None,
    unit: Name = None,
    rule: Name = None,
    first: Annotated[date | None, Query(alias="from")] = None,
    to: Day = None,
) -> dict[str, Any]:
    """Every rule's answer about a measure or a unit on these days, at most a month of them."""
    here = hall(request)
    configuration = here.app.configuration
    days = span(first, to, here.today(), 31, configuration.locale)
    units = frozenset({_unit(here, unit)}) if unit else frozenset()
    with reading(here.app.engine) as session:
        about = _about(session, measure, units, configuration.locale)
    question = Question(span=days, measures=about, units=units, rule=rule, of_measure=bool(measure))
    accounts = [
        account
        for stretch, house in houses(here.app, days)
        for account in explain(here.app.engine, house, replace(question, span=stretch))
    ]
    return {"answers": [account_facts(one, configuration.locale, configuration.zone) for one in accounts]}


@router.get("/messages")
def messages(request: Request, state: State | None = None, limit: Limit = MOST, after: After = 0) -> dict[str, Any]:
    """Messages and their deliveries, the oldest first."""
    here = hall(request)
    with reading(here.app.engine) as session:
        found = posted(session, state, page=(after, limit + 1))
    told = [message_facts(one, here.app.configuration.zone) for one in found[:limit]]
    return {"messages": told, "next": found[limit - 1].id if len(found) > limit else None}


def _about(session: Session, code: str | None, units: frozenset[str], locale: str) -> list[Measure]:
    """The measure asked about, or those of the units asked about."""
    if code is not None:
        return [_found(session, code, locale)]
    own = select(MeasureUnitRow.measure_id).where(col(MeasureUnitRow.unit).in_(units))
    return load_measures(session, col(MeasureRow.id).in_(own))


def _found(session: Session, key: str, locale: str) -> Measure:
    row = find(session, key, locale)
    return by_ids(session, [row.id or 0])[row.id or 0]


def _unit(here: Hall, name: str) -> str:
    configuration = here.app.configuration
    return canonical_unit(name, configuration.directory.unit_names(), configuration.locale)
