"""Which daemons run on this database, and who of them works: those with the configuration that was accepted first."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from reminder.store.service_tables import DaemonRow

_GONE_AFTER = timedelta(minutes=2)  # a daemon says every 30 s that it is there


@dataclass(frozen=True, slots=True)
class Daemon:
    """One running daemon. `accepted_at` is when it accepted its configuration, of which `configuration` is a digest."""

    configuration: str
    accepted_at: datetime
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)


def sign_on(session: Session, me: Daemon, now: datetime) -> DaemonRow | None:
    """Says that `me` is there. Returns whoever accepted another configuration before: then `me` stands by."""
    for row in _others(session, me):
        if now - row.seen_at > _GONE_AFTER or _dead(row):
            _forget(session, row.id)
    first = min(_others(session, me), key=lambda row: (row.accepted_at, row.id), default=None)
    before = first is not None and (first.accepted_at, first.id) < (me.accepted_at, me.id)
    ahead = first if before and first and first.configuration != me.configuration else None
    row = session.get(DaemonRow, me.id) or DaemonRow(
        id=me.id, host=me.host, pid=me.pid, configuration="", accepted_at=me.accepted_at, seen_at=now
    )
    row.configuration, row.accepted_at, row.seen_at = me.configuration, me.accepted_at, now
    row.standby = ahead is not None
    session.add(row)
    return ahead


def sign_off(session: Session, me: Daemon) -> None:
    """Says that `me` is no longer there."""
    _forget(session, me.id)


def _forget(session: Session, key: str) -> None:
    """Whoever else forgets it at the same moment is not in the way."""
    session.expire_all()
    session.connection().execute(delete(DaemonRow).where(col(DaemonRow.id) == key))


def standing_by(session: Session, now: datetime) -> Sequence[DaemonRow]:
    """The daemons that run but do nothing, because another's configuration came first."""
    rows = session.exec(select(DaemonRow).where(col(DaemonRow.standby).is_(True)).order_by(col(DaemonRow.accepted_at)))
    return [row for row in rows if now - row.seen_at <= _GONE_AFTER and not _dead(row)]


def running(session: Session, now: datetime) -> bool:
    """Whether any daemon runs on this database."""
    return any(now - row.seen_at <= _GONE_AFTER and not _dead(row) for row in session.exec(select(DaemonRow)))


def _others(session: Session, me: Daemon) -> Sequence[DaemonRow]:
    return session.exec(select(DaemonRow).where(col(DaemonRow.id) != me.id)).all()


def _dead(row: DaemonRow) -> bool:
    """Whether it ran on this machine and does so no more: killed, it could not sign off."""
    if row.host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's: it lives
    return False
