"""What costs much to find out and may be some seconds old: found once, then remembered for everybody who asks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger("reminder.web")
_MOST = 40  # answers of a kind that are remembered, as of so many weeks
_RESTS = 20  # times as long as it took is what was found out kept, so that finding out is a twentieth of the work


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """An answer and how many seconds ago it was found out."""

    answer: T
    age: float


@dataclass(slots=True)
class _Work:
    """What is found out in a thread of its own; `about` is what the answer is of, `found_at` by the steady clock."""

    about: object = None
    answer: Any = None
    found_at: float | None = None
    until: float = 0.0
    under_way: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Remembered:
    """Answers by name. While one request finds an answer out anew, the others get the one before.

    `patience` is for how many seconds somebody waits for a newer answer than one that is known, `first` for the first.
    """

    def __init__(self, patience: float = 0.1, first: float = 3.0) -> None:
        self._answers: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._works: dict[str, _Work] = {}
        self._own = threading.Lock()
        self.patience, self.first = patience, first

    def recall(self, name: str, seconds: float, find: Callable[[], T]) -> T:
        """What `find` answered at most `seconds` ago, or answers now."""
        with self._own:
            _keep_few(self._answers)
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

    def kept(self, name: str, about: object, seconds: float, find: Callable[[], T]) -> Kept[T] | None:
        """What `find` answered about `about` at most `seconds` ago, or an older answer while a thread finds it out
        anew; None where the first answer takes longer than anybody should wait."""
        with self._own:
            _keep_few(self._works)
            work = self._works.setdefault(name, _Work())
            if work.about != about:
                self._works[name] = work = _Work(about)
            if not work.under_way and time.monotonic() >= work.until:
                work.under_way = True
                work.done.clear()
                threading.Thread(target=_find, args=(work, seconds, find), name=f"remember {name}", daemon=True).start()
        if work.under_way:
            work.done.wait(self.first if work.found_at is None else self.patience)
        found_at = work.found_at
        return None if found_at is None else Kept(work.answer, time.monotonic() - found_at)

    def forget(self) -> None:
        """Somebody changed something: what is asked next is found out anew."""
        with self._own:
            self._answers.clear()
            for work in self._works.values():
                work.until = 0.0


def _find(work: _Work, seconds: float, find: Callable[[], Any]) -> None:
    begun = time.monotonic()
    try:
        work.answer, work.found_at = find(), time.monotonic()
    except Exception:
        log.exception("what the desk remembers could not be found out")
    took = time.monotonic() - begun
    work.until = begun + took + max(seconds, _RESTS * took)
    work.under_way = False
    work.done.set()


def _keep_few(known: dict[str, Any]) -> None:
    """The oldest names go; who still works on one finishes for nobody."""
    while len(known) > _MOST:
        known.pop(next(iter(known)))
