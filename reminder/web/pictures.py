"""Pictures for those who would rather look: open by colour, burn-down by aspect, reports unit by week; each with its
table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response

from reminder.app import App
from reminder.office.reports import owed_in, told
from reminder.office.statistics import Movement, movement
from reminder.rules.report_slots import week_name
from reminder.store.engine import reading
from reminder.web.access import Refused, viewer
from reminder.web.hall import hall, locale_of
from reminder.web.pages import page
from reminder.web.remembered import Kept
from reminder.web.weeks import report_rule, shown
from reminder.web.workbook import workbook
from reminder.words import say

T = TypeVar("T")
router = APIRouter(dependencies=[Depends(viewer)])
_WEEKS = 26
_GRID_WEEKS = 8
_MOST_UNITS = 60
_MOST_ASPECTS = 8
_SECONDS = 300.0
WIDTH, HEIGHT = 640, 220


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name, its values, and its points in the picture."""

    name: str
    values: tuple[int, ...]
    points: str


@router.get("/pictures")
def pictures(request: Request) -> Response:
    """All of them."""
    here = hall(request)
    moved, grid = _moved(request), _grid(request)
    return page(
        request,
        "pictures.html",
        moved=moved and moved.answer,
        moved_at=here.since(moved),
        **(_charts(moved.answer) if moved else {}),
        width=WIDTH,
        height=HEIGHT,
        grid=grid and grid.answer,
        grid_at=here.since(grid),
    )


def _charts(moved: Movement) -> dict[str, Any]:
    aspects = dict(list(moved.by_aspect.items())[:_MOST_ASPECTS])
    most_colours = max(map(max, moved.by_colour.values()))
    most_aspects = max((max(values, default=0) for values in moved.by_aspect.values()), default=0)
    return {
        "colours": _lines(moved.by_colour, most_colours),
        "aspects": _lines(aspects, most_aspects),
        "left_out": len(moved.by_aspect) - len(aspects),
        "most_colours": most_colours,
        "most_aspects": most_aspects,
    }


@router.get("/pictures/{name}.xlsx")
def as_workbook(request: Request, name: str) -> Response:
    """The table behind a picture."""
    locale = locale_of(request)
    if name == "reports":
        grid = _ready(_grid(request))
        rows = [[unit, *(_in_words(locale, state) for state in states)] for unit, states in grid["rows"]]
        return workbook("reports.xlsx", name, [say(locale, "desk.unit"), *grid["weeks"]], rows)
    if name not in ("colours", "aspects"):
        raise Refused(404, "web.not_found")
    moved = _ready(_moved(request))
    lines = moved.by_colour if name == "colours" else moved.by_aspect
    names = [say(locale, f"desk.colour_{each}") if name == "colours" else each for each in lines]
    rows = [[day, *values] for day, values in zip(moved.days, zip(*lines.values(), strict=True), strict=True)]
    return workbook(f"{name}.xlsx", name, [say(locale, "desk.when"), *names], rows)


def _ready(kept: Kept[T] | None) -> T:
    if kept is None:
        raise Refused(409, "desk.counting")
    return kept.answer


def _in_words(locale: str, state: str) -> str:
    if state == "pending":
        return say(locale, "desk.report_pending")
    return say(locale, f"reports.{state}") if state else ""


def _moved(request: Request) -> Kept[Movement] | None:
    """Week by week up to today."""
    app, today = hall(request).app, hall(request).today()
    days = [today - timedelta(days=7 * n) for n in reversed(range(_WEEKS))]

    def find() -> Movement:
        with reading(app.engine) as session:
            return movement(session, days)

    return hall(request).memory.kept("movement", today, _SECONDS, find)


def _lines(counts: Mapping[str, Sequence[int]], most: int) -> list[Line]:
    """The lines of a chart WIDTH by HEIGHT, zero at the bottom and `most` at the top."""
    found = []
    for name, values in counts.items():
        step = WIDTH / max(1, len(values) - 1)
        places = ((n * step, HEIGHT - HEIGHT * value / max(1, most)) for n, value in enumerate(values))
        found.append(Line(name, tuple(values), " ".join(f"{x:.1f},{y:.1f}" for x, y in places)))
    return found


def _grid(request: Request) -> Kept[dict[str, Any]] | None:
    """The last weeks' reports, those units first that miss most."""
    here = hall(request)
    app, today, now = here.app, here.today(), here.now()
    return here.memory.kept("grid", (app.configuration, today), _SECONDS, lambda: _reports(app, today, now))


def _reports(app: App, today: date, now: datetime) -> dict[str, Any]:
    mondays = [today - timedelta(days=today.weekday() + 7 * n) for n in reversed(range(_GRID_WEEKS))]
    weeks = [week_name(monday) for monday in mondays]
    rule, practice = report_rule(app), app.configuration.practice
    states: dict[str, dict[str, str]] = {}
    if rule is not None:
        with reading(app.engine) as session:
            for week in weeks:
                owed = owed_in(session, rule, practice, app.configuration.directory.outside, week)
                for one in told(session, owed, practice.zone):
                    states.setdefault(one.unit, {})[week] = shown(one, now)
    rows = [(unit, [of.get(week, "") for week in weeks]) for unit, of in states.items()]
    rows.sort(key=lambda row: (-row[1].count("missing"), -row[1].count("late"), row[0]))
    return {"weeks": weeks, "rows": rows[:_MOST_UNITS], "left_out": max(0, len(rows) - _MOST_UNITS)}
