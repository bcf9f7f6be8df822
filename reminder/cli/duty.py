"""`reminder duty …`: what recurs, recorded when it is done."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.rules.kinds.duty import DutyRule

commands = typer.Typer(no_args_is_help=True, help="定期事项 · Duties that recur.")


@commands.command("done")
def done(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="规则名 · The duty's rule.")],
    by: Annotated[str, typer.Option("--by", metavar="UNIT", help="单位，或 office · The unit, or office.")],
    period: Annotated[
        str,
        typer.Option("--period", metavar="P", help="2021-W17、2021-04、2021-Q2、2021，或其中任一天 · or a day in it"),
    ],
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="次数 · How often.")] = 1,
    on: Annotated[
        date | None, typer.Option("--on", parser=parse_day, metavar="DATE", help="哪一天（默认今天）· Default: today.")
    ] = None,
) -> None:
    """登记已完成 · Record that it is done."""
    from reminder.app import now
    from reminder.office.act import Office
    from reminder.office.duties import Done, debtor, period_of, record_done
    from reminder.store.engine import writing

    app = open_app(context)
    configuration = app.configuration
    rule = _duty_named(app, name)
    office = Office(now=now(), zone=configuration.zone, locale=configuration.locale)
    unit = debtor(rule, by, configuration.directory.unit_names(), office)
    told = period_of(rule, period, configuration.practice, office)
    with writing(app.engine) as session:
        record_done(session, rule, Done(unit=unit, period=told, count=count, on=on or office.today), office)
    typer.echo(say(office.locale, "owed.duty_done", unit=_called(app, unit), duty=rule.name, period=told, count=count))


@commands.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """各单位本期和上期完成情况 · Who has done what, of the last period and the coming one."""
    from reminder.office.duties import listed
    from reminder.rules.rule import Span

    app = open_app(context)
    configuration, today = app.configuration, app.today()
    rules = _duties(app)
    facts = app.facts(Span(today, today), rules)
    found = [one for rule in rules for one in listed(rule, facts, configuration.practice, today)]
    if as_json:
        print_lines(found)
        return
    rows = (
        (
            one["duty"],
            _called(app, one["unit"]),
            one["period"],
            one["due_at"][:16].replace("T", " "),
            f"{one['done']}/{one['min']}",
            say(configuration.locale, f"owed.{one['state']}"),
        )
        for one in found
    )
    print_table("", say(configuration.locale, "owed.duty_columns").split("|"), rows)


def _duties(app: App) -> list[DutyRule]:
    from reminder.rules.kinds.duty import DutyRule

    return [rule for rule in app.configuration.rules if isinstance(rule, DutyRule)]


def _duty_named(app: App, name: str) -> DutyRule:
    from reminder.cli.asked import unknown

    duties = {rule.name: rule for rule in _duties(app)}
    if name not in duties:
        raise unknown(app.configuration.locale, "rule", name, duties)
    return duties[name]


def _called(app: App, unit: str) -> str:
    from reminder.domain.people import OFFICE

    return app.configuration.office.name if unit == OFFICE else unit
