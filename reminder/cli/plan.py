"""`reminder plan`: what would be sent, to whom, when and why. Sends and stores nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reminder.cli.common import Json, open_app, parse_day, print_lines, print_table

if TYPE_CHECKING:
    from reminder.domain.reminder import Reminder


def plan(
    context: typer.Context,
    first: Annotated[date, typer.Option("--from", parser=parse_day, metavar="DATE", help="第一天 · First day.")],
    last: Annotated[
        date | None,
        typer.Option("--to", parser=parse_day, metavar="DATE", help="最后一天 · Last day; default: the same."),
    ] = None,
    as_json: Json = False,
) -> None:
    """将发送什么、给谁、何时、为何 · What would be sent, to whom, when and why."""
    from reminder.compose import sentence
    from reminder.errors import UsageError
    from reminder.rules.rule import Span
    from reminder.words import say

    last = last or first
    if last < first:
        raise UsageError(f"--to {last} 早于 --from {first} · --to lies before --from")
    app = open_app(context)
    locale = app.configuration.locale
    planned = app.plan(Span(first, last))
    if as_json:
        print_lines(as_facts(reminder, sentence(locale, reminder.firing.reason)) for reminder in planned)
        return
    rows = (
        (
            f"{reminder.firing.at:%Y-%m-%d %H:%M}",
            reminder.recipient,
            reminder.firing.rule,
            reminder.channel,
            "、".join(line.measure.key for line in reminder.firing.lines),
            sentence(locale, reminder.firing.reason),
        )
        for reminder in planned
    )
    print_table(say(locale, "plan.title", count=len(planned)), say(locale, "plan.columns").split("|"), rows)


def as_facts(reminder: Reminder, reason: str) -> dict[str, Any]:
    """A reminder in the contract's JSON."""
    firing = reminder.firing
    return {
        "at": firing.at.isoformat(),
        "occasion": firing.occasion.isoformat(),
        "rule": firing.rule,
        "kind": firing.kind.value,
        "unit": firing.unit,
        "recipient": reminder.recipient,
        "channel": reminder.channel,
        "message": reminder.message,
        "measures": [{"code": line.measure.code, "days": list(line.days)} for line in firing.lines],
        "late": reminder.late,
        "provisional": firing.provisional,
        "reason": reason,
    }
