"""`reminder units`: the units' directory from a workbook, or drafted from the ledger, into units.toml."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import folder, open_app, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reminder.config.units_file import Entry
    from reminder.ledger.units import UnitRow

commands = typer.Typer(help="单位名录 · The units' directory.", no_args_is_help=True)
Write = Annotated[bool, typer.Option("--write", help="写入 units.toml；不写则打印 · Write; else print.")]


@commands.command("import")
def import_units(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="单位名录 · The directory's workbook.", metavar="FILE")],
    sheet: Annotated[str | None, typer.Option("--sheet", metavar="S", help="工作表 · The sheet.")] = None,
    write: Write = False,
) -> None:
    """由表格写 units.toml · The directory in a workbook, merged into units.toml by name."""
    from reminder.config.load import load
    from reminder.ledger.units import read_units

    configuration = load(folder(context))
    locale = configuration.locale
    rows = read_units(file, sheet, locale)
    entries = [*_leaders(rows), *(_unit(row) for row in rows if row.name)]
    _merge(configuration.folder, locale, entries, write=write)
    for row in rows:
        for problem in row.problems:
            typer.echo(say(locale, "cli.units_row", row=row.row, message=problem.message), err=True)
    robots = list(_robots(rows))
    if robots:
        typer.echo(say(locale, "cli.units_robots"), err=True)
    for unit, kind, variable in robots:
        typer.echo(say(locale, "cli.units_robot", unit=unit, kind=kind, env=variable), err=True)
    raise typer.Exit(1 if robots or any(row.problems for row in rows) else 0)


@commands.command("draft")
def draft(context: typer.Context, write: Write = False) -> None:
    """由台账起草 units.toml 里还缺的 · The units and posts of the ledger that units.toml does not know."""
    from reminder.store.engine import reading
    from reminder.store.names import leaders_named, units_named

    app = open_app(context)
    configuration = app.configuration
    directory, locale = configuration.directory, configuration.locale
    asked = {entry for rule in configuration.rules for entry in rule.entries()}
    with reading(app.engine) as session:
        units, leaders = units_named(session, "responsible"), leaders_named(session)
        if "supporting" in asked:  # nobody else writes to them
            units += units_named(session, "supporting")
    titles = {alias: post.name for post in directory.leaders.values() for alias in (post.name, *post.aliases)}
    entries = [
        *_drafted("unit", units, directory.unit_names(), locale),
        *_drafted("leader", leaders, titles, locale),
    ]
    if not entries:
        typer.echo(say(locale, "cli.units_nothing"), err=True)
    if entries or not write:
        _merge(configuration.folder, locale, entries, write=write)


def _drafted(kind: str, names: Iterable[str], known: Mapping[str, str], locale: str) -> list[Entry]:
    """New tables without addresses; a comment names what each may be another spelling of."""
    from reminder.config.units_file import Entry
    from reminder.ledger.units import draft_units

    comma, fill_in = say(locale, "cli.comma"), say(locale, "cli.units_fill_in")
    return [
        Entry(
            kind=kind,
            name=one.name,
            values={"email": ()},
            comment=say(locale, "cli.units_alike", names=comma.join(one.alike)) if one.alike else fill_in,
        )
        for one in draft_units(names, known)
    ]


def _unit(row: UnitRow) -> Entry:
    from reminder.config.units_file import Entry

    return Entry(
        kind="unit",
        name=row.name,
        values={"aliases": row.aliases, "email": row.email, "leader": row.leader or "", "outside": row.outside},
    )


def _leaders(rows: Sequence[UnitRow]) -> list[Entry]:
    """The posts that the units name, each once with all addresses given for it."""
    from reminder.config.units_file import Entry

    emails: dict[str, list[str]] = {}
    for row in rows:
        if row.leader:
            emails.setdefault(row.leader, []).extend(row.leader_email)
    return [
        Entry(kind="leader", name=title, values={"email": tuple(dict.fromkeys(found))})
        for title, found in emails.items()
    ]


def _robots(rows: Sequence[UnitRow]) -> Iterator[tuple[str, str, str]]:
    """(unit, kind of robot, name of an environment variable for its address)."""
    for row in rows:
        local = row.email[0].partition("@")[0] if row.email else ""
        stem = re.sub(r"[^A-Za-z0-9]+", "_", local).strip("_").upper() or f"UNIT_{row.row}"
        for kind in row.robots:
            yield row.name, kind, f"{stem}_{kind.upper()}_URL"


def _merge(where: Path, locale: str, entries: Sequence[Entry], *, write: bool) -> None:
    """The merged units.toml to stdout, or in place of the old one after it has passed every check."""
    from reminder.config import units_file
    from reminder.errors import UsageError

    merged = units_file.merge(units_file.read_text(where), entries)
    faults = units_file.check(where, merged.text)
    if faults:
        raise UsageError("\n".join((say(locale, "cli.units_refused"), *map(str, faults))))
    if not write:
        sys.stdout.write(merged.text)
        return
    path = units_file.write(where, merged.text)
    told = say(locale, "cli.units_written", path=path, added=len(merged.added), changed=len(merged.changed))
    typer.echo(told, err=True)
