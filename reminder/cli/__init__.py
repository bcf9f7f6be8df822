"""The command line: one file per command. Imports nothing heavy until a command runs, so that --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reminder.cli.commands import Commands

app = typer.Typer(
    cls=Commands,
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
