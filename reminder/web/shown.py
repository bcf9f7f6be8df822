"""The pages of the demonstration: on this machine only, signed in already, on the clock of its last day."""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from reminder.app import App
from reminder.gate import accounts
from reminder.gate.role import Person, Role
from reminder.gate.sessions import keep_session, new_session
from reminder.store.engine import writing
from reminder.store.gate_tables import UserRow
from reminder.web.application import application
from reminder.web.headers import Guarded
from reminder.web.listening import listener, parts

USUAL = "127.0.0.1:8080"


def place(usual: str = USUAL) -> socket.socket:
    """A bound socket at the usual address, or at any free port where that is taken."""
    try:
        bound = listener(usual)
    except OSError:
        bound = listener(f"{parts(usual)[0]}:0")
    bound.listen()  # whoever opens the address as soon as it is told waits a moment and is not refused
    return bound


def address(bound: socket.socket) -> str:
    """The address of a page."""
    host, port = bound.getsockname()[:2]
    return f"http://{host}:{port}"


def show(app: App, bound: socket.socket, since: datetime) -> None:
    """Serves until Ctrl-C; the clock goes on from `since`, so that links of those days still work."""
    began = monotonic()

    def clock() -> datetime:
        return since + timedelta(seconds=monotonic() - began)

    served = Guarded(_SignedIn(application(lambda: app, clock), _cookie(app, since)))
    config = uvicorn.Config(served, log_config=None, access_log=False, server_header=False, ws="none")
    if _has_windows():
        webbrowser.open(address(bound))
    with suppress(KeyboardInterrupt):  # that is how somebody ends it
        uvicorn.Server(config).run(sockets=[bound])


def _cookie(app: App, now: datetime) -> str:
    person = Person(app.configuration.office.name, Role.ADMINISTRATOR)
    with writing(app.engine) as session:
        accounts.add(session, person, "", now, app.configuration.locale)
        cookie, opened = new_session(session.get_one(UserRow, person.name), now)
        keep_session(session, opened)
        return cookie


class _SignedIn:
    """`inner`, where whoever comes without a session has the office's. Only for a scratch folder on this machine."""

    def __init__(self, inner: ASGIApp, cookie: str) -> None:
        self._inner, self._cookie = inner, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not any(b"session=" in value for _, value in _cookies(scope)):
            kept = [value for _, value in _cookies(scope)]
            whole = b"; ".join([*kept, f"session={self._cookie}".encode()])
            others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
            scope = {**scope, "headers": [*others, (b"cookie", whole)]}
        await self._inner(scope, receive, send)


def _cookies(scope: Scope) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in scope["headers"] if name == b"cookie"]


def _has_windows() -> bool:
    """Whether a browser would be a window of its own and not take this terminal over."""
    known = sys.platform in ("win32", "darwin")
    return known or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
