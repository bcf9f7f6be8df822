"""`reminder channel test`: one sample of each kind through a channel. Needs no database; where there is one, a channel
that accepts them all is no longer left alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.asked import headings, kind_word, unknown
from reminder.cli.common import Json, folder, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.channels.base import Channel
    from reminder.config.configuration import Configuration
    from reminder.domain.reminder import Reminder

commands = typer.Typer(help="发送渠道 · Channels.", no_args_is_help=True)


@commands.callback()
def channel() -> None:
    """发送渠道 · Channels."""


@commands.command("test")
def try_out(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="channels.toml 里的渠道名 · A channel's name.", metavar="NAME")],
    to: Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help="收件地址 · Where to.")] = None,
    as_json: Json = False,
) -> None:
    """每类提醒发一封样信 · One sample of each kind."""
    from reminder.app import now
    from reminder.channels import open_channel
    from reminder.compose import samples
    from reminder.config.load import load

    configuration = load(folder(context))
    _refuse(configuration, name, to)
    moment = now()
    opened = open_channel(name, configuration.channels[name], configuration.folder)
    try:
        on = moment.astimezone(configuration.zone).date()
        results = [
            _tried(configuration, opened, reminder, to, moment)
            for reminder in samples(configuration.locale, on, configuration.zone)
        ]
    finally:
        opened.close()
    mended = all(good for _, good, _, _ in results)
    if mended:
        _open_again(configuration, opened)
    _told(configuration.locale, results, as_json=as_json)
    raise typer.Exit(0 if mended else 1)


def _open_again(configuration: Configuration, channel: Channel) -> None:
    """The daemon may have left this destination alone after faults, or for good after a 410: it is well again."""
    from reminder.app import now
    from reminder.errors import UsageError
    from reminder.store import destinations, notices
    from reminder.store.engine import open_engine, require_current, writing

    engine = open_engine(configuration.database_url)
    try:
        require_current(engine)
    except UsageError:  # no database yet, or an old one: nothing was sent from it
        return
    with writing(engine) as session:
        destinations.forget(session, [channel.destination])
        notices.over(session, now(), key=notices.broken(channel.destination))


def _refuse(configuration: Configuration, name: str, to: str | None) -> None:
    """Refuses a channel that does not exist and an address that it could not or may not write to."""
    from reminder.channels import CHANNELS
    from reminder.errors import UsageError
    from reminder.render.address import domain_refused

    locale, channels = configuration.locale, configuration.channels
    if name not in channels:
        raise unknown(locale, "channel", name, channels)
    kind = CHANNELS[channels[name].kind]
    if to is None:
        if kind.needs_address:
            raise UsageError(say(locale, "cli.channel_needs_address", channel=name))
        return
    if fault := kind.address_fault(to, locale):
        raise UsageError(fault)
    if domain := domain_refused(to, configuration.sending.allow_domains):
        raise UsageError(say(locale, "cli.channel_not_allowed", domain=domain))


def _tried(
    configuration: Configuration, channel: Channel, reminder: Reminder, to: str | None, moment: datetime
) -> tuple[str, bool, str, str]:
    """One sample sent: its kind, whether it was accepted, the peer's code and words."""
    import uuid

    from reminder.app import templates_folder
    from reminder.compose import Circumstances, compose, render_body
    from reminder.domain.message import Envelope
    from reminder.errors import DeliveryError

    office, templates = configuration.office, templates_folder(configuration)
    envelope = Envelope(
        message_id=f"r-{uuid.uuid4().hex[:20]}@{office.email[0].rpartition('@')[2]}",
        recipient=reminder.recipient,
        addresses=(to,) if to else (),
        reply_to=office.email,
        written_at=moment,
    )
    circumstances = Circumstances(
        locale=configuration.locale,
        office=office.name,
        on=moment.astimezone(configuration.zone).date(),
        zone=configuration.zone,
        contact=office.contact,
        replies=True,
        number="R-0",
        folder=templates,
    )
    letter = compose([reminder], circumstances)
    if channel.body_template:
        letter = letter.with_body(render_body(channel.body_template, letter, templates))
    kind = reminder.firing.kind.value
    try:
        receipt = channel.send(channel.render(letter, envelope), envelope, moment)
    except DeliveryError as error:
        return kind, False, error.code, error.text
    return kind, True, receipt.code, receipt.text


def _told(locale: str, results: list[tuple[str, bool, str, str]], *, as_json: bool) -> None:
    if as_json:
        print_lines({"kind": kind, "accepted": good, "code": code, "text": text} for kind, good, code, text in results)
        return
    rows = [
        (
            kind_word(locale, kind),
            say(locale, "cli.channel_sent" if good else "cli.channel_failed", code=code, text=text),
        )
        for kind, good, code, text in results
    ]
    print_table("", headings(locale, "kind result"), rows)
