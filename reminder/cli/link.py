"""`reminder link`: the links in messages, and the addresses of calendar feeds."""

from __future__ import annotations

from typing import Annotated

import typer

from reminder.cli.common import open_app, say

commands = typer.Typer(no_args_is_help=True, help="信中链接和日历地址 · Links in messages, addresses of calendars.")


@commands.command("revoke")
def revoke(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="R-12", help="信的提醒编号 · The number at the message's end.")],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="经手人 · Who decided it.")] = "",
) -> None:
    """停用一封信的链接 · Ends the link of a message."""
    from reminder.app import now
    from reminder.gate import links
    from reminder.store.engine import writing

    app = open_app(context)
    locale = app.configuration.locale
    with writing(app.engine) as session:
        links.revoke(session, number, by, now(), locale)
    typer.echo(say(locale, "gate.link_revoked", number=number))


@commands.command("feed")
def feed(
    context: typer.Context,
    owner: Annotated[str, typer.Argument(metavar="UNIT", help="单位，或 office · A unit, or office.")],
    renew: Annotated[bool, typer.Option("--renew", help="换一个地址，原地址停用 · Another address.")] = False,
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="经手人 · Who decided it.")] = "",
) -> None:
    """时限日历的订阅地址 · The address of a calendar of deadlines."""
    from reminder.app import now
    from reminder.cli.asked import unit_named
    from reminder.domain.people import OFFICE
    from reminder.errors import UsageError
    from reminder.gate import feeds
    from reminder.store.engine import reading, writing

    app = open_app(context)
    office, locale = app.configuration.office, app.configuration.locale
    name = OFFICE if owner == OFFICE else unit_named(app, owner)
    if renew:
        with writing(app.engine) as session:
            feeds.renew(session, name, by, now())
        typer.echo(say(locale, "gate.feed_renewed", owner=name), err=True)
    if office.public_url is None:
        raise UsageError(say(locale, "gate.no_public_url"))
    with reading(app.engine) as session:
        typer.echo(office.public_url.rstrip("/") + feeds.path(session, app.key, name))
