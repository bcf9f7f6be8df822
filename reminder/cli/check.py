"""`reminder check`: everything that is wrong with the configuration, what was understood, and what goes next."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from reminder.cli.asked import headings
from reminder.cli.common import Json, folder, print_json, print_table, say
from reminder.cli.status import covered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reminder.app import App
    from reminder.config.configuration import Configuration
    from reminder.config.faults import Fault


def check(context: typer.Context, as_json: Json = False) -> None:
    """检查配置、模板、地址和日历 · Checks configuration, templates, addresses and the calendar."""
    from reminder.app import now
    from reminder.coming import coming, rule_days
    from reminder.config.draft import read
    from reminder.config.faults import has_errors
    from reminder.config.load import inspect

    configuration, faults = inspect(folder(context))
    if configuration is None:
        _tell(folder(context), faults, {}, as_json=as_json, locale=read(folder(context)).locale)
        raise typer.Exit(2)
    app, why = _database(configuration)
    if app is not None:
        context.call_on_close(app.engine.dispose)
    moment = now()
    calendar = list(_calendar(configuration, moment.astimezone(configuration.zone).date()))
    faults += [*_templates(configuration), *(_unreached(app) if app else ())]
    occasions = coming(app, moment) if app else []
    facts = _understood(configuration, app, why) | {"occasions": occasions or rule_days(configuration, moment)}
    _tell(configuration.folder, [*faults, *calendar], facts, as_json=as_json, locale=configuration.locale)
    # a year's holidays are published in their own time: until then nobody has failed to do anything
    raise typer.Exit(2 if has_errors(faults) else 1 if faults or why else 0)


def _database(configuration: Configuration) -> tuple[App | None, str]:
    """The application where there is a database; else why the one there cannot be used ("" where there is none)."""
    from reminder.app import App, jobs_kept
    from reminder.errors import StoreMissing, UsageError
    from reminder.store.engine import open_engine, require_current

    try:
        engine = open_engine(configuration.database_url)
        require_current(engine)
        jobs_kept(configuration, engine)
    except StoreMissing:
        return None, ""
    except UsageError as error:
        return None, str(error)
    return App(configuration, engine), ""


def _templates(configuration: Configuration) -> Iterator[Fault]:
    """The templates' faults, with the same place and shape as the configuration's."""
    from reminder.app import faulty_templates
    from reminder.config.faults import Fault, one_line

    for fault in faulty_templates(configuration):
        file = fault.file.removeprefix(f"{configuration.folder}/")
        name = file.rpartition("/")[2]
        yield Fault(file, fault.line, 1, name, one_line(fault.text), "warning" if fault.warning else "error")


def _unreached(app: App) -> Iterator[Fault]:
    """Units and posts that only the ledger knows. Those of units.toml are told of where they stand there."""
    from reminder.briefing.reach import unreachable
    from reminder.config.faults import Fault, key_path, one_line
    from reminder.store.engine import reading

    configuration = app.configuration
    with reading(app.engine) as session:
        found = unreachable(session, configuration.directory, configuration.rules)
    directory = configuration.directory
    titles = {title for post in directory.leaders.values() for title in (post.name, *post.aliases)}
    known = {"unit": set(directory.units), "leader": titles}
    for kind, names in found.items():
        for name in (name for name in names if name not in known[kind]):
            message = say(configuration.locale, f"cli.check_ledger_{kind}", name=name)
            yield Fault("units.toml", 1, 1, f"{kind}.{key_path((name,), {})}", one_line(message), "warning")


def _calendar(configuration: Configuration, today: date) -> Iterator[Fault]:
    from reminder.config.draft import read
    from reminder.rules.calendar import missing_year

    if year := missing_year(configuration.practice.calendar, today):
        source = read(configuration.folder).office
        source.report(("calendar", "covered_years"), "year_missing", severity="warning", year=year)
        yield source.faults[-1]


def _understood(configuration: Configuration, app: App | None, why: str) -> dict[str, Any]:
    from reminder.store.engine import reading
    from reminder.store.names import count_by_status

    measures = None
    if app is not None:
        with reading(app.engine) as session:
            measures = sum(count_by_status(session).values())
    return {
        "rules": len(configuration.rules),
        "units": len(configuration.units),
        "posts": len(configuration.leaders),
        "channels": len(configuration.channels),
        "measures": measures,
        "store": "ready" if app else why or "missing",
        "covered_to": configuration.practice.calendar.covered_to(),
    }


def _tell(where: Path, faults: list[Fault], facts: dict[str, Any], *, as_json: bool, locale: str) -> None:
    """Faults as lines on stderr and the rest on stdout; with --json all in one object on stdout."""
    if as_json:
        told = [
            {name: getattr(fault, name) for name in ("file", "line", "column", "key", "message", "severity")}
            for fault in faults
        ]
        print_json({"faults": told, "folder": str(where), **facts})
        return
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if facts:
        _show(locale, facts)
    _count(locale, faults)


def _show(locale: str, facts: dict[str, Any]) -> None:
    store = facts["store"]
    if store == "ready":
        said = say(locale, "cli.check_store_ready", measures=facts["measures"])
    else:
        known = store == "missing"
        said = say(locale, "cli.check_store_missing") if known else say(locale, "cli.check_store_broken", why=store)
    counts = {name: facts[name] for name in ("rules", "units", "posts", "channels")}
    calendar = covered(locale, facts["covered_to"])
    typer.echo(say(locale, "cli.check_understood", store=said, calendar=calendar, **counts))
    occasions = facts["occasions"]
    if not occasions:
        typer.echo(say(locale, "cli.check_no_occasions"))
        return
    to_somebody = any(one["recipient"] for one in occasions)
    title = say(locale, "cli.check_occasions" if to_somebody else "cli.check_rule_days")
    rows = [(one["at"][:16].replace("T", " "), one["rule"], one["recipient"]) for one in occasions]
    print_table(title, headings(locale, "at rule recipient"), rows)


def _count(locale: str, faults: list[Fault]) -> None:
    errors = sum(fault.severity == "error" for fault in faults)
    told = say(locale, "cli.check_faults", errors=errors, warnings=len(faults) - errors)
    typer.echo(told if faults else say(locale, "cli.check_ok"))
