"""Programs' keys to the API: shown once when they are made, kept as a digest, revocable."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlmodel import Session, col, select

from reminder.errors import UsageError
from reminder.gate.key import digest
from reminder.gate.role import Person, Role
from reminder.store.gate_tables import TokenRow
from reminder.words import say

PREFIX = "rmd_"  # lets a scanner for leaked secrets recognise one


def add(session: Session, name: str, role: Role, now: datetime, locale: str) -> str:
    """A new token for the program `name`; this is the only time it can be read. UsageError for an empty name."""
    if not name.strip():
        raise UsageError(say(locale, "gate.name_needed"))
    token = PREFIX + secrets.token_urlsafe(32)
    session.add(TokenRow(name=name.strip()[:60], role=role.value, digest=digest(token), created_at=now))
    session.flush()
    return token


def bearer(session: Session, token: str, role: Role) -> Person | None:
    """Whose token this is, where it has at least `role` and was not revoked."""
    wanted = select(TokenRow).where(
        col(TokenRow.digest) == digest(token),
        col(TokenRow.revoked_at).is_(None),
        col(TokenRow.role).in_(role.and_above()),
    )
    row = session.exec(wanted).first()
    return Person(row.name, Role(row.role)) if row else None


def revoke(session: Session, number: int, now: datetime, locale: str) -> TokenRow:
    """Ends a token for good. UsageError where there is none with this number, or it was revoked already."""
    row = session.get(TokenRow, number)
    if row is None or row.revoked_at is not None:
        raise UsageError(say(locale, "gate.token_unknown", number=number))
    row.revoked_at = now
    session.add(row)
    return row


def everything(session: Session) -> list[TokenRow]:
    """All tokens, in the order in which they were made, revoked ones too."""
    return list(session.exec(select(TokenRow).order_by(col(TokenRow.id))))
