"""`reminder db`: migrations, safe copies, and putting a copy back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import folder, open_app, say

if TYPE_CHECKING:
    from reminder.config.configuration import Configuration

_RUNNING = timedelta(minutes=2)  # the daemon's heart beats every 30 s
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
    files.backup(app.engine, file)
    typer.echo(say(app.configuration.locale, "cli.db_backed_up", file=file))


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
    files.restore(engine, file)
    bring_up_to_date(engine)
    engine.dispose()
    typer.echo(say(configuration.locale, "cli.db_restored" if present else "cli.db_restored_new", file=file, kept=kept))


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
