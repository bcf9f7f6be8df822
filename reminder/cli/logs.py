"""Logs to stderr, without the secrets: libraries log whole URLs, and tracebacks quote what they failed on."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

from reminder.channels.redact import hidden
from reminder.channels.secret import known_secrets

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
log = logging.getLogger("reminder")


class WithoutSecrets(logging.Formatter):
    """Takes every secret that this process has read so far out of a finished record, traceback and all."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as it is written."""
        return hidden(super().format(record), known_secrets())


def log_to_stderr(*, verbose: bool) -> None:
    """Logs from now on, in every detail where `verbose`; also the errors that nobody expects."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutSecrets(_FORMAT))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    logging.getLogger("procrastinate").setLevel(logging.INFO if verbose else logging.WARNING)  # several lines a job
    logging.getLogger("urllib3").setLevel(logging.INFO)  # in detail it tells each URL's path, which may be a key
    sys.excepthook = _unexpected
    threading.excepthook = lambda caught: _unexpected(caught.exc_type, caught.exc_value, caught.exc_traceback)


def _unexpected(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        log.critical("an error that nobody expected", exc_info=(kind, error, traceback))
