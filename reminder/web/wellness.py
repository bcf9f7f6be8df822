"""Whether the service is well, for probes that ask every few seconds: looked at once, then remembered for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from reminder.app import App
from reminder.health import Health, health

_REMEMBERED_SECONDS = 5.0
_NO_ILLNESS = {"calendar"}


class Wellness:
    """The latest health, no older than some seconds; None where the database cannot even be asked."""

    def __init__(self, current: Callable[[], App], clock: Callable[[], datetime]) -> None:
        self._current, self._clock = current, clock
        self._lock = threading.Lock()
        self._until, self._latest = 0.0, None  # type: float, Health | None

    def now(self) -> Health | None:
        """How the service is."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._latest = self._look()
                self._until = time.monotonic() + _REMEMBERED_SECONDS
            return self._latest

    def _look(self) -> Health | None:
        app = self._current()
        try:
            return health(app.engine, app.configuration.practice, app.plan, self._clock())
        except SQLAlchemyError:
            return None  # that is what a probe asks after: an answer, not a failure of its own


def verdict(found: Health | None) -> tuple[int, bytes]:
    """Status and body of /healthz: no data, only whether the service does its work.

    That next year's holidays are not published yet is told to the office and by /metrics; a probe that wakes people
    at night must not be red for weeks because of it.
    """
    well = found is not None and all(one.code in _NO_ILLNESS for one in found.problems)
    return (200, b'{"healthy": true}\n') if well else (503, b'{"healthy": false}\n')
