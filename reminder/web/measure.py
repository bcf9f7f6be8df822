"""One measure: its facts, its whole history, every reminder with its reason, and what the office can do to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session
from starlette.datastructures import FormData

from reminder.app import App
from reminder.compose import sentence
from reminder.domain.measure import Measure
from reminder.explain.sentences import result, step_passed, why
from reminder.explain.told import as_recorded
from reminder.office.act import Act, ActName, Marks, Office
from reminder.office.acts import perform, possible
from reminder.office.history import history
from reminder.office.reports import canonical_unit
from reminder.office.waiting import passed_on, request_of
from reminder.rules.unheard import unheard
from reminder.store.engine import reading, writing
from reminder.store.measures import by_ids
from reminder.store.occasions import of_measure
from reminder.web.access import Refused, officer, viewer
from reminder.web.forms import Number, day, form, text
from reminder.web.hall import hall, locale_of
from reminder.web.pages import page

router = APIRouter()
_REMINDERS = 60
# what each act asks for beside its reason, in the order of the page; `progress` is what units say, so it comes first
FIELDS: Mapping[ActName, tuple[str, ...]] = {
    "progress": ("on", "percent", "text"),
    "write_off": ("on", "evidence", "despite_children"),
    "return": ("on",),
    "phase_complete": ("on",),
    "claim": ("on",),
    "extend": ("to", "allowed_by", "on"),
    "ask_extension": ("to", "on"),
    "refuse_extension": ("on",),
    "hand_over": ("unit", "instead_of", "on"),
    "keep_unit": ("on",),
    "confirm": (),
    "block": ("on",),
    "unblock": ("on",),
    "suspend": ("until", "review", "on"),
    "resume": ("on",),
    "decline": ("on",),
    "mark": ("tags", "untag", "standing", "parent"),
    "look_back": ("result", "on"),
    "reopen": ("on",),
}


@router.get("/measures/{number}", dependencies=[Depends(viewer)])
def measure(request: Request, number: Number) -> Response:
    """The page of one measure."""
    return _page(request, number)


@router.post("/measures/{number}/acts", dependencies=[Depends(officer)])
def act(request: Request, number: Number, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Does one act, by whoever is signed in; the page tells what was refused, with what was typed still there."""
    here = hall(request)
    wanted = _act(request, sent)
    office = Office(now=here.now(), zone=here.app.configuration.zone, locale=locale_of(request))
    with writing(here.app.engine) as session:
        perform(session, _known(session, number).key, wanted, office)
    here.memory.forget()
    return RedirectResponse(f"/measures/{number}?done={wanted.name}", 303)


def _page(request: Request, number: Number) -> Response:
    here = hall(request)
    app, locale = here.app, locale_of(request)
    with reading(app.engine) as session:
        found = _known(session, number)
        past = history(session, found.key, locale)
        reminders = _reminders(session, app, locale, found)
        asked = request_of(session, number) is not None
        passed = passed_on(session, number)
    today = app.today(here.now())
    done = request.query_params.get("done", "")
    can = possible(found.status_on(today))
    acts = [name for name in FIELDS if name in can and _sensible(name, found, asked=asked, passed=passed is not None)]
    return page(
        request,
        "measure.html",
        measure=found,
        history=past,
        reminders=reminders,
        acts=acts,
        fields=FIELDS,
        passed={"unit": "", "by_unit": "", **(passed.facts if passed else {})},
        notes=_passed_steps(app, locale, found, here.now()),
        units=here.offered_units(),
        today=today,
        done=done if done in get_args(ActName) else "",
    )


def _passed_steps(app: App, locale: str, measure: Measure, now: datetime) -> list[str]:
    """Of a measure that is chased: which steps of escalation came while it was not, and told nobody since."""
    if not measure.chased_on(app.today(now)):
        return []
    configuration = app.configuration
    found = unheard(configuration.rules, measure, now, configuration.directory, configuration.practice)
    return [step_passed(locale, one) for one in found if not one.in_digest]


def _sensible(name: ActName, measure: Measure, *, asked: bool, passed: bool) -> bool:
    """Whether an act that the status allows also has something to act on; `asked`: for more time, `passed`: on to
    another unit."""
    if name == "keep_unit":
        return passed
    if name == "refuse_extension":
        return asked
    if name == "unblock":
        return bool(measure.blocked_by)
    if name == "confirm":
        return not measure.deadline.confirmed and measure.deadline.on is not None
    return True


def _known(session: Session, number: Number) -> Measure:
    found = by_ids(session, [number])
    if number not in found:
        raise Refused(404, "web.not_found")
    return found[number]


def _reminders(session: Session, app: App, locale: str, measure: Measure) -> list[dict[str, Any]]:
    practice = app.configuration.practice
    accounts = [
        as_recorded(occasion, {measure.id: measure.key}, practice)
        for occasion in of_measure(session, measure, _REMINDERS)
    ]
    return [
        {
            "at": account.at,
            "kind": account.kind,
            "rule": account.rule,
            "state": account.state,
            "reason": sentence(locale, why(account)),
            "result": result(locale, practice.zone, account),
            "message": account.message,
        }
        for account in accounts
    ]


def _act(request: Request, sent: FormData) -> Act:
    """The act that the form orders. Refused where the form is none of ours."""
    name = text(sent, "act", 40)
    if name not in FIELDS:
        raise Refused(422, "web.unreadable")
    here = hall(request)
    percent = text(sent, "percent", 3)
    return Act(
        name=name,  # type: ignore[arg-type]  # one of FIELDS
        on=day(sent, "on") or here.app.today(here.now()),
        by=request.state.person.name,
        because=text(sent, "because") or text(sent, "text"),
        until=day(sent, "until"),
        review=day(sent, "review"),
        to=day(sent, "to"),
        percent=int(percent) if percent.isdecimal() else None,
        text=_unit(request, sent) if name == "hand_over" else text(sent, "text"),
        instead_of=text(sent, "instead_of", 100) if name == "hand_over" else "",
        result=text(sent, "result", 10) if name == "look_back" else "",  # type: ignore[arg-type]  # perform checks it
        allowed_by=text(sent, "allowed_by", 200),
        evidence=text(sent, "evidence"),
        despite_children=bool(text(sent, "despite_children", 5)),
        marks=_marks(sent) if name == "mark" else Marks(),
    )


def _unit(request: Request, sent: FormData) -> str:
    """The unit to which a measure is handed over, by the name of the directory. UsageError where there is none."""
    names = hall(request).app.configuration.directory.unit_names()
    return canonical_unit(text(sent, "unit", 100), names, locale_of(request))


def _marks(sent: FormData) -> Marks:
    standing = text(sent, "standing", 5)
    return Marks(
        tags=tuple(text(sent, "tags", 200).split()),
        untag=tuple(text(sent, "untag", 200).split()),
        standing={"yes": True, "no": False}.get(standing),
        parent=text(sent, "parent", 60) or None,
    )
