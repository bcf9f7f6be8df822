"""Leases that an error has left behind, as a database that goes away in the midst of a commit: given back as soon as
it answers again. Nobody else would touch their messages until the lease ends."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from reminder import outbox
from reminder.cycle.commits import Commits
from reminder.outbox import Claimed

log = logging.getLogger("reminder.cycle")


class Astray:
    """What is to be given back. Any thread may add; one fetches."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._leases: deque[tuple[str, int | None]] = deque()

    @contextmanager
    def unless_done(self, token: str) -> Iterator[None]:
        """An error within leaves behind whatever the lease of this name covers: whoever lost the answer to his commit
        cannot know what he has claimed."""
        try:
            yield
        except Exception:
            self._leases.append((token, None))
            raise

    @contextmanager
    def unless_tried(self, messages: Iterable[Claimed]) -> Iterator[None]:
        """The same for some messages of a lease, the others of which are under way."""
        try:
            yield
        except Exception:
            self._leases.extend((message.token, message.id) for message in messages)
            raise

    def fetch(self) -> None:
        """Gives everything back; what cannot be given back now still can later."""
        leases = list(self._leases)
        if not leases:
            return
        with self._commits.alone() as session:
            given = sum(outbox.give_back(session, token, only) for token, only in leases)
        for _ in leases:
            self._leases.popleft()
        log.info("%d messages given back that an error had left behind", given)
