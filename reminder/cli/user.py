"""`reminder user`: who may sign in to the office's pages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.gate.role import Role

commands = typer.Typer(no_args_is_help=True, help="网页用户 · Who may sign in to the office's pages.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="用户名 · The user's name.")]
Roles = Annotated[str, typer.Option("--role", metavar="ROLE", help="viewer 查看，officer 经办，administrator 管理员。")]


@commands.command("add")
def add(
    context: typer.Context,
    name: Name,
    role: Roles = "officer",
    proxy: Annotated[
        bool, typer.Option("--proxy", help="没有密码，只经反向代理登录 · No password: a reverse proxy vouches.")
    ] = False,
) -> None:
    """添加用户；密码从终端或标准输入读 · A new user; the password is read from the terminal or stdin."""
    from reminder.app import now
    from reminder.gate import accounts
    from reminder.gate.role import Person
    from reminder.store.engine import writing

    app = open_app(context)
    locale, wanted = app.configuration.locale, role_named(role)
    password = "" if proxy else _password(app)
    with writing(app.engine) as session:
        accounts.add(session, Person(name, wanted), password, now(), locale)
    typer.echo(say(locale, "gate.user_added", name=name, role=say(locale, f"web.role_{wanted}")))


@commands.command("passwd")
def passwd(context: typer.Context, name: Name) -> None:
    """重设密码 · A new password; ends the user's sessions."""
    from reminder.gate import accounts
    from reminder.store.engine import writing

    app = open_app(context)
    locale, password = app.configuration.locale, _password(app)
    with writing(app.engine) as session:
        accounts.change_password(session, name, password, locale)
    typer.echo(say(locale, "gate.user_changed", name=name))


@commands.command("list")
def listed(context: typer.Context, as_json: Json = False) -> None:
    """列出用户 · All users."""
    from reminder.gate import accounts
    from reminder.store.engine import reading

    app = open_app(context)
    locale, zone = app.configuration.locale, app.configuration.zone
    with reading(app.engine) as session:
        rows = accounts.everybody(session)
    if as_json:
        print_lines({"name": row.name, "role": row.role, "password": bool(row.password)} for row in rows)
        return
    shown = (
        (
            row.name,
            say(locale, f"web.role_{row.role}"),
            f"{row.created_at.astimezone(zone):%Y-%m-%d %H:%M}",
            say(locale, "gate.by_password" if row.password else "gate.by_proxy"),
        )
        for row in rows
    )
    print_table(say(locale, "gate.users"), say(locale, "gate.user_columns").split("|"), shown)


@commands.command("remove")
def remove(context: typer.Context, name: Name) -> None:
    """删除用户 · Takes a user away; ends the user's sessions."""
    from reminder.gate import accounts
    from reminder.store.engine import writing

    app = open_app(context)
    with writing(app.engine) as session:
        accounts.remove(session, name, app.configuration.locale)
    typer.echo(say(app.configuration.locale, "gate.user_removed", name=name))


def role_named(text: str) -> Role:
    """The role called `text`. BadParameter for any other word."""
    from reminder.gate.role import Role

    try:
        return Role(text)
    except ValueError as fault:
        raise typer.BadParameter(f"应为 · expected {', '.join(Role)}", param_hint="--role") from fault


def _password(app: App) -> str:
    """Asked for twice at a terminal; else the first line of stdin, so that a script can set one."""
    from reminder.errors import UsageError

    locale = app.configuration.locale
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n") or " "  # an empty line is no password, and too short
    first = typer.prompt(say(locale, "web.password"), hide_input=True)
    if typer.prompt(say(locale, "gate.password_again"), hide_input=True) != first:
        raise UsageError(say(locale, "gate.passwords_differ"))
    return str(first)
