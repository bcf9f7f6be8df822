"""`reminder outbox`: messages and their deliveries; try again, give up, let go what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.asked import headings, kind_word, message_ids, since
from reminder.cli.common import Json, open_app, print_json, print_lines, print_table, say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.store.delivery_log import Head
    from reminder.store.messages import Posted

_HASH_LENGTH = 64
_MOST_SHOWN = 100
commands = typer.Typer(help="消息与投递 · Messages and their deliveries.")
Ids = Annotated[list[str], typer.Argument(help="消息编号 · Message numbers: 12 or R-12.", metavar="ID…")]


@commands.callback(invoke_without_command=True)
def outbox(
    context: typer.Context,
    state: Annotated[str | None, typer.Option("--state", metavar="S", help="只看这一状态 · Only this state.")] = None,
    as_json: Json = False,
) -> None:
    """消息与投递 · Messages and their deliveries."""
    if context.invoked_subcommand:
        return
    from reminder.errors import UsageError
    from reminder.facts import message_facts
    from reminder.store.engine import reading
    from reminder.store.messages import STATES, posted

    app = open_app(context)
    locale = app.configuration.locale
    if state is not None and state not in STATES:
        raise UsageError(say(locale, "cli.outbox_unknown_state", state=state, states=", ".join(STATES)))
    with reading(app.engine) as session:
        found = posted(session, state)
    if as_json:
        print_lines(message_facts(one, app.configuration.zone) for one in found)
    elif found:
        columns = headings(locale, "id state recipient channel kinds measures next result")
        print_table("", columns, _rows(app, found[-_MOST_SHOWN:]))
        if len(found) > _MOST_SHOWN:
            typer.echo(say(locale, "cli.outbox_more", n=_MOST_SHOWN))
    else:
        typer.echo(say(locale, "cli.outbox_empty"))


@commands.command("retry")
def retry(context: typer.Context, ids: Ids) -> None:
    """重发 · Lets failed messages be tried again."""
    from reminder.app import now
    from reminder.store.engine import writing
    from reminder.store.messages import retry as try_again

    app = open_app(context)
    asked = _existing(app, ids)
    with writing(app.engine) as session:
        done = try_again(session, list(asked), now())
    _told(app, asked, done, "retried")


@commands.command("cancel")
def cancel(context: typer.Context, ids: Ids) -> None:
    """取消 · Ends messages that nobody can have received."""
    from reminder.app import now
    from reminder.store.engine import writing
    from reminder.store.messages import cancel as end

    app = open_app(context)
    asked = _existing(app, ids)
    with writing(app.engine) as session:
        done = end(session, list(asked), say(app.configuration.locale, "cli.outbox_by_hand"), now())
    _told(app, asked, done, "cancelled")


@commands.command("release")
def release(
    context: typer.Context,
    newer_than: Annotated[
        str | None,
        typer.Option("--newer-than", metavar="D", help="只放行此后的：3d、12h 或日期 · Only those made since then."),
    ] = None,
) -> None:
    """放行 · Lets held messages go."""
    from reminder.app import now
    from reminder.store.engine import writing
    from reminder.store.holding import release as let_go

    app = open_app(context)
    moment = now()
    after = since(app, newer_than, moment) if newer_than else None
    with writing(app.engine) as session:
        done = let_go(session, moment, after)
    typer.echo(say(app.configuration.locale, "cli.outbox_released", n=len(done)))


@commands.command("verify")
def verify(
    context: typer.Context,
    noted: Annotated[
        str | None,
        typer.Option("--head", metavar="N:HASH", help="周一来信中的链头 · A head noted down, as in Monday's message."),
    ] = None,
    as_json: Json = False,
) -> None:
    """核验发送记录是否被改动 · Whether anybody has changed the delivery log."""
    from reminder.store import delivery_log
    from reminder.store.engine import reading

    app = open_app(context)
    locale, known = app.configuration.locale, _head(app, noted) if noted else _kept(app)
    with reading(app.engine) as session:
        intact, broken = delivery_log.verify(session, known)
        head = delivery_log.head(session)
    if as_json:
        told = {"position": broken.position, "why": broken.why, "message_id": broken.message_id} if broken else None
        print_json({"intact": broken is None, "rows": intact, "head": str(head), "broken": told})
    elif broken:
        typer.echo(say(locale, "cli.log_broken", n=broken.position, why=say(locale, f"cli.log_{broken.why}")))
    else:
        typer.echo(say(locale, "cli.log_intact", n=intact, head=head))
    raise typer.Exit(1 if broken else 0)


def _kept(app: App) -> Head | None:
    """The head that the last cycle kept outside the database."""
    from reminder.store.marker import marker_of

    marker = marker_of(app.engine, app.configuration.folder)
    kept = marker.head() if marker else ""
    return _head(app, kept) if kept else None


def _head(app: App, noted: str) -> Head:
    from reminder.errors import UsageError
    from reminder.store.delivery_log import Head

    position, _, link = noted.partition(":")
    if not position.isdecimal() or len(link) != _HASH_LENGTH:
        raise UsageError(say(app.configuration.locale, "cli.log_bad_head", text=noted[:100]))
    return Head(int(position), link.lower())


def _existing(app: App, texts: list[str]) -> dict[int, Posted]:
    """The messages named; nothing is done where one of them does not exist."""
    from reminder.errors import UsageError
    from reminder.store.engine import reading
    from reminder.store.messages import posted

    locale = app.configuration.locale
    ids = message_ids(locale, texts)
    with reading(app.engine) as session:
        found = {one.id: one for one in posted(session, ids=ids)}
    missing = [str(key) for key in ids if key not in found]
    if missing:
        raise UsageError(say(locale, "cli.outbox_no_such_id", ids=say(locale, "cli.comma").join(missing)))
    return found


def _told(app: App, asked: dict[int, Posted], done: set[int], what: str) -> None:
    locale = app.configuration.locale
    typer.echo(say(locale, f"cli.outbox_{what}", n=len(done)))
    for key, one in asked.items():
        if key not in done:
            state = say(locale, f"cli.state_{one.state}")
            typer.echo(say(locale, f"cli.outbox_not_{what}", id=key, state=state), err=True)
    raise typer.Exit(0 if done >= set(asked) else 2 if not done else 1)


def _own(locale: str, one: Posted) -> str:
    """What a message of the office's own is called."""
    return say(locale, f"briefing.own_{one.own}") if one.own else ""


def _result(locale: str, one: Posted) -> str:
    """Why it waits or has ended, else what the peer said last."""
    from reminder.explain.sentences import answered, why_told

    if one.why or not one.attempts:
        return why_told(locale, one.why)
    return answered(one.attempts[-1].code, one.attempts[-1].text)


def _rows(app: App, found: list[Posted]) -> list[tuple[str, ...]]:
    locale, zone = app.configuration.locale, app.configuration.zone
    comma = say(locale, "cli.comma")
    return [
        (
            f"R-{one.id}",
            say(locale, f"cli.state_{one.state}"),
            one.recipient,
            one.channel,
            comma.join(kind_word(locale, kind) for kind in one.kinds) or _own(locale, one),
            comma.join(one.measures),
            f"{one.next_attempt_at.astimezone(zone):%Y-%m-%d %H:%M}" if one.next_attempt_at else "",
            _result(locale, one),
        )
        for one in found
    ]
