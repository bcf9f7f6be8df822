"""`reminder import`: the office's workbook into the store, with a report of every row that needs a person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_json, print_table

if TYPE_CHECKING:
    from reminder.app import App
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
    app = open_app(context, create=True)
    done = import_into(
        app, file, sheet=sheet, ledger=ledger, as_of=as_of or app.today(), dry_run=dry_run, renumbered=renumbered
    )
    if as_json:
        print_json(done.as_json())
    else:
        _show(done, app.configuration.locale)
    raise typer.Exit(1 if done.needs_person else 0)


def import_into(
    app: App,
    file: Path,
    *,
    as_of: date,
    sheet: str | None = None,
    ledger: str = "",
    dry_run: bool = False,
    renumbered: bool = False,
) -> Registered:
    """One import, as one transaction. Raises UnreadableLedger or UsageError; then nothing was stored."""
    from hashlib import sha256

    from reminder.app import now
    from reminder.ledger.read import read_ledger
    from reminder.ledger.register import Import, known_wordings, register
    from reminder.store.engine import reading, writing

    with reading(app.engine) as session:
        wordings = known_wordings(session, ledger, renumbered=renumbered)
    read = read_ledger(file, app.read_settings(ledger, as_of), sheet, wordings)
    about = Import(
        ledger=ledger,
        as_of=as_of,
        dated=app.configuration.reading(ledger).dated,
        now=now(),
        file=file.name,
        sha256=sha256(file.read_bytes()).hexdigest(),
        renumbered=renumbered,
        dry_run=dry_run,
        locale=app.configuration.locale,
    )
    with writing(app.engine) as session:
        return register(session, read, about)


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
