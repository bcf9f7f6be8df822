"""`reminder db`: migrations, safe copies, putting a copy back, and moving to another database."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import console, folder, open_app, print_table, say

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from reminder.app import App
    from reminder.config.configuration import Configuration
    from reminder.store.contents import Content

_RUNNING = timedelta(minutes=2)  # the daemon's heart beats every 30 s
_ENV = "env:"
commands = typer.Typer(help="数据库 · The database.", no_args_is_help=True)


@commands.command("upgrade")
def upgrade(context: typer.Context) -> None:
    """升级到最新 · Brings the schema up to date, making the database where there is none."""
    app = open_app(context, create=True)
    typer.echo(say(app.configuration.locale, "cli.db_upgraded"))


@commands.command("backup")
def backup(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="备份文件 · The copy.", metavar="FILE")]
) -> None:
    """备份，不必停机 · A safe copy, while the service runs."""
    from reminder.store import files

    app = open_app(context)
    found = files.backup(app.engine, file)
    typer.echo(say(app.configuration.locale, "cli.db_backed_up", file=file, **_sums(found)))


@commands.command("restore")
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="备份文件 · The copy.", metavar="FILE")],
    force: Annotated[
        bool, typer.Option("--force", help="即使现有的较新或在用 · Even if the present one is newer or in use.")
    ] = False,
) -> None:
    """由备份恢复，先留存现有的 · Puts a copy back; the present database is kept beside it."""
    from reminder.app import now
    from reminder.config.load import load
    from reminder.store import files
    from reminder.store.engine import open_engine
    from reminder.store.engine import upgrade as bring_up_to_date

    configuration = load(folder(context))
    engine = open_engine(configuration.database_url)
    target = files.database_file(engine)
    files.check(file)
    kept = target.with_name(f"{target.name}.{now():%Y%m%dT%H%M%SZ}")
    present = target.is_file()
    if present:
        if not force:
            _refuse(configuration, target, file)
        files.keep(engine, kept)
    found = files.restore(engine, file)
    bring_up_to_date(engine)
    engine.dispose()
    key = "cli.db_restored" if present else "cli.db_restored_new"
    typer.echo(say(configuration.locale, key, file=file, kept=kept, **_sums(found)))


@commands.command("copy")
def copy(
    context: typer.Context,
    url: Annotated[
        str,
        typer.Argument(help="sqlite:///文件、postgresql://…，有密码时 env:变量名 · env:NAME for one with a password."),
    ],
) -> None:
    """迁移到另一个空数据库，逐表核对 · Moves everything to another, empty database, and compares both."""
    from reminder.app import now
    from reminder.errors import UsageError
    from reminder.store.daemons import running
    from reminder.store.engine import open_engine, reading, shown
    from reminder.store.marker import marker_of

    app = open_app(context)
    locale = app.configuration.locale
    target = open_engine(_revealed(url, app.configuration))
    context.call_on_close(target.dispose)
    if not url.startswith(_ENV) and (target.url.password or any("password" in key for key in target.url.query)):
        raise UsageError(say(locale, "cli.db_password"))
    found = _moved(app, target)
    if marker := marker_of(target, folder(context)):
        marker.forget()  # of another database that was there
    columns = [say(locale, f"cli.db_{name}") for name in ("table", "rows", "hash")]
    print_table("", columns, [(name, one.rows, one.digest[:16]) for name, one in found.items()])
    typer.echo(say(locale, "cli.db_copied", where=shown(target), **_sums(found)))
    with reading(app.engine) as session:
        if running(session, now()):
            typer.echo(say(locale, "cli.db_copied_running"), err=True)


def _moved(app: App, target: Engine) -> dict[str, Content]:
    """Copies with a progress bar, where a person watches."""
    from rich.progress import Progress, TimeElapsedColumn

    from reminder.store.copying import move

    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    with Progress(*columns, console=console(), disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task("")
        return move(app.engine, target, lambda total, rows: progress.update(task, total=total, advance=rows))


def _revealed(url: str, configuration: Configuration) -> str:
    """The URL itself, or the one that env:NAME names; a relative file starts where that of [store] does."""
    from reminder.config.configuration import resolved
    from reminder.errors import UsageError

    if url.startswith(_ENV):
        name = url.removeprefix(_ENV)
        url = os.environ.get(name, "")
        if not url:
            raise UsageError(say(configuration.locale, "cli.db_not_set", name=name))
    return resolved(url, configuration.folder)


def _sums(found: Mapping[str, Content]) -> dict[str, int]:
    return {"tables": len(found), "rows": sum(one.rows for one in found.values())}


def _refuse(configuration: Configuration, target: Path, file: Path) -> None:
    """Refuses to overwrite a database that is in use, or that knows more than the copy."""
    from reminder.app import now
    from reminder.errors import UsageError
    from reminder.store.files import last_cycle

    locale, zone = configuration.locale, configuration.zone
    present, then = last_cycle(target), last_cycle(file)
    if present is None:
        return
    at = f"{present.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if now() - present < _RUNNING:
        raise UsageError(say(locale, "cli.db_in_use", at=at))
    if then is None or then < present:
        copied = f"{then.astimezone(zone):%Y-%m-%d %H:%M:%S}" if then else say(locale, "cli.status_never")
        raise UsageError(say(locale, "cli.db_newer", now=at, then=copied))
