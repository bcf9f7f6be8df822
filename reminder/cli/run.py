"""`reminder run`: the daemon, or with --once one whole cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.common import Json, folder, open_app, parse_instant, print_json

if TYPE_CHECKING:
    from reminder.app import App

_TOLERATED_SECONDS = 300


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="只跑一轮 · One whole cycle, then stop.")] = False,
    now: Annotated[
        str | None, typer.Option("--now", metavar="INSTANT", help="这一轮的时钟 · The only clock of that cycle.")
    ] = None,
    really_send: Annotated[
        bool, typer.Option("--really-send", help="时钟不是现在时也真的发送 · Send for real although the clock is not.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="记录细节，不含密码 · Logs every detail but the secrets.")
    ] = False,
    as_json: Json = False,
) -> None:
    """守护进程；--once 只跑一轮 · The daemon, or one cycle."""
    from reminder.cli.logs import log_to_stderr
    from reminder.errors import UsageError

    log_to_stderr(verbose=verbose)
    if once:
        _one_cycle(context, now, really_send=really_send, as_json=as_json)
        return
    if now:
        raise UsageError("--now 只用于一次运行，请与 --once 同用 · --now is the clock of one cycle: use it with --once")
    from reminder.daemon import Daemon
    from reminder.web.serving import serve

    Daemon(folder(context), serve).run()


def _one_cycle(context: typer.Context, now: str | None, *, really_send: bool, as_json: bool) -> None:
    from reminder import app as clock
    from reminder.cycle import run as run_cycle

    app = open_app(context)
    instant = parse_instant(now, app.configuration.zone) if now else None
    if instant and abs((instant - clock.now()).total_seconds()) > _TOLERATED_SECONDS:
        refuse_real_channels(app, really_send=really_send)
    counts = run_cycle(app.service(), (lambda: instant) if instant else clock.now)
    _told(counts.planned, dict(counts.messages), app.configuration.locale, as_json=as_json)
    raise typer.Exit(1 if counts.needs_a_person else 0)


def refuse_real_channels(app: App, *, really_send: bool) -> None:
    """Refuses simulated time where something would leave this machine. UsageError unless --really-send is given."""
    from reminder.errors import UsageError
    from reminder.words import say

    real = app.real_channels()
    if real and not really_send:
        locale = app.configuration.locale
        raise UsageError(say(locale, "plan.not_the_real_clock", channels=say(locale, "cli.comma").join(real)))


def _told(planned: int, messages: dict[str, int], locale: str, *, as_json: bool) -> None:
    from reminder.words import say

    if as_json:
        print_json({"planned": planned, "messages": messages})
        return
    states = "，".join(f"{say(locale, f'cli.state_{state}')} {n}" for state, n in sorted(messages.items())) or "-"
    typer.echo(say(locale, "plan.cycle", planned=planned, states=states))
