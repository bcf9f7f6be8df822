"""`reminder replay`: the real cycle, day by day in simulated time, on a copy of the store."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_json
from reminder.cli.run import refuse_real_channels

if TYPE_CHECKING:
    from reminder.cycle import Counts, Service
    from reminder.rules.rule import Span


def replay(
    context: typer.Context,
    first: Annotated[date, typer.Option("--from", parser=parse_day, metavar="DATE", help="第一天 · First day.")],
    last: Annotated[date, typer.Option("--to", parser=parse_day, metavar="DATE", help="最后一天 · Last day.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="全部写入这个邮箱文件夹 · Everything into this maildir."),
    ] = None,
    really_send: Annotated[
        bool, typer.Option("--really-send", help="真的通过各渠道发送 · Send through the real channels.")
    ] = False,
    as_json: Json = False,
) -> None:
    """按模拟时间逐日重演 · The cycle day by day in simulated time, on a copy of the store."""
    from reminder.errors import UsageError
    from reminder.rules.rule import Span
    from reminder.words import say

    if last < first:
        raise UsageError(f"--to {last} 早于 --from {first} · --to lies before --from")
    app = open_app(context)
    if into is None:
        refuse_real_channels(app, really_send=really_send)
    with app.scratch_copy() as copy:
        service = copy.service() if into is None else copy.service_into(into)
        counts = simulate_shown(service, Span(first, last))
    if as_json:
        print_json({"planned": counts.planned, "messages": dict(counts.messages)})
    else:
        sent = counts.messages["sent"]
        typer.echo(say(app.configuration.locale, "replay.done", planned=counts.planned, sent=sent, where=into or "-"))


def simulate_shown(service: Service, span: Span) -> Counts:
    """The simulation with a progress bar, where a person watches."""
    from rich.progress import Progress, TimeElapsedColumn

    from reminder.cli.common import console
    from reminder.cycle.simulate import instants, simulate

    steps = sum(1 for _ in instants(service, span))
    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    with Progress(*columns, console=console(), disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task(str(span.first), total=steps)
        return simulate(service, span, lambda at: progress.update(task, advance=1, description=f"{at:%Y-%m-%d}"))
