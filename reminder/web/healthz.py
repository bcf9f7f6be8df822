"""Where no pages are served: a few lines of the standard library that answer /healthz and nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reminder.app import App, now
from reminder.web.listening import parts
from reminder.web.wellness import Wellness, verdict

log = logging.getLogger("reminder.web")


class Healthz:
    """Answers until it is stopped."""

    def __init__(self, current: Callable[[], App], listen: str) -> None:
        self._wellness, self._listen = Wellness(current, now), listen
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Begins to answer; a busy address is reported and left."""
        try:
            self._server = ThreadingHTTPServer(parts(self._listen), _answering(self._wellness))
        except OSError as fault:
            log.error("/healthz does not answer at %s: %s", self._listen, fault)
            return
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="healthz", daemon=True).start()
        log.info("/healthz answers at http://%s", self._listen)

    def stop(self) -> None:
        """Takes no more questions; returns at once."""
        if self._server is not None:
            threading.Thread(target=self._server.shutdown, daemon=True).start()


def _answering(wellness: Wellness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0  # nobody may hold a thread by saying nothing
        server_version = "reminder"
        sys_version = ""

        def do_GET(self) -> None:
            status, body = verdict(wellness.now()) if self.path == "/healthz" else (404, b"")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Probes are no news."""

    return Handler
