"""The service's own secret, and what is derived from it: every scope has a key of its own."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from reminder.store.gate_tables import KeyRow

_NAME = "web"


def kept_key(session: Session) -> str:
    """The secret that the service made for itself; "" where it has made none yet."""
    row = session.get(KeyRow, _NAME)
    return row.value if row else ""


def stored_key(session: Session) -> str:
    """The same; it is made now where there is none yet."""
    if known := kept_key(session):
        return known
    try:
        with session.begin_nested():
            session.add(KeyRow(name=_NAME, value=secrets.token_urlsafe(32)))
    except IntegrityError:
        session.expire_all()  # another process made one at this very moment
    made = session.get_one(KeyRow, _NAME)
    return made.value


def seal(key: str, scope: str, *parts: str) -> bytes:
    """HMAC-SHA256 over `parts`, with the key of `scope` alone: a seal of one scope says nothing in another."""
    own = hmac.digest(key.encode(), f"reminder:{scope}".encode(), sha256)
    return hmac.digest(own, "\0".join(parts).encode(), sha256)


def same(a: bytes | str, b: bytes | str) -> bool:
    """Compares in a time that tells nothing."""
    return hmac.compare_digest(_bytes(a), _bytes(b))


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value


def digest(secret: str) -> str:
    """What is stored of a secret that is long and random enough to need no slow hash."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
