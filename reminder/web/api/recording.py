"""The API's half that records: progress of a measure, and weekly reports."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reminder.errors import UsageError
from reminder.facts import measure_facts
from reminder.gate.role import Person
from reminder.office.act import Act, Office
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


class Progress(BaseModel):
    """How far a measure has come. `by` is who says so; without it the token's name."""

    model_config = ConfigDict(extra="forbid")

    percent: Annotated[int | None, Field(ge=0, le=100)] = None
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    on: date | None = None
    by: Annotated[str, Field(max_length=60)] = ""


class WeeklyReport(BaseModel):
    """One unit's report of a week, now or at `submitted_at`."""

    model_config = ConfigDict(extra="forbid")

    unit: Annotated[str, Field(min_length=1, max_length=200)]
    week: Annotated[str, Field(max_length=20)]
    submitted_at: AwareDatetime | None = None
    note: Text = ""


@router.post("/measures/{code}/progress")
def progress(
    request: Request,
    person: By,
    code: Annotated[str, Path(max_length=200)],
    said: Annotated[Progress, Body()],
    ledger: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:
    """Records progress; answers with the measure as it then stands."""
    here = hall(request)
    configuration = here.app.configuration
    office = Office(now=here.now(), zone=configuration.zone, locale=configuration.locale)
    act = Act(
        name="progress",
        on=said.on or office.today,
        by=said.by.strip() or person.name,
        because=said.text,
        text=said.text,
        percent=said.percent,
        via=f"api:{person.name}",
    )
    if act.on < EARLIEST:
        raise UsageError(say(configuration.locale, "web.day_unreadable", typed=act.on))
    with writing(here.app.engine) as session:
        row = perform(session, f"{ledger}/{code}" if ledger else code, act, office)
        session.flush()
        measure = by_ids(session, [row.id or 0])[row.id or 0]
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
    return {"unit": unit, "week": recorded.week, "new": new, "by": person.name}
