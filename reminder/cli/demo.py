"""`reminder demo`: the whole job on the real ledger of 2021, in a scratch folder; nothing leaves this machine."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import print_table
from reminder.cli.replay import simulate_shown

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.store.sent import Sent

FIRST, LAST = date(2021, 4, 8), date(2021, 10, 28)
_BUSIEST = 8


def demo(
    serve: Annotated[
        bool | None,
        typer.Option("--serve/--no-serve", help="结束时打开网页（默认：在终端里才开）· Ends with the pages open."),
    ] = None,
) -> None:
    """演示：2021 年真实台账，从导入到发出的提醒 · The whole job on the 2021 ledger; no configuration needed."""
    from tempfile import mkdtemp

    from reminder.app import open_app
    from reminder.config.example import write_example
    from reminder.importing import Order, import_into
    from reminder.resources import data_dir
    from reminder.rules.rule import Span
    from reminder.words import say

    folder = Path(mkdtemp(prefix="reminder-demo-")) / "config"
    write_example(folder)
    page = _place() if _wanted(serve) else None
    _date_the_example(folder / "reminder.toml", page)
    app = open_app(folder, create=True)
    locale = app.configuration.locale
    ledger = data_dir("config") / "demo" / "ledger_2021.xlsx"
    done = import_into(app, ledger, Order(as_of=FIRST))
    typer.echo(say(locale, "demo.imported", file=ledger.name, first=FIRST))
    for line in done.lines():
        typer.echo(line)
    typer.echo(say(locale, "demo.replaying", first=FIRST, last=LAST))
    simulate_shown(app.service(), Span(FIRST, LAST))
    _show(app, folder)
    if page is not None:
        _serve(app, page)


def _wanted(serve: bool | None) -> bool:
    """Pages keep the program until somebody ends it: only where somebody watches, unless it was said."""
    return sys.stdout.isatty() and not os.environ.get("CI") if serve is None else serve


def _place() -> socket.socket:
    from reminder.web.shown import place

    return place()


def _serve(app: App, page: socket.socket) -> None:
    from reminder.store.engine import reading
    from reminder.store.memory import recall
    from reminder.store.sent import sent_reminders
    from reminder.web.shown import address, show
    from reminder.words import say

    with reading(app.engine) as session:
        sent = sent_reminders(session, app.configuration.zone)
        last = recall(session).last_at or sent[-1].sent_at
    locale, own = app.configuration.locale, [one for one in sent if one.recipient == one.unit]
    typer.echo(say(locale, "demo.served", address=address(page), day=f"{LAST}"))
    if link := re.search(r"http://\S+/r/\S+", _text_of(own[-1].payload)):
        typer.echo(say(locale, "demo.link", unit=own[-1].unit, link=link[0]))
    show(app, page, last)


def _date_the_example(settings: Path, page: socket.socket | None) -> None:
    """The shipped example is for today's ledgers; this one's plan was adopted on its first day."""
    public = f'\npublic_url = "http://127.0.0.1:{page.getsockname()[1]}"' if page else ""
    text = settings.read_text(encoding="utf-8")
    for section, keys in (
        ("office", f"started_on = {FIRST}{public}"),
        ("ledger", f"dated = {FIRST}\ndefault_year = {FIRST.year}"),
    ):
        text = re.sub(rf"^(\[{section}\].*)$", rf"\1\n{keys}", text, count=1, flags=re.MULTILINE)
    settings.write_text(text, encoding="utf-8")


def _show(app: App, folder: Path) -> None:
    from reminder.store.engine import reading
    from reminder.store.sent import sent_reminders
    from reminder.words import say

    locale = app.configuration.locale
    with reading(app.engine) as session:
        sent = sent_reminders(session, app.configuration.zone)
    letters = list({one.message_id: one for one in sent}.values())
    _by_month(sent, letters, locale)
    _busiest(letters, locale)
    kinds_of = {one.message_id: {other.kind for other in sent if other.message_id == one.message_id} for one in letters}
    fullest = max(letters, key=lambda one: (len(kinds_of[one.message_id]), one.sent_at))
    typer.echo(say(locale, "demo.one_letter"))
    typer.echo(_text_of(fullest.payload))
    typer.echo(say(locale, "demo.where", mailbox=folder / "mailbox", database=app.engine.url.database, config=folder))


def _by_month(sent: list[Sent], letters: list[Sent], locale: str) -> None:
    from reminder.words import say

    kinds = sorted({one.kind for one in sent})
    reminders = Counter((f"{one.sent_at:%Y-%m}", one.kind) for one in sent)
    counted = Counter(f"{one.sent_at:%Y-%m}" for one in letters)
    print_table(
        say(locale, "demo.by_month"),
        (say(locale, "demo.month"), *(say(locale, f"demo.kind_{kind}") for kind in kinds), say(locale, "demo.letters")),
        ((month, *(reminders[month, kind] or "" for kind in kinds), counted[month]) for month in sorted(counted)),
    )


def _busiest(letters: list[Sent], locale: str) -> None:
    from reminder.words import say

    days = Counter(recipient for recipient, _ in {(one.recipient, one.sent_at.date()) for one in letters})
    counted = Counter(one.recipient for one in letters)
    print_table(
        say(locale, "demo.busiest"),
        tuple(say(locale, f"demo.{column}") for column in ("unit", "letters", "days")),
        ((name, count, days[name]) for name, count in counted.most_common(_BUSIEST)),
    )


def _text_of(payload: bytes) -> str:
    import email
    import email.policy

    letter = email.message_from_bytes(payload, policy=email.policy.default)
    body = letter.get_body(("plain",))
    head = "\n".join(f"{name}: {letter[name]}" for name in ("From", "To", "Date", "Subject"))
    return f"{head}\n\n{body.get_content() if body else ''}"
