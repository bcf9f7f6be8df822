"""The rules as understood, what they will send next, the coming weeks, and any message before it goes. Read-only:
rules live in rules.toml."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
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
    app, today = here.app, here.app.today(moment)
    soon = here.memory.kept("coming", (app.configuration, today), _SECONDS, lambda: coming(app, moment, _NEXT))
    found = [{"name": rule.name, "kind": rule.kind, "keys": _keys(rule)} for rule in here.app.configuration.rules]
    return page(request, "rules.html", rules=found, coming=soon and soon.answer, at=here.since(soon))


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
    app = here.app
    span = Span(monday, monday + timedelta(days=7 * _WEEKS - 1))
    going = here.memory.kept("calendar", (app.configuration, today), _SECONDS, lambda: _going(app, span))
    weeks = _weeks(app.configuration.practice.calendar, span, going.answer if going else {})
    return page(request, "calendar.html", weeks=weeks, today=today, known=going is not None, at=here.since(going))


def _going(app: App, span: Span) -> dict[date, tuple[int, int]]:
    """For each day how many messages would go on it, and how many measures are due."""
    messages: dict[date, set[str]] = defaultdict(set)
    due: Counter[date] = Counter()
    for one in app.planned(span):
        messages[one.firing.at.date()].add(one.message)
        if one.firing.kind == "due":
            due[one.firing.at.date()] += 1
    return {day: (len(keys), due[day]) for day, keys in messages.items()}


def _weeks(calendar: Calendar, span: Span, going: Mapping[date, tuple[int, int]]) -> list[list[dict[str, Any]]]:
    days = [_day(calendar, span.first + timedelta(days=n)) for n in range((span.last - span.first).days + 1)]
    for day in days:
        messages, due = going.get(day["day"], (0, 0))
        day |= {"messages": messages, "due": due}
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
        together = next_together(app.plans(known), rule, known, day or app.today(here.now()), day)
        if together:
            at = min(one.firing.at for one in together)
            letter = _letter(app, together)
    return page(
        request,
        "preview.html",
        rules=names,
        units=here.offered_units(),
        rule=rule,
        unit=unit,
        on=on,
        letter=letter,
        at=at,
        asked=bool(unit),
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
