"""`reminder export`: the ledger out, importable again with no difference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reminder.cli.common import open_app


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="写到哪里 · Where to.")],
    ledger: Annotated[str, typer.Option("--ledger", metavar="NAME", help="台账名称 · The ledger's name.")] = "",
) -> None:
    """导出台账 · The ledger out, importable again with no difference."""
    from reminder.app import now
    from reminder.errors import UsageError
    from reminder.ledger.export import export as write
    from reminder.store.engine import reading
    from reminder.words import say

    app = open_app(context)
    locale = app.configuration.locale
    if file.exists():
        raise UsageError(say(locale, "measures.exists", file=file))
    with reading(app.engine) as session:
        count = write(session, file, ledger=ledger, now=now())
    typer.echo(say(locale, "measures.exported", count=count, file=file))
