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
_OUTDATED = 60.0  # seconds beyond its time: nobody has looked for a while, and this one deserves a newer answer


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """An answer and how many seconds ago it was found out."""

    answer: T
    age: float


@dataclass(slots=True)
class _Work:
    """What is found out in a thread of its own; `about` is what the answer is of, `found_at` by the steady clock.

    `changed`: somebody changed something since it was begun to be found out.
    """

    about: object = None
    answer: Any = None
    found_at: float | None = None
    took: float = 0.0
    until: float = 0.0
    changed: bool = False
    under_way: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def patience(self, usual: float, first: float) -> float:
        """For how many seconds somebody waits: for a newer answer than the one before only where that is not true any
        more and the newer one took less than `first` the last time."""
        if self.found_at is None:
            return first
        outdated = self.changed or time.monotonic() > self.until + _OUTDATED
        return first if outdated and self.took < first else usual


class Remembered:
    """Answers by name, found out in threads of their own: whoever looks in the meantime gets the one before.

    `patience` is for how many seconds somebody waits for a newer answer than one that is known, `first` for the first.
    """

    def __init__(self, patience: float = 0.03, first: float = 3.0) -> None:
        self._works: dict[str, _Work] = {}
        self._own = threading.Lock()
        self.patience, self.first = patience, first

    def kept(self, name: str, about: object, seconds: float, find: Callable[[], T | None]) -> Kept[T] | None:
        """What `find` answered about `about` at most `seconds` ago, or an older answer while a thread finds it out
        anew; None where the first answer takes longer than anybody should wait, or where `find` answers None."""
        with self._own:
            _keep_few(self._works)
            work = self._works.setdefault(name, _Work())
            if work.about != about:
                self._works[name] = work = _Work(about)
            patience = work.patience(self.patience, self.first)
            if not work.under_way and time.monotonic() >= work.until:
                work.under_way, work.changed = True, False
                work.done.clear()
                threading.Thread(target=_find, args=(work, seconds, find), name=f"remember {name}", daemon=True).start()
        if work.under_way:
            work.done.wait(patience)
        found_at = work.found_at
        return None if found_at is None else Kept(work.answer, time.monotonic() - found_at)

    def forget(self) -> None:
        """Somebody changed something: what is asked next is found out anew."""
        with self._own:
            for work in self._works.values():
                work.until, work.changed = 0.0, True


def _find(work: _Work, seconds: float, find: Callable[[], Any]) -> None:
    begun = time.monotonic()
    try:
        answer = find()
        if answer is not None:
            work.answer, work.found_at = answer, time.monotonic()
    except Exception:
        log.exception("what the desk remembers could not be found out")
        answer = None
    work.took = time.monotonic() - begun
    lasts = 0.0 if answer is None or work.changed else max(seconds, _RESTS * work.took)
    work.until = begun + work.took + lasts
    work.under_way = False
    work.done.set()


def _keep_few(known: dict[str, _Work]) -> None:
    """The oldest names go; who still works on one finishes for nobody."""
    while len(known) > _MOST:
        known.pop(next(iter(known)))
