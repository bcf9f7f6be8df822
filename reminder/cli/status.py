"""`reminder status`: whether the service is well; counts, the last cycle, lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from reminder.cli.asked import headings, local
from reminder.cli.common import Json, open_app, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from reminder.app import App
    from reminder.health import Health

_NEXT = 5
_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def status(context: typer.Context, as_json: Json = False) -> None:
    """是否正常 · Health, counts, last cycle, lag."""
    from reminder.app import now
    from reminder.coming import coming
    from reminder.health import health

    app, moment = open_app(context), now()
    found = health(app.engine, app.configuration.practice, app.plan, moment)
    problems = [say(app.configuration.locale, f"cli.unwell_{one.code}", **one.facts) for one in found.problems]
    if as_json:
        facts = _as_facts(app, found, problems) | {"log_head": log_head(app)}
        print_json(facts | {"next": coming(app, moment, _NEXT)})
    else:
        _show(app, found, problems)
        _show_next(app, moment)
    raise typer.Exit(1 if problems else 0)


def _as_facts(app: App, found: Health, problems: list[str]) -> dict[str, Any]:
    return {
        "healthy": not problems,
        "problems": problems,
        "outbox": dict(found.outbox),
        "measures": dict(found.measures),
        "last_cycle_at": local(app, found.last_cycle_at),
        "lag_s": round(found.lag.total_seconds(), 1),
        "calendar": {"covered_to": found.covered_to},
    }


def log_head(app: App) -> str:
    """Where the chain of the delivery log ends, as `outbox verify --head` takes it."""
    from reminder.store import delivery_log
    from reminder.store.engine import reading

    with reading(app.engine) as session:
        return str(delivery_log.head(session))


def _show(app: App, found: Health, problems: list[str]) -> None:
    locale = app.configuration.locale
    title = say(locale, "cli.status_unhealthy" if problems else "cli.status_healthy")
    print_table(title, headings(locale, "what state"), _rows(app, found))
    for problem in problems:
        typer.echo(problem)


def _show_next(app: App, moment: datetime) -> None:
    from reminder.coming import coming

    locale = app.configuration.locale
    rows = [(one["at"][:16].replace("T", " "), one["rule"], one["recipient"]) for one in coming(app, moment, _NEXT)]
    if rows:
        print_table(say(locale, "cli.check_occasions"), headings(locale, "at rule recipient"), rows)


def _rows(app: App, found: Health) -> Iterator[tuple[str, object]]:
    locale, last = app.configuration.locale, found.last_cycle_at
    at = f"{last.astimezone(app.configuration.zone):%Y-%m-%d %H:%M:%S}" if last else say(locale, "cli.status_never")
    yield say(locale, "cli.status_last_cycle"), at
    yield say(locale, "cli.status_lag"), span_told(locale, found.lag)
    yield say(locale, "cli.status_calendar"), covered(locale, found.covered_to)
    for state, n in found.outbox.items():
        if n:
            yield say(locale, "cli.status_outbox", state=say(locale, f"cli.state_{state}")), n
    for standing, n in found.measures.items():
        if n:
            yield say(locale, "cli.status_measures", status=say(locale, f"letters.status_{standing}")), n


def span_told(locale: str, lag: timedelta) -> str:
    """A stretch of time in a unit of which there are no more than a few dozen."""
    seconds = round(lag.total_seconds())
    unit, size = next((one for one in _UNITS if seconds >= 2 * one[1]), ("s", 1))
    return say(locale, f"cli.status_lag_{unit}", n=seconds // size)


def covered(locale: str, year: int | None) -> str:
    """Up to which year the calendar is known, in words."""
    return (
        say(locale, "cli.check_calendar_weekdays") if year is None else say(locale, "cli.check_calendar_to", year=year)
    )
