"""Who is signed in: sessions kept in the database, so that signing out, a new password and a removal end them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from reminder.gate.key import digest
from reminder.gate.role import Person, Role
from reminder.store.gate_tables import SessionRow, UserRow

LASTS = timedelta(hours=10)  # one working day; looking at pages changes nothing, so nothing prolongs it


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as it was opened: for whom, by which password's hash, and what the database knows of its cookie."""

    digest: str
    user: str
    password: str
    at: datetime

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return self.at + LASTS


def new_session(user: UserRow, now: datetime) -> tuple[str, Opened]:
    """What the cookie holds, and what is to be kept of it."""
    cookie = secrets.token_urlsafe(32)
    return cookie, Opened(digest(cookie), user.name, user.password, now)


def keep_session(session: Session, opened: Opened) -> None:
    """Signs in, unless the account is gone or has another password by now. Sessions that have ended are taken away."""
    session.connection().execute(delete(SessionRow).where(col(SessionRow.expires_at) <= opened.at))
    user = session.get(UserRow, opened.user)
    if user is not None and user.password == opened.password:
        kept = SessionRow(digest=opened.digest, user=opened.user, created_at=opened.at, expires_at=opened.expires_at)
        session.add(kept)
        session.flush()


def signed_in(session: Session, cookie: str, role: Role, now: datetime) -> Person | None:
    """Whose session this is, where the account has at least `role` now; None where it is nobody's."""
    wanted = (
        select(UserRow)
        .join(SessionRow, col(SessionRow.user) == col(UserRow.name))
        .where(
            col(SessionRow.digest) == digest(cookie),
            col(SessionRow.expires_at) > now,
            col(UserRow.role).in_(role.and_above()),
        )
    )
    row = session.exec(wanted).first()
    return Person(row.name, Role(row.role)) if row else None


def close_session(session: Session, cookie: str) -> None:
    """Signs out."""
    session.connection().execute(delete(SessionRow).where(col(SessionRow.digest) == digest(cookie)))
