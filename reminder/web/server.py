"""Serving in a thread of the daemon's process. Whatever happens here, reminders go on."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn

from reminder.app import App
from reminder.web.application import application
from reminder.web.headers import Guarded
from reminder.web.listening import listener

log = logging.getLogger("reminder.web")
_AGAIN_SECONDS = 15.0  # how long a busy port is left alone before it is tried once more
_LAST_ANSWERS_SECONDS = 2  # what is being answered when the daemon stops
_SWITCH_SECONDS = 0.0005  # a page asks for the interpreter again after each row it reads: not 5 ms every time


class Server:
    """Serves until it is stopped."""

    def __init__(self, current: Callable[[], App], listen: str) -> None:
        self._current, self._listen = current, listen
        self._stopping = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begins to serve; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Takes no more requests; returns at once. The thread does not keep the process."""
        self._stopping.set()
        if self._server is not None:
            self._server.should_exit = True

    def _run(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        while not self._stopping.is_set():
            try:
                with listener(self._listen) as bound:
                    self._serve(bound)
            except Exception as fault:  # a busy port, a key that cannot be read: mended by a person, perhaps soon
                log.error("nothing is served at %s, tried again in %d s: %s", self._listen, _AGAIN_SECONDS, fault)
            self._stopping.wait(_AGAIN_SECONDS)

    def _serve(self, bound: socket.socket) -> None:
        config = uvicorn.Config(
            Guarded(application(self._current)),
            log_config=None,
            access_log=False,  # the address of a unit's page is its key
            proxy_headers=False,
            server_header=False,
            lifespan="on",
            ws="none",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
        self._server = uvicorn.Server(config)
        if self._stopping.is_set():
            return
        log.info("serving at http://%s", self._listen)
        self._server.run(sockets=[bound])
