"""`reminder silence …`: no reminders for a unit, a measure or a rule, until a day and for a reason."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.office.act import Office

commands = typer.Typer(no_args_is_help=True, help="静默：一段时间内不提醒 · Silences.")
By = Annotated[str, typer.Option("--by", metavar="WHO", help="经办人 · Who.")]


@commands.command("add")
def add(
    context: typer.Context,
    until: Annotated[
        date, typer.Option("--until", parser=parse_day, metavar="DATE", help="到哪天为止（含）· The last day.")
    ],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="理由 · Why.")],
    unit: Annotated[str | None, typer.Option("--unit", metavar="U", help="单位 · A unit.")] = None,
    measure: Annotated[str | None, typer.Option("--measure", metavar="CODE", help="措施 · A measure.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="R", help="规则 · A rule.")] = None,
    since: Annotated[
        date | None,
        typer.Option("--from", "--on", parser=parse_day, metavar="DATE", help="从哪天起（默认今天）· Default: today."),
    ] = None,
    by: By = "",
) -> None:
    """静默一个单位、一条措施或一条规则 · Silence a unit, a measure or a rule; given together, all must agree."""
    from reminder.cli.asked import measure_named, rule_named, unit_named
    from reminder.office import silences
    from reminder.store.engine import writing

    app = open_app(context)
    office = _office(app)
    order = silences.Order(
        unit=unit_named(app, unit) if unit else None,
        measure_id=measure_named(app, measure) if measure else None,
        rule=rule_named(app, rule).name if rule else None,
        since=since or _begins(app, until),
        until=until,
        because=because,
        by=by,
    )
    with writing(app.engine) as session:
        number = silences.add(session, order, office)
    typer.echo(say(office.locale, "silence.added", number=number, since=order.since, until=until))


@commands.command("end")
def end(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", help="静默编号 · Its number.")],
    on: Annotated[
        date | None,
        typer.Option("--on", parser=parse_day, metavar="DATE", help="从哪天起（默认今天）· Default: today."),
    ] = None,
) -> None:
    """提前结束，从当天起恢复提醒 · End it early: from that day on there are reminders again."""
    from reminder.office import silences
    from reminder.store.engine import writing

    app = open_app(context)
    office = _office(app)
    with writing(app.engine) as session:
        ended_on = silences.end(session, number, office, on).ended_on
    typer.echo(say(office.locale, "silence.ended", number=number, on=ended_on))


@commands.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """列出各项静默 · Every silence and whether it holds."""
    from reminder.office import silences
    from reminder.store.engine import reading

    app = open_app(context)
    locale = app.configuration.locale
    with reading(app.engine) as session:
        found = list(silences.listed(session, app.today()))
    if as_json:
        print_lines(found)
        return
    shown = ("number", "unit", "measure", "rule", "since", "until", "ended_on", "because", "by")
    rows = ([*(one[name] for name in shown), say(locale, f"silence.{one['state']}")] for one in found)
    print_table("", say(locale, "silence.columns").split("|"), rows)


def _begins(app: App, until: date) -> date:
    """Today; of a time that is over (for a replay) its beginning."""
    today = app.today()
    return today if until >= today else app.configuration.office.started_on or date.min


def _office(app: App) -> Office:
    from reminder.app import now
    from reminder.office.act import Office

    return Office(now=now(), zone=app.configuration.zone, locale=app.configuration.locale)
