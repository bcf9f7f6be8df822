"""`reminder token`: programs' keys to the API."""

from __future__ import annotations

from typing import Annotated

import typer

from reminder.cli.common import Json, open_app, print_json, print_lines, print_table, say
from reminder.cli.user import role_named

commands = typer.Typer(no_args_is_help=True, help="接口令牌 · Programs' keys to the API.")


@commands.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="给哪个程序用 · Which program it is for.")],
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="viewer 只读，officer 可登记 · What it may do.")
    ] = "viewer",
    as_json: Json = False,
) -> None:
    """发一个令牌，只显示这一次 · A new token, shown this once."""
    from reminder.app import now
    from reminder.gate import tokens
    from reminder.store.engine import writing

    app = open_app(context)
    locale, wanted = app.configuration.locale, role_named(role)
    with writing(app.engine) as session:
        token = tokens.add(session, name, wanted, now(), locale)
    if as_json:
        print_json({"name": name, "role": wanted.value, "token": token})
        return
    typer.echo(say(locale, "gate.token_added"), err=True)
    typer.echo(token)


@commands.command("list")
def listed(context: typer.Context, as_json: Json = False) -> None:
    """列出令牌 · All tokens, revoked ones too."""
    from reminder.gate import tokens
    from reminder.store.engine import reading

    app = open_app(context)
    locale, zone = app.configuration.locale, app.configuration.zone
    with reading(app.engine) as session:
        rows = tokens.everything(session)
    if as_json:
        told = ("id", "name", "role", "created_at", "revoked_at")
        print_lines({name: getattr(row, name) for name in told} for row in rows)
        return
    shown = (
        (
            row.id,
            row.name,
            say(locale, f"web.role_{row.role}"),
            f"{row.created_at.astimezone(zone):%Y-%m-%d %H:%M}",
            f"{row.revoked_at.astimezone(zone):%Y-%m-%d %H:%M}" if row.revoked_at else "",
        )
        for row in rows
    )
    print_table(say(locale, "gate.tokens"), say(locale, "gate.token_columns").split("|"), shown)


@commands.command("revoke")
def revoke(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="令牌编号 · The token's number.")],
) -> None:
    """停用一个令牌 · Ends a token for good."""
    from reminder.app import now
    from reminder.gate import tokens
    from reminder.store.engine import writing

    app = open_app(context)
    locale = app.configuration.locale
    with writing(app.engine) as session:
        name = tokens.revoke(session, number, now(), locale).name
    typer.echo(say(locale, "gate.token_revoked", number=number, name=name))
