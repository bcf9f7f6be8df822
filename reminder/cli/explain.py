"""`reminder explain`: every rule's answer, its reason, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.asked import headings, measure_named, span_asked, unit_named, unknown
from reminder.cli.common import Json, open_app, parse_day, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.domain.measure import Measure
    from reminder.explain import Account


def explain(
    context: typer.Context,
    measure: Annotated[str | None, typer.Argument(help="措施编号 · A measure's code.", metavar="[MEASURE]")] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="U", help="单位 · A unit.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="R", help="规则 · A rule.")] = None,
    on: Annotated[
        date | None, typer.Option("--on", parser=parse_day, metavar="D", help="哪一天，默认今天 · Default: today.")
    ] = None,
    first: Annotated[
        date | None, typer.Option("--from", parser=parse_day, metavar="D", help="第一天 · First day.")
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=parse_day, metavar="D", help="最后一天 · Last day.")
    ] = None,
    as_json: Json = False,
) -> None:
    """为何发、为何不发 · Every rule's answer with its reason, and what became of it."""
    from reminder.explain import Question
    from reminder.explain import explain as answer
    from reminder.facts import account_facts
    from reminder.past import houses

    app = open_app(context)
    configuration = app.configuration
    span = span_asked(configuration.locale, on, first, last, app.today())
    units = frozenset({unit_named(app, unit)}) if unit else frozenset()
    asked = _rule(app, rule) if rule else None
    question = Question(
        span=span, measures=_measures(app, measure, units), units=units, rule=asked, of_measure=bool(measure)
    )
    accounts = [
        account
        for days, house in houses(app, span)
        for account in answer(app.engine, house, replace(question, span=days))
    ]
    if as_json:
        print_lines(account_facts(account, configuration.locale, configuration.zone) for account in accounts)
    elif accounts:
        rows = (_row(app, account) for account in accounts)
        print_table("", headings(configuration.locale, "day unit rule measures state reason result"), rows)
    else:
        typer.echo(say(configuration.locale, "cli.explain_no_answer"))


def _rule(app: App, name: str) -> str:
    """The rule called `name`, of today or of an earlier cycle."""
    from reminder.past import rule_names

    names = rule_names(app)
    if name not in names:
        raise unknown(app.configuration.locale, "rule", name, names)
    return name


def _measures(app: App, code: str | None, units: frozenset[str]) -> list[Measure]:
    """The measure asked about, or those of the units asked about, or all."""
    from reminder.store.engine import reading
    from reminder.store.measures import by_ids, load_measures

    wanted = measure_named(app, code) if code is not None else None
    with reading(app.engine) as session:
        found = load_measures(session) if wanted is None else list(by_ids(session, [wanted]).values())
    return [measure for measure in found if not units or units & set(measure.units)]


def _row(app: App, account: Account) -> tuple[str, ...]:
    from reminder.compose import sentence
    from reminder.explain.sentences import result, why

    locale = app.configuration.locale
    return (
        f"{account.at:%Y-%m-%d %H:%M}" if account.at else f"{account.day}",
        account.unit,
        account.rule,
        say(locale, "cli.comma").join(account.measures),
        say(locale, f"cli.state_{account.state}"),
        sentence(locale, why(account)),
        result(locale, app.configuration.zone, account),
    )
