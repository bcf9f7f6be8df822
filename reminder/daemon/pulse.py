"""A thread that looks whether the heart still beats: one that hangs or is dead ends the process, and its supervisor
starts it anew. Nothing is lost by that: what was under way is found again by its lease."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 5.0
_OVERSLEPT = 3  # times as long: the whole process was stopped, which is no sign of a heart that hangs
log = logging.getLogger("reminder.daemon")


def die() -> None:
    """Ends the process at once, and not well: threads that hang would keep an orderly end waiting."""
    logging.shutdown()
    os._exit(1)


class Pulse:
    """Calls `dead` where no beat was felt for `limit` seconds."""

    def __init__(self, limit: float, dead: Callable[[], None] = die, look: float = LOOK_SECONDS) -> None:
        self._limit, self._dead, self._look = limit, dead, look
        self._felt = time.monotonic()
        self._stopping = threading.Event()

    def felt(self) -> None:
        """A beat began or ended, well or not."""
        self._felt = time.monotonic()

    def start(self) -> None:
        """Begins to look, until `stop`."""
        self.felt()
        threading.Thread(target=self._watch, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """Looks no more: an orderly end has its own limit."""
        self._stopping.set()

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._stopping.wait(self._look):
            slept, looked = time.monotonic() - looked, time.monotonic()
            if slept > self._look * _OVERSLEPT:
                self.felt()
            if looked - self._felt > self._limit:
                log.critical("no heartbeat for %.0f s: the process ends, to be started anew", looked - self._felt)
                self._dead()
                return
