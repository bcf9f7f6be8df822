"""`reminder letter …`: official letters, recorded when sent and when answered."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, open_app, parse_day, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.office.act import Office
    from reminder.store.tables import LetterRow

commands = typer.Typer(no_args_is_help=True, help="发函与复函 · Letters sent, and their replies.")
On = Annotated[
    date | None, typer.Option("--on", parser=parse_day, metavar="DATE", help="哪一天（默认今天）· Default: today.")
]
By = Annotated[str, typer.Option("--by", metavar="WHO", help="经办人 · Who.")]


@commands.command("sent")
def sent(
    context: typer.Context,
    to: Annotated[list[str], typer.Option("--to", metavar="BODY", help="收函单位，可写多个 · To whom; repeat it.")],
    about: Annotated[str, typer.Option("--about", metavar="TEXT", help="事由 · What it is about.")],
    on: On = None,
    reply_by: Annotated[
        date | None, typer.Option("--reply-by", parser=parse_day, metavar="DATE", help="函中写明的复函日 · If named.")
    ] = None,
    by: By = "",
) -> None:
    """登记发函，每个收函单位一件 · Record a letter, one for each addressee."""
    from reminder.office.letters import Sending, send
    from reminder.store.engine import writing

    app = open_app(context)
    office, names = _office(app), app.configuration.directory.unit_names()
    bodies = tuple(names.get(body.strip(), body.strip()) for body in to)
    sending = Sending(to=bodies, about=about, on=on or office.today, reply_by=reply_by, by=by)
    with writing(app.engine) as session:
        numbers = send(session, sending, office)
    for number, body in zip(numbers, dict.fromkeys(bodies), strict=True):
        typer.echo(say(office.locale, "owed.letter_sent", id=number, addressee=body))


@commands.command("replied")
def replied(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help="登记编号 · The letter's number.")],
    on: On = None,
    by: By = "",
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="复函要点 · What it says.")] = "",
) -> None:
    """登记复函，不再提醒 · Record the reply; that ends the reminders."""
    from reminder.office.letters import Reply
    from reminder.office.letters import replied as record
    from reminder.store.engine import writing

    app = open_app(context)
    office = _office(app)
    with writing(app.engine) as session:
        row = record(session, number, Reply(on=on or office.today, by=by, because=because), office)
        addressee = row.addressee
    typer.echo(say(office.locale, "owed.letter_replied", id=number, addressee=addressee, on=on or office.today))


@commands.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """列出函件和复函情况 · Every letter and its state."""
    from reminder.office.letters import listed
    from reminder.rules.kinds.awaiting_reply import AwaitingReplyRule
    from reminder.store.engine import reading

    app = open_app(context)
    configuration = app.configuration
    rule = next((rule for rule in configuration.rules if isinstance(rule, AwaitingReplyRule)), None)

    def due_on(letter: LetterRow) -> date | None:
        within = rule.within.after(letter.sent_on, configuration.practice.calendar) if rule else None
        return letter.reply_by or within

    with reading(app.engine) as session:
        found = listed(session, due_on, app.today())
    if as_json:
        print_lines(found)
        return
    shown = ("id", "addressee", "about", "sent_on", "due_on", "replied_on")
    rows = ([*(one[name] for name in shown), say(configuration.locale, f"owed.{one['state']}")] for one in found)
    print_table("", say(configuration.locale, "owed.letter_columns").split("|"), rows)


def _office(app: App) -> Office:
    from reminder.app import now
    from reminder.office.act import Office

    return Office(now=now(), zone=app.configuration.zone, locale=app.configuration.locale)
