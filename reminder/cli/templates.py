"""`reminder templates eject`: a built-in template as a file of the office's own."""

from __future__ import annotations

from typing import Annotated

import typer

from reminder.cli.asked import unknown
from reminder.cli.common import folder, say

commands = typer.Typer(help="信件模板 · Templates of letters.", no_args_is_help=True)


@commands.callback()
def templates() -> None:
    """信件模板 · Templates of letters."""


@commands.command("eject")
def eject(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="如 zh_CN/before.text.txt；不写则列出 · Without it: the list.", metavar="[NAME]"),
    ] = None,
) -> None:
    """取出内置模板来改 · Copies a built-in template into the configuration's templates folder."""
    from reminder.app import templates_folder
    from reminder.compose import eject as text_of
    from reminder.compose import templates_known
    from reminder.config.load import load
    from reminder.errors import UsageError

    configuration = load(folder(context))
    locale, known = configuration.locale, templates_known()
    if name is None:
        typer.echo("\n".join((say(locale, "cli.templates_list"), *known)))
        return
    if name not in known:
        raise unknown(locale, "template", name, known)
    path = templates_folder(configuration) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text_of(name))
    except FileExistsError as error:
        raise UsageError(say(locale, "cli.templates_exists", path=path)) from error
    typer.echo(say(locale, "cli.templates_written", path=path))
