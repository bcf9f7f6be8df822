"""Signed addresses of calendar feeds: one for the office, one for each unit. Calendar programs cannot sign in."""

from __future__ import annotations

from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from sqlmodel import Session

from reminder.gate.key import same, seal
from reminder.store.gate_tables import RevokedRow

_SEAL = 24


def path(session: Session, key: str, owner: str) -> str:
    """The path of the feed of `owner`: a unit's name, or "office"."""
    name = urlsafe_b64encode(owner.encode()).decode().rstrip("=")
    return f"/calendar/{name}.{_seal(session, key, owner)}.ics"


def owner_of(session: Session, key: str, token: str) -> str | None:
    """Whose feed the address with `token` (its last part, without .ics) is; None where it is nobody's."""
    name, _, given = token.partition(".")
    try:
        owner = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    except ValueError:
        return None
    return owner if same(_seal(session, key, owner), given) else None


def renew(session: Session, owner: str, by: str, now: datetime) -> None:
    """Ends the feed's address; it has another one from now on."""
    row = session.get(RevokedRow, _subject(owner)) or RevokedRow(subject=_subject(owner), by=by, at=now)
    row.by, row.at = by, now
    session.add(row)


def _seal(session: Session, key: str, owner: str) -> str:
    renewed = session.get(RevokedRow, _subject(owner))
    since = renewed.at.isoformat() if renewed else ""
    return b32encode(seal(key, "feed", owner, since)).decode().lower()[:_SEAL]


def _subject(owner: str) -> str:
    return f"feed:{owner}"
