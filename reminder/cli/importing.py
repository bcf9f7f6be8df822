"""`reminder import`: the office's workbook into the store, with a report of every row that needs a person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_json, print_table

if TYPE_CHECKING:
    from reminder.ledger.registered import Registered


def import_ledger(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="台账文件 · xlsx, xls, ods or csv.", metavar="FILE")],
    sheet: Annotated[str | None, typer.Option("--sheet", metavar="S", help="工作表 · The sheet.")] = None,
    ledger: Annotated[str, typer.Option("--ledger", metavar="NAME", help="台账名称 · The ledger's name.")] = "",
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=parse_day, metavar="DATE", help="状态截至哪一天 · Statuses are true on this day."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看不存 · Report only, store nothing.")] = False,
    renumbered: Annotated[
        bool, typer.Option("--renumbered", help="序号已重排，按措施内容对应 · Codes were renumbered.")
    ] = False,
    as_json: Json = False,
) -> None:
    """导入台账 · The ledger in."""
    from reminder.importing import Order, import_into

    app = open_app(context, create=True)
    order = Order(as_of=as_of or app.today(), sheet=sheet, ledger=ledger, dry_run=dry_run, renumbered=renumbered)
    done = import_into(app, file, order)
    if as_json:
        print_json(done.as_json())
    else:
        _show(done, app.configuration.locale)
    raise typer.Exit(1 if done.needs_person else 0)


def _show(done: Registered, locale: str) -> None:
    from reminder.words import say

    for line in done.lines():
        typer.echo(line)
    told = [(row.row, row.code, problem) for row in done.rows for problem in row.problems]
    if told:
        columns = say(locale, "importing.columns").split("|")
        rows = ((n, code or "", problem.column, problem.text, problem.message) for n, code, problem in told)
        print_table(say(locale, "importing.title", sheet=done.sheet, count=len(told)), columns, rows)
    for gone in done.vanished:
        typer.echo(say(locale, "importing.vanished", code=gone.code or "", measure=gone.text))
