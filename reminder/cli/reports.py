"""`reminder report` and `reminder reports`: weekly reports, recorded and listed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_instant, print_lines, print_table

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.office.reports import UnitWeek

reports = typer.Typer(invoke_without_command=True, help="周报告：列出、批量录入 · Weekly reports: list, import.")
Week = Annotated[str, typer.Option("--week", metavar="W", help="2021-W17，或其中任一天 · or any date in it.")]


def report(
    context: typer.Context,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="单位 · The unit.")],
    week: Week,
    at: Annotated[
        str | None, typer.Option("--at", metavar="INSTANT", help="报送时间（默认现在）· When; default: now.")
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="备注 · A note.")] = "",
) -> None:
    """登记一份周报告 · Record one weekly report."""
    from reminder.app import now
    from reminder.office.reports import Report, canonical_unit, record_report
    from reminder.office.weeks import week_of
    from reminder.store.engine import writing
    from reminder.words import say

    app = open_app(context)
    locale = app.configuration.locale
    submitted_at = parse_instant(at, app.configuration.zone) if at else now()
    name = canonical_unit(unit, app.configuration.directory.unit_names(), locale)
    recorded = Report(unit=name, week=week_of(week, locale), submitted_at=submitted_at, note=note)
    with writing(app.engine) as session:
        new = record_report(session, recorded, app.configuration.zone)
    typer.echo(say(locale, "reports.recorded" if new else "reports.known", unit=name, week=recorded.week))


@reports.callback()
def listed(
    context: typer.Context,
    week: Annotated[str | None, typer.Option("--week", metavar="W", help="哪一周（默认本周）· Default: this.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE.xlsx", help="汇成一张表 · All of them in one table.")
    ] = None,
    as_json: Json = False,
) -> None:
    """一周的周报告：已报、迟报、未报 · A week's reports: received, late, missing."""
    if context.invoked_subcommand:
        return
    from reminder.weekly import week_reports
    from reminder.words import say

    app = open_app(context)
    locale = app.configuration.locale
    found = week_reports(app, week)
    if export is not None:
        _compile(app, export, found)
        return
    if as_json:
        print_lines(one.as_json() for one in found)
        return
    zone = app.configuration.zone
    rows = (
        (
            one.unit,
            say(locale, f"reports.{one.state}"),
            f"{one.submitted_at.astimezone(zone):%Y-%m-%d %H:%M}" if one.submitted_at else "",
            f"{one.due_at:%Y-%m-%d %H:%M}" if one.due_at else "",
        )
        for one in found
    )
    print_table(found[0].week if found else "", say(locale, "reports.columns").split("|"), rows)


def _compile(app: App, file: Path, found: list[UnitWeek]) -> None:
    """One workbook with what every unit has reported."""
    from reminder.errors import UsageError
    from reminder.office.compile import compile_reports, notes_of
    from reminder.store.engine import reading
    from reminder.words import say

    locale = app.configuration.locale
    if file.exists():
        raise UsageError(say(locale, "measures.exists", file=file))
    with reading(app.engine) as session:
        notes = notes_of(session, found[0].week, locale) if found else {}
    compile_reports(file, found, notes, locale)
    typer.echo(say(locale, "reports.compiled", count=len(found), file=file))


@reports.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="单位、周、报送时间、备注 · xlsx or csv.")],
) -> None:
    """批量录入周报告 · Record many reports from a list."""
    from reminder.ledger.grid import read_grid
    from reminder.office.reports import import_reports, read_reports
    from reminder.store.engine import writing
    from reminder.words import say

    app = open_app(context)
    configuration = app.configuration
    names, locale = configuration.directory.unit_names(), configuration.locale
    rows = read_grid(file, locale)[0].rows
    read = read_reports(rows, names, configuration.zone, locale)
    with writing(app.engine) as session:
        new = import_reports(session, read, configuration.zone)
    typer.echo(say(locale, "reports.imported", count=len(read), new=new))
