"""A daemon's post among those of one database: whether it works or stands by, and what it tells the office."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from reminder.app import App
from reminder.store.daemons import Daemon, sign_off, sign_on
from reminder.store.engine import writing
from reminder.store.notices import STANDBY, Notice, note, over

_MOST_TOLD = 400  # characters of a list of faults that a letter shows
log = logging.getLogger("reminder.daemon")


class Post:
    """Signs the daemon on at each beat, and off at an orderly end."""

    def __init__(self, app: App, now: datetime) -> None:
        self._app = app
        self._me = Daemon(app.digest(), now)
        self._stands_by = False

    def accept(self, app: App, now: datetime) -> None:
        """A new configuration was taken. One that says the same as before was accepted before."""
        if app.digest() != self._me.configuration:
            self._me = replace(self._me, configuration=app.digest(), accepted_at=now)
        self._app = app

    def works(self, now: datetime) -> bool:
        """Whether this daemon works: none with another configuration was there before it."""
        with writing(self._app.engine) as session:
            ahead = sign_on(session, self._me, now)
            key = f"{STANDBY}:{self._me.host}:{self._me.pid}"
            if ahead:
                facts = {"host": self._me.host, "pid": str(self._me.pid)}
                note(session, Notice(key=key, code=STANDBY, facts=facts), now)
            elif self._stands_by:
                over(session, now, key=key)
            where = f"process {ahead.pid} on {ahead.host}" if ahead else ""
        if bool(ahead) != self._stands_by:
            log.warning("standing by: %s works with another configuration", where) if ahead else log.info("working")
        self._stands_by = bool(ahead)
        return not ahead

    def tell(self, code: str, faults: str, now: datetime) -> None:
        """Notes what the office has to know of a configuration that was refused, once for each distinct fault."""
        told = faults if len(faults) <= _MOST_TOLD else faults[:_MOST_TOLD] + "…"
        key = f"{code}:{sha256(faults.encode()).hexdigest()[:16]}"
        try:
            with writing(self._app.engine) as session:
                note(session, Notice(key=key, code=code, facts={"faults": told}), now)
        except SQLAlchemyError as error:
            log.warning("the office cannot be told now: %s", error)

    def over(self, codes: Iterable[str], now: datetime) -> None:
        """What was noted under these codes is over: the configuration is good again."""
        try:
            with writing(self._app.engine) as session:
                for code in codes:
                    over(session, now, code=code)
        except SQLAlchemyError as error:
            log.warning("what is over cannot be noted now: %s", error)

    def leave(self) -> None:
        """Signs off."""
        try:
            with writing(self._app.engine) as session:
                sign_off(session, self._me)
        except SQLAlchemyError as error:
            log.warning("cannot sign off: %s", error)
