"""The page outside that raises the alarm when it is not called any more: after each complete good cycle."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import requests

from reminder.channels.redact import redact
from reminder.errors import UsageError

TIMEOUT_SECONDS = 10.0
log = logging.getLogger("reminder.daemon")


class Ping:
    """Calls the page whose URL `address` tells ("" where there is none); one call at a time, never waited for.

    The URL is a secret: whoever knows it can keep the alarm from being raised.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._calling = threading.Lock()
        self._failed = False

    def send(self) -> None:
        """Calls the page in a thread of its own; does nothing while the last call is still waited for."""
        if self._calling.acquire(blocking=False):
            threading.Thread(target=self._call, name="ping", daemon=True).start()

    def _call(self) -> None:
        url = ""
        try:
            url = self._address()
            if url:
                self._get(url)
            if self._failed:
                log.info("the page outside answers again")
            self._failed = False
        except (requests.RequestException, UsageError) as error:
            if not self._failed:  # once, not every 30 s
                log.warning("the page outside cannot be called: %s", redact(str(error), [url] if url else []))
            self._failed = True
        finally:
            self._calling.release()

    @staticmethod
    def _get(url: str) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no .netrc decide where the secret goes
            with session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
                answer.raise_for_status()
