"""The command line: one file per command. Imports nothing heavy until a command runs, so that --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reminder.cli import (
    channel,
    check,
    db,
    demo,
    explain,
    export,
    importing,
    init,
    measure,
    measures,
    outbox,
    plan,
    preview,
    replay,
    reports,
    run,
    status,
    templates,
    units,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="整改时限提醒服务 · Deadline reminders for an inspection office's ledger.",
)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option(envvar="REMINDER_CONFIG", help="配置文件夹 · The folder with the TOML files.")
    ] = Path("config"),
) -> None:
    """整改时限提醒服务 · Deadline reminders for an inspection office's ledger."""
    context.obj = config


app.command("import")(importing.import_ledger)
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("replay")(replay.replay)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("explain")(explain.explain)
app.command("preview")(preview.preview)
app.add_typer(outbox.commands, name="outbox")
app.command("status")(status.status)
app.add_typer(channel.commands, name="channel")
app.add_typer(db.commands, name="db")
app.add_typer(templates.commands, name="templates")
app.add_typer(units.commands, name="units")
app.command("measures")(measures.measures)
app.add_typer(measure.measure, name="measure")
app.command("report")(reports.report)
app.add_typer(reports.reports, name="reports")
app.command("export")(export.export)
