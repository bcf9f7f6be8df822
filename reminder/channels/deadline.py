"""An end to attempts that a dripping peer would draw out for ever: socket time-outs count each read anew."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from reminder.channels import lookup

MOST_SECONDS = 20  # that a channel's `timeout` may be: whoever hangs holds a worker so long, and a message
_LOOK_SECONDS = 0.1
_TRIES = 4  # addresses of one name; a hostile resolver may give hundreds, among which the time would be shared
Current = Callable[[], socket.socket | None]


class cut_after:  # used as `with cut_after(...)`; a generator's context costs ten times as much
    """Shuts the `current` socket down after `seconds`, so that the read or write under way ends with an error. The last
    `reserved` of them are only for what comes after `last`. What `goes_on` is watched from the block's end to that of
    another one."""

    def __init__(self, seconds: float, current: Current, reserved: float = 0.0) -> None:
        self.current, self.reserved, self.was_cut, self._goes_on = current, reserved, False, False
        self.ends_at = time.monotonic() + seconds - reserved

    def __enter__(self) -> cut_after:
        self._goes_on = False
        _watch.add(self)
        return self

    def left(self) -> float:
        """The seconds that are left, never quite none: to a socket 0 means something else."""
        return max(self.ends_at - time.monotonic(), 0.05)

    def last(self) -> None:
        """From here on what was reserved may be used too."""
        self.ends_at += self.reserved

    def goes_on(self) -> None:
        """The attempt does not end with this block, but with a further one of the same."""
        self._goes_on = True

    def check(self) -> None:
        """TimeoutError where the time is over, though nothing was cut yet: a process that was stopped wakes up with an
        answer in hand, and must not go on where it was."""
        if self.over():
            raise TimeoutError("the attempt's time is over")

    def over(self) -> bool:
        """Whether the time is over, cut already or not."""
        return self.was_cut or time.monotonic() >= self.ends_at

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self._goes_on:
            _watch.remove(self)

    def cut(self) -> None:
        """Shuts the socket down now."""
        self.was_cut = True
        sock = self.current()
        if sock is not None:
            with suppress(OSError):
                # The plain shutdown: SSLSocket's own would take its state away under the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def first_open(found: Sequence[Any], seconds: float, options: Iterable[Any] = ()) -> socket.socket:
    """A socket to the first of these addresses (as `socket.getaddrinfo` gives them) that answers. Each has its share of
    the time: behind an IPv6 address that swallows everything lies an IPv4 one that works. OSError of the last one;
    TimeoutError where the lookup has used up all the time."""
    if seconds <= 0:
        raise TimeoutError("the name was found too late to connect")
    ends_at, error, found = time.monotonic() + seconds, OSError("there is no address"), found[:_TRIES]
    for left, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max((ends_at - time.monotonic()) / left, 0.05))  # 0 would mean: do not wait
            for option in options:
                sock.setsockopt(*option)
            sock.connect(address)
            sock.settimeout(seconds)
            return sock
        except OSError as failed:
            sock.close()
            error = failed
    raise error


class _Watch:
    """One thread that looks at all attempts under way, as long as there are any; a timer each would cost more than
    a message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[cut_after] = set()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, attempt: cut_after) -> None:
        with self._lock:
            self._under_way.add(attempt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
        if not self._some.is_set():
            self._some.set()

    def remove(self, attempt: cut_after) -> None:
        with self._lock:
            self._under_way.discard(attempt)

    def under_way(self) -> list[cut_after]:
        with self._lock:
            return list(self._under_way)

    def _run(self) -> None:
        while True:
            self._some.wait()
            now = time.monotonic()
            for attempt in self.under_way():
                if attempt.ends_at <= now:
                    attempt.cut()
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                if not self._under_way:
                    self._some.clear()


def cut_all() -> None:
    """Ends every attempt under way in this process: it has to stop."""
    for attempt in _watch.under_way():
        attempt.cut()
    lookup.give_up()


def _renew() -> None:
    global _watch  # noqa: PLW0603  # a forked process has the object but not its thread
    _watch = _Watch()


_watch = _Watch()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
