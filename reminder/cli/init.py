"""`reminder init`: a working configuration with its schemas, and an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reminder.cli.common import say


def init(
    target: Annotated[Path, typer.Argument(help="新文件夹 · The folder to make.", metavar="DIR")],
) -> None:
    """写一套可用的配置，并建数据库 · A working configuration and its database."""
    from reminder.app import open_app
    from reminder.config.example import write_example

    write_example(target)
    app = open_app(target, create=True)
    app.engine.dispose()
    locale = app.configuration.locale
    typer.echo(say(locale, "cli.init_done", folder=target))
    typer.echo(say(locale, "cli.init_next", folder=target).rstrip())
