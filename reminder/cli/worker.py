"""`reminder worker`: only delivers, on any machine, what a daemon elsewhere has planned."""

from __future__ import annotations

from typing import Annotated

import typer

from reminder.cli.common import folder


def worker(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="记录细节，不含密码 · Logs every detail but the secrets.")
    ] = False,
) -> None:
    """只管投递，可在任何一台机器上 · Only delivers, on any machine; for engine.kind = "procrastinate"."""
    from reminder.cli.logs import log_to_stderr
    from reminder.config.load import load
    from reminder.daemon import Daemon
    from reminder.errors import UsageError

    if load(folder(context)).engine.kind == "outbox":
        raise UsageError(
            'reminder.toml: engine.kind: 请写 "procrastinate"，或者运行 reminder run · '
            'a worker takes jobs: set [engine] kind = "procrastinate", or start `reminder run`'
        )
    log_to_stderr(verbose=verbose)
    Daemon(folder(context), lambda _current: lambda: None, plans=False).run()
