"""The connections to one destination. A worker has one for as long as it tries, then the next one has it: where there
are more workers than connections, messages begin and are settled while others are on their way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from reminder.cycle.lanes import Lane
from reminder.cycle.opener import Opener, Ways
from reminder.cycle.service import Service


class Pool:
    """As many as the lane may have open. The one used last is taken first, so that others fall idle and can be hung up;
    with `pairs` a worker may borrow a second one from the lane."""

    def __init__(self, service: Service, lane: Lane, *, pairs: bool) -> None:
        self._service, self._lane, self._pairs = service, lane, pairs
        self._idle: list[tuple[float, Ways]] = []  # since when, the one used last behind the others

    @contextmanager
    def taken(self) -> Iterator[Ways | None]:
        """One to try messages by, waited for where others have them all; None where none comes before the lane is
        closed. One that an error left in the midst of something is hung up."""
        ways = self._take()
        try:
            yield ways
        except BaseException:
            if ways:
                self._lane.leaves()
                self._hang_up([ways])
            raise
        if ways:
            with self._lane.freed:
                self._idle.append((time.monotonic(), ways))
                self._lane.freed.notify()

    def _take(self) -> Ways | None:
        with self._lane.freed:
            while not (self._idle or self._lane.admits()):
                if self._lane.closed:
                    return None
                self._lane.freed.wait()
            if self._idle:
                return self._idle.pop()[1]
        return Ways(Opener(self._service), Opener(self._service) if self._pairs else None)

    def shrink(self) -> None:
        """Hangs up those for which no worker is left."""
        with self._lane.freed:
            ended = self._let_go(self._lane.open - self._lane.workers)
        self._hang_up(ended)

    def hang_up(self, unused: float = 0.0) -> None:
        """Hangs up those that nobody has used for so many seconds."""
        latest = time.monotonic() - unused
        with self._lane.freed:
            ended = self._let_go(sum(since <= latest for since, _ in self._idle))
        self._hang_up(ended)

    def _let_go(self, most: int) -> list[Ways]:
        ended = [ways for _, ways in self._idle[: max(0, most)]]
        del self._idle[: len(ended)]
        for _ in ended:
            self._lane.leaves()
        return ended

    def _hang_up(self, ended: list[Ways]) -> None:
        with ExitStack() as closing:  # whatever the one's goodbye runs into, the others are closed
            for ways in ended:
                closing.callback(self._lane.hung_up)
                closing.callback(ways.close)
