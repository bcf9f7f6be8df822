"""Looking a name up within a deadline: the system's resolver cannot be cut short, and takes half a minute where its
servers are silent.

A thread waits for it. Whoever asks for the same name meanwhile waits for the same answer, so that no resolver, however
it hangs, is given more than one thread for each name.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

_Key = tuple[str, int]


class _Asked:
    """A question under way, and its answer."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: list[Any] = []
        self.error: Exception | None = None


def addresses(host: str, port: int, seconds: float) -> list[Any]:
    """What `socket.getaddrinfo` finds for a TCP connection to `host`, and its errors (socket.gaierror, UnicodeError).

    Raises:
        TimeoutError: there is no answer after `seconds`, or `give_up` was called.
    """
    key = (host, port)
    with _lock:
        asked = _under_way.get(key)
        if asked is None:
            asked = _under_way[key] = _Asked()
            threading.Thread(target=_ask, args=(key, asked), name="lookup", daemon=True).start()
    if not asked.done.wait(seconds):
        raise TimeoutError(f"no answer of the resolver within {seconds:.0f} s")
    if asked.error is not None:
        raise asked.error
    return asked.found


def give_up() -> None:
    """Nobody waits any longer: the process has to stop."""
    with _lock:
        for asked in _under_way.values():
            asked.error = TimeoutError("given up")
            asked.done.set()


def _ask(key: _Key, asked: _Asked) -> None:
    try:
        asked.found = socket.getaddrinfo(*key, type=socket.SOCK_STREAM)
    except Exception as error:  # whoever asked is told
        asked.error = error
    with _lock:
        if _under_way.get(key) is asked:
            del _under_way[key]
    asked.done.set()


def _renew() -> None:
    global _lock, _under_way  # a forked process has the questions but not their threads
    _lock, _under_way = threading.Lock(), {}


_lock = threading.Lock()
_under_way: dict[_Key, _Asked] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
