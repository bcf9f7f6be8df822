"""Signing in and out while the database is busy: what has to be written is written as soon as it takes it, and counts
from now on. A daemon that plans a country's Monday on SQLite lets nobody else write for a while.

Kept in this process alone until it is written: whoever signed in meanwhile signs in once more after a crash.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from reminder.gate.accounts import Answer, Attempt, forget_failures, forgive, look_at, note_failure, vouched_for
from reminder.gate.key import digest
from reminder.gate.role import Person, Role
from reminder.gate.sessions import Opened, close_session, keep_session, new_session
from reminder.store.engine import reading, writing

log = logging.getLogger("reminder.web")
_PATIENCE = 1.0  # seconds for which an answer waits for the database
_AGAIN_SECONDS = 1.0
_MOST = 1_000  # changes that wait; nobody signs in beyond that


@dataclass(frozen=True, slots=True)
class _Change:
    """One thing to write: who was let in, who was refused, whose session ended."""

    opened: Opened | None = None
    attempt: Attempt | None = None
    closed: str = ""
    written: threading.Event = field(default_factory=threading.Event)

    def write(self, session: Session) -> None:
        if self.opened:
            keep_session(session, self.opened)
        if self.attempt:
            (forgive if self.opened else note_failure)(session, self.attempt)
        if self.closed:
            close_session(session, self.closed)


class Door:
    """`patience` is for how long an answer waits until what it says is written."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        self.patience = patience
        self._changes: list[_Change] = []
        self._own, self._one = threading.Lock(), threading.Lock()
        self._at_work = False

    def sign_in(self, engine: Engine, attempt: Attempt, password: str) -> tuple[Answer, str]:
        """Checks a password, one at a time, and counts what was refused. With what the cookie holds; "" where nobody
        is let in."""
        with self._one:
            if len(self._changes) >= _MOST:
                return Answer.LOCKED, ""
            with reading(engine) as session:
                answer, user = look_at(session, attempt, password, [*self._refused()])
            if answer is Answer.LOCKED:
                return answer, ""
            cookie, opened = new_session(user, attempt.at) if user else ("", None)
            change = self._note(engine, _Change(opened, attempt))
        change.written.wait(self.patience)
        return answer, cookie

    def sign_out(self, engine: Engine, cookie: str) -> None:
        """Ends a session."""
        self._note(engine, _Change(closed=cookie)).written.wait(self.patience)

    def person(self, session: Session, cookie: str, role: Role, now: datetime) -> Person | None:
        """Who has come in by a session that is not written yet, where the account has at least `role`."""
        known = digest(cookie)
        with self._own:
            found = [one.opened for one in self._changes if one.opened and one.opened.digest == known]
        return vouched_for(session, found[0].user, role) if found and found[0].expires_at > now else None

    def closed(self, cookie: str) -> bool:
        """Whether somebody has ended this session."""
        with self._own:
            return any(one.closed == cookie for one in self._changes)

    def _refused(self) -> Iterator[Attempt]:
        with self._own:
            yield from [one.attempt for one in self._changes if one.attempt and not one.opened]

    def _note(self, engine: Engine, change: _Change) -> _Change:
        with self._own:
            self._changes.append(change)
            if not self._at_work:
                self._at_work = True
                threading.Thread(target=self._work, args=(engine,), name="door", daemon=True).start()
        return change

    def _work(self, engine: Engine) -> None:
        while True:
            with self._own:
                some = list(self._changes)
                self._at_work = bool(some)
            if not some:
                return
            if not self._written(engine, some):
                time.sleep(_AGAIN_SECONDS)
                continue
            with self._own:
                del self._changes[: len(some)]
            for one in some:
                one.written.set()

    def _written(self, engine: Engine, some: list[_Change]) -> bool:
        """Whether the database has taken them; each is of its own, and an account may be gone by now."""
        try:
            with writing(engine) as session:
                latest = max((one.attempt.at for one in some if one.attempt), default=None)
                if latest:
                    forget_failures(session, latest)
                for one in some:
                    with suppress(IntegrityError), session.begin_nested():
                        one.write(session)
        except OperationalError as fault:
            log.warning("the database takes no sign-ins just now: %s", fault)
            return False
        except Exception:
            log.exception("what was signed in could not be written")
        return True
