"""The rules as understood, what they will send next, the coming weeks, and any message before it goes. Read-only:
rules live in rules.toml."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from reminder.app import App
from reminder.coming import coming
from reminder.cycle.preview import next_together, preview
from reminder.errors import UsageError
from reminder.rules.calendar import Calendar
from reminder.rules.rule import Rule, Span
from reminder.web.access import viewer
from reminder.web.hall import hall
from reminder.web.pages import page

router = APIRouter(dependencies=[Depends(viewer)])
_WEEKS = 6
_NEXT = 20
_SECONDS = 60.0  # planning some weeks costs a look at every open measure
_KEYS_OF_ALL = ("name", "kind")


@router.get("/rules")
def rules(request: Request) -> Response:
    """Every rule with the keys it was given, and the next occasions of all."""
    here = hall(request)
    moment = here.now()
    soon = here.memory.recall("coming", _SECONDS, lambda: coming(here.app, moment, _NEXT))
    found = [{"name": rule.name, "kind": rule.kind, "keys": _keys(rule)} for rule in here.app.configuration.rules]
    return page(request, "rules.html", rules=found, coming=soon)


def _keys(rule: Rule) -> dict[str, Any]:
    """What the rule was given beside its name and kind, as rules.toml would write it."""
    given = rule.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in given.items() if name not in _KEYS_OF_ALL}


@router.get("/calendar")
def calendar(request: Request) -> Response:
    """The coming weeks: days of work and rest, deadlines, and how many messages would go."""
    here = hall(request)
    today = here.app.today(here.now())
    monday = today - timedelta(days=today.weekday())
    weeks = here.memory.recall("calendar", _SECONDS, lambda: _weeks(here.app, monday))
    return page(request, "calendar.html", weeks=weeks, today=today)


def _weeks(app: App, monday: date) -> list[list[dict[str, Any]]]:
    span = Span(monday, monday + timedelta(days=7 * _WEEKS - 1))
    messages: dict[date, set[str]] = defaultdict(set)
    due: Counter[date] = Counter()
    for one in app.plan(span):
        messages[one.firing.at.date()].add(one.message)
        if one.firing.kind == "due":
            due[one.firing.at.date()] += 1
    days = [_day(app.configuration.practice.calendar, monday + timedelta(days=n)) for n in range(7 * _WEEKS)]
    for day in days:
        day |= {"messages": len(messages[day["day"]]), "due": due[day["day"]]}
    return [days[start : start + 7] for start in range(0, len(days), 7)]


def _day(calendar: Calendar, day: date) -> dict[str, Any]:
    working = calendar.is_working_day(day)
    kind = "work" if working else "rest"
    if working and day.weekday() >= 5:
        kind = "make_up"
    elif not working and day.weekday() < 5:
        kind = "holiday"
    return {"day": day, "kind": kind, "certain": calendar.certain(day)}


@router.get("/preview")
def previewed(request: Request) -> Response:
    """The next message of a rule to a unit, or the one of a day, as it would go now."""
    here = hall(request)
    app, query = here.app, request.query_params
    names = [rule.name for rule in app.configuration.rules]
    rule, unit, on = query.get("rule", ""), query.get("unit", "").strip(), query.get("on", "")
    letter, at = None, None
    if rule in names and unit:
        day = _iso(on)
        known = app.configuration.directory.unit_names().get(unit, unit)
        together = next_together(app.plan, rule, known, day or app.today(here.now()), day)
        if together:
            at = min(one.firing.at for one in together)
            letter = _letter(app, together)
    return page(
        request, "preview.html", rules=names, rule=rule, unit=unit, on=on, letter=letter, at=at, asked=bool(unit)
    )


def _letter(app: App, together: Any) -> Any:
    service = app.service()
    name = service.trial_channel or together[0].channel
    if name not in service.channels:
        raise UsageError(name)
    channel = service.channels[name]()
    try:
        return preview(service, channel, together).letter
    finally:
        channel.close()


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
