"""Who is signed in: sessions kept in the database, so that signing out, a new password and a removal end them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from reminder.gate.key import digest
from reminder.gate.role import Person, Role
from reminder.store.gate_tables import SessionRow, UserRow

LASTS = timedelta(hours=10)  # one working day; looking at pages changes nothing, so nothing prolongs it


def open_session(session: Session, person: Person, now: datetime) -> str:
    """Signs `person` in; returns what the cookie holds. Sessions that have ended are taken away."""
    session.connection().execute(delete(SessionRow).where(col(SessionRow.expires_at) <= now))
    cookie = secrets.token_urlsafe(32)
    session.add(SessionRow(digest=digest(cookie), user=person.name, created_at=now, expires_at=now + LASTS))
    return cookie


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
