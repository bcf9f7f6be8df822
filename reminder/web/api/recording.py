"""The API's half that records: progress of a measure, its handing over, and weekly reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reminder.errors import UsageError
from reminder.facts import measure_facts
from reminder.gate.role import Person
from reminder.office.act import Act, ActName, Office
from reminder.office.acts import perform
from reminder.office.reports import Report, canonical_unit, record_report
from reminder.office.weeks import week_of
from reminder.store.engine import writing
from reminder.store.measures import by_ids
from reminder.web.access import writes
from reminder.web.api.common import EARLIEST, FAULTS
from reminder.web.hall import hall
from reminder.words import say

router = APIRouter(prefix="/api/v1", responses=FAULTS)
By = Annotated[Person, Depends(writes)]
Text = Annotated[str, Field(max_length=1000)]
Code = Annotated[str, Path(max_length=200)]
Ledger = Annotated[str, Query(max_length=200)]


class _Said(BaseModel):
    """What every act has: `on` the day it holds from, today if not named; `by` whom, the token's name if not."""

    model_config = ConfigDict(extra="forbid")

    on: date | None = None
    by: Annotated[str, Field(max_length=60)] = ""


class Progress(_Said):
    """How far a measure has come, and who says so."""

    percent: Annotated[int | None, Field(ge=0, le=100)] = None
    text: Annotated[str, Field(min_length=1, max_length=1000)]


class HandOver(_Said):
    """To which `unit` a measure goes, why, and `instead_of` which: of the one that asked for it, or of the only one,
    where none is named."""

    unit: Annotated[str, Field(min_length=1, max_length=200)]
    instead_of: Annotated[str, Field(max_length=200)] = ""
    because: Annotated[str, Field(min_length=1, max_length=1000)]


class WeeklyReport(BaseModel):
    """One unit's report of a week, now or at `submitted_at`."""

    model_config = ConfigDict(extra="forbid")

    unit: Annotated[str, Field(min_length=1, max_length=200)]
    week: Annotated[str, Field(max_length=20)]
    submitted_at: AwareDatetime | None = None
    note: Text = ""


@router.post("/measures/{code}/progress")
def progress(
    request: Request, person: By, code: Code, said: Annotated[Progress, Body()], ledger: Ledger = ""
) -> dict[str, Any]:
    """Records progress; answers with the measure as it then stands."""
    act = _act(request, person, "progress", said, because=said.text)
    return _done(request, f"{ledger}/{code}" if ledger else code, replace(act, text=said.text, percent=said.percent))


@router.post("/measures/{code}/hand-over")
def hand_over(
    request: Request, person: By, code: Code, said: Annotated[HandOver, Body()], ledger: Ledger = ""
) -> dict[str, Any]:
    """Gives a measure to another unit, which is reminded from then on; answers with the measure as it then stands.

    The clock runs on: what is overdue stays overdue, and posts above are told of the new unit from their next step on.
    """
    configuration = hall(request).app.configuration
    act = _act(request, person, "hand_over", said, because=said.because)
    unit = canonical_unit(said.unit, configuration.directory.unit_names(), configuration.locale)
    key = f"{ledger}/{code}" if ledger else code
    return _done(request, key, replace(act, text=unit, instead_of=said.instead_of))


def _act(request: Request, person: Person, name: ActName, said: _Said, because: str) -> Act:
    """The act that a program orders, without what is this act's own."""
    here = hall(request)
    today = here.today()
    on = said.on or today
    if on < EARLIEST:
        raise UsageError(say(here.app.configuration.locale, "web.day_unreadable", typed=on))
    by = said.by.strip() or person.name
    return Act(name=name, on=on, by=by, because=because, via=f"api:{person.name}")


def _done(request: Request, key: str, act: Act) -> dict[str, Any]:
    here = hall(request)
    configuration = here.app.configuration
    office = Office(now=here.now(), zone=configuration.zone, locale=configuration.locale)
    with writing(here.app.engine) as session:
        row = perform(session, key, act, office)
        session.flush()
        measure = by_ids(session, [row.id or 0])[row.id or 0]
    here.memory.forget()
    return measure_facts(measure, here.today())


@router.post("/reports")
def report(request: Request, person: By, said: Annotated[WeeklyReport, Body()]) -> dict[str, Any]:
    """Records a weekly report; `new` is false where the very same was recorded before."""
    here = hall(request)
    configuration = here.app.configuration
    unit = canonical_unit(said.unit, configuration.directory.unit_names(), configuration.locale)
    at = said.submitted_at or here.now()
    if not at.date() >= EARLIEST or at > here.now():
        raise UsageError(say(configuration.locale, "web.day_unreadable", typed=at.isoformat()))
    recorded = Report(unit=unit, week=week_of(said.week, configuration.locale), submitted_at=at, note=said.note)
    with writing(here.app.engine) as session:
        new = record_report(session, recorded, configuration.zone)
    here.memory.forget()
    return {"unit": unit, "week": recorded.week, "new": new, "by": person.name}
