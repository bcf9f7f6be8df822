"""How often a link was opened within the last minute. A page that reloads itself, or a scanner gone wild, is sent away
for the rest of it; what a unit sends is never counted, so that nobody's report is lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

MOST = 30  # openings of one link
WITHIN = 60.0  # seconds
_REMEMBERED = 5_000  # links; of more, those that were quiet for a minute are forgotten


class Visits:
    """Counted in this process alone: several daemons allow a link as many times more. `clock` is a steady one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._seen: dict[str, deque[float]] = {}
        self._own = threading.Lock()

    def wait(self, link: str) -> int:
        """For how many seconds the link `link` (R-12) is not opened any more; 0 where it is, and that was counted."""
        now = self.clock()
        with self._own:
            if len(self._seen) >= _REMEMBERED and link not in self._seen:
                self._seen = {known: seen for known, seen in self._seen.items() if now - seen[-1] < WITHIN}
            seen = self._seen.setdefault(link, deque(maxlen=MOST))
            if len(seen) == MOST and now - seen[0] < WITHIN:
                return int(WITHIN - (now - seen[0])) + 1
            seen.append(now)
            return 0
