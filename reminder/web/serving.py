"""What a daemon serves: its pages, or only whether it is well, or nothing. Loads what it serves and no more."""

from __future__ import annotations

from collections.abc import Callable

from reminder.app import App

Stop = Callable[[], None]


def serve(current: Callable[[], App]) -> Stop:
    """Begins to serve what is configured now; returns how to stop. A changed address is taken at the next start."""
    configuration = current().configuration
    if configuration.web is not None:
        from reminder.web.server import Server  # noqa: PLC0415 - some 30 MB that a daemon without pages does without

        pages = Server(current, configuration.web.listen)
        pages.start()
        return pages.stop
    if configuration.watchdog.listen is not None:
        from reminder.web.healthz import Healthz  # noqa: PLC0415 - the same

        sign = Healthz(current, configuration.watchdog.listen)
        sign.start()
        return sign.stop
    return lambda: None
