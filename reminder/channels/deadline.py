"""An end to attempts that a dripping peer would draw out for ever: socket time-outs count each read anew."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_after(seconds: float, current: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shuts the `current` socket down after `seconds`, so that the read or write under way ends with an error.

    Resolving a name cannot be cut short; the system's resolver has its own limits.
    """

    def cut() -> None:
        sock = current()
        if sock is not None:
            with suppress(OSError):
                # The plain shutdown: SSLSocket's own would take its state away under the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
