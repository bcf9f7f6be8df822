"""`reminder plan`: what would be sent, to whom, when and why. Sends and stores nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_json, print_lines, print_table

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.cli.difference import Difference
    from reminder.domain.reminder import Reminder
    from reminder.rules.rule import Span


def plan(
    context: typer.Context,
    first: Annotated[date, typer.Option("--from", parser=parse_day, metavar="DATE", help="第一天 · First day.")],
    last: Annotated[
        date | None,
        typer.Option("--to", parser=parse_day, metavar="DATE", help="最后一天 · Last day; default: the same."),
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option("--diff", metavar="DIR", help="换用另一套配置会有什么不同 · What another configuration changes."),
    ] = None,
    as_json: Json = False,
) -> None:
    """将发送什么、给谁、何时、为何 · What would be sent, to whom, when and why."""
    from reminder.errors import UsageError
    from reminder.facts import reminder_facts
    from reminder.rules.rule import Span
    from reminder.words import say

    last = last or first
    if last < first:
        raise UsageError(f"--to {last} 早于 --from {first} · --to lies before --from")
    app = open_app(context)
    locale = app.configuration.locale
    found = app.occasions(Span(first, last))
    planned = [reminder for reminder in found if reminder.firing.skipped is None]
    if other is not None:
        _tell_differences(app, _differences(app, other, planned, Span(first, last)), as_json=as_json)
        return
    if as_json:
        print_lines(reminder_facts(reminder, locale) for reminder in planned)
        return
    columns = say(locale, "plan.columns").split("|")
    rows = (_row(reminder, f"{reminder.firing.at:%Y-%m-%d %H:%M}", locale) for reminder in planned)
    print_table(say(locale, "plan.title", count=len(planned)), columns, rows)
    _tell_skipped([reminder for reminder in found if reminder.firing.skipped], locale)


def _tell_skipped(skipped: list[Reminder], locale: str) -> None:
    """What does not go although its day comes, counted by the reason: a silence, a week without a working day."""
    from collections import Counter

    from reminder.compose import sentence
    from reminder.words import say

    reasons = Counter(sentence(locale, one.firing.skipped) for one in skipped if one.firing.skipped)
    for why, count in reasons.items():
        typer.echo(say(locale, "plan.skipped", count=count, why=why))


def _row(reminder: Reminder, when: str, locale: str) -> tuple[str, ...]:
    from reminder.compose import sentence

    return (
        when,
        reminder.recipient,
        reminder.firing.rule,
        reminder.channel,
        "、".join(line.measure.key for line in reminder.firing.lines),
        sentence(locale, reminder.firing.reason),
    )


def _differences(app: App, other: Path, planned: list[Reminder], span: Span) -> list[Difference]:
    """What the configuration in `other` would plan differently for the ledger that this one has."""
    from dataclasses import replace

    from reminder.cli.difference import differences
    from reminder.config.load import load

    theirs = replace(app, configuration=load(other))
    return differences(planned, theirs.plan(span), {rule.name: rule.was for rule in theirs.configuration.rules})


def _tell_differences(app: App, found: list[Difference], *, as_json: bool) -> None:
    from reminder.facts import reminder_facts
    from reminder.words import say

    locale = app.configuration.locale
    if as_json:
        for one in found:
            facts = reminder_facts(one.shown, locale)
            was_at = one.before.firing.at.isoformat() if one.before else None
            print_json({"change": one.change, "was_at": was_at, **facts})
        return
    columns = [say(locale, "plan.change"), *say(locale, "plan.columns").split("|")]
    rows = []
    for one in found:
        when = f"{one.shown.firing.at:%Y-%m-%d %H:%M}"
        if one.change == "moved" and one.before:
            when = f"{one.before.firing.at:%Y-%m-%d %H:%M} → {when}"
        rows.append((say(locale, f"plan.{one.change}"), *_row(one.shown, when, locale)))
    counts = {change: sum(one.change == change for one in found) for change in ("added", "removed", "moved", "changed")}
    print_table(say(locale, "plan.differences", **counts), columns, rows)
