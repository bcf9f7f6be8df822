"""What costs much to find out and may be some seconds old: found once, then remembered for everybody who asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Remembered:
    """Answers by name. While one request finds an answer out anew, the others get the one before."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._own = threading.Lock()

    def recall(self, name: str, seconds: float, find: Callable[[], T]) -> T:
        """What `find` answered at most `seconds` ago, or answers now."""
        with self._own:
            lock = self._locks.setdefault(name, threading.Lock())
        until, answer = self._answers.get(name, (0.0, None))
        if time.monotonic() < until:
            return answer  # type: ignore[no-any-return]  # stored by the same `find`
        if not lock.acquire(blocking=until == 0.0):
            return answer  # type: ignore[no-any-return]  # somebody is finding it out: this one is a little older
        try:
            until, answer = self._answers.get(name, (0.0, None))
            if time.monotonic() >= until:
                answer = find()
                self._answers[name] = (time.monotonic() + seconds, answer)
            return answer  # type: ignore[no-any-return]  # stored by the same `find`
        finally:
            lock.release()

    def forget(self) -> None:
        """Somebody changed something: what is asked next is found out anew."""
        with self._own:
            self._answers.clear()
