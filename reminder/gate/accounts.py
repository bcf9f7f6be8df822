"""The office's accounts: names, roles and passwords (argon2id), and the lock after too many failures."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from reminder.errors import UsageError
from reminder.gate.role import Person, Role
from reminder.store.gate_tables import RefusedSignInRow, SessionRow, UserRow
from reminder.words import say

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
MOST_FAILURES = 5  # of one name from one address, within LOCKED_FOR
MOST_FAILURES_ANYWHERE = 50  # of one name from all addresses together
LOCKED_FOR = timedelta(minutes=15)
_one_at_a_time = BoundedSemaphore(1)  # each hash takes 19 MiB, and the daemon is small


class Answer(StrEnum):
    """What became of a sign-in."""

    LET_IN = "let_in"
    REFUSED = "refused"
    LOCKED = "locked"


@cache
def _hasher() -> PasswordHasher:
    """OWASP's smallest recommended setting of argon2id (Password Storage Cheat Sheet, 2024): 19 MiB, two passes."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - the daemon without pages does without it

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _nobody() -> str:
    """The hash that an unknown name is compared with, so that it takes as long as a known one."""
    return _hasher().hash("nobody")


def add(session: Session, person: Person, password: str, now: datetime, locale: str) -> None:
    """A new account. With an empty password only a reverse proxy can sign it in.

    Raises:
        UsageError: the name is taken or empty, or the password is too short.
    """
    name = _folded(person.name)
    if not name or len(name) > 60:
        raise UsageError(say(locale, "gate.name_needed"))
    if session.get(UserRow, name) is not None:
        raise UsageError(say(locale, "gate.user_taken", name=name))
    session.add(UserRow(name=name, role=person.role.value, password=_hashed(password, locale), created_at=now))
    session.flush()


def change_password(session: Session, name: str, password: str, locale: str) -> None:
    """Sets a new password and ends every session of that user.

    Raises:
        UsageError: nobody is called so, or the password is too short.
    """
    row = _known(session, name, locale)
    row.password = _hashed(password, locale)
    session.add(row)
    session.connection().execute(delete(SessionRow).where(col(SessionRow.user) == row.name))
    session.connection().execute(delete(RefusedSignInRow).where(col(RefusedSignInRow.name) == row.name))


def remove(session: Session, name: str, locale: str) -> None:
    """Takes an account away, with its sessions. UsageError where nobody is called so."""
    row = _known(session, name, locale)
    session.connection().execute(delete(SessionRow).where(col(SessionRow.user) == row.name))
    session.delete(row)


def everybody(session: Session) -> list[UserRow]:
    """All accounts, by name."""
    return list(session.exec(select(UserRow).order_by(col(UserRow.name))))


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to sign in as `name`, from `address`."""

    name: str
    address: str
    at: datetime

    @classmethod
    def of(cls, name: str, address: str, at: datetime) -> Attempt:
        """With the name as accounts have it."""
        return cls(_folded(name)[:60], address, at)


def look_at(
    session: Session, attempt: Attempt, password: str, refused: Sequence[Attempt]
) -> tuple[Answer, UserRow | None]:
    """Checks a password; after too many failures, `refused` among them, even the right one is not looked at. Writes
    nothing."""
    if _locked(session, attempt, refused):
        return Answer.LOCKED, None
    row = session.get(UserRow, attempt.name)
    known = row.password if row is not None and row.password else ""
    with _one_at_a_time:
        good = _verified(known or _nobody(), password) and bool(known)
    return (Answer.LET_IN, row) if row is not None and good else (Answer.REFUSED, None)


def note_failure(session: Session, attempt: Attempt) -> None:
    """Counts a sign-in that was refused."""
    session.add(RefusedSignInRow(name=attempt.name, address=attempt.address, at=attempt.at))
    session.flush()


def forgive(session: Session, attempt: Attempt) -> None:
    """Whoever was let in has failed no more, from that address."""
    mine = col(RefusedSignInRow.name) == attempt.name, col(RefusedSignInRow.address) == attempt.address
    session.connection().execute(delete(RefusedSignInRow).where(*mine))


def vouched_for(session: Session, name: str, role: Role) -> Person | None:
    """The user whom a trusted proxy names, where the account has at least `role`."""
    wanted = select(UserRow).where(col(UserRow.name) == _folded(name), col(UserRow.role).in_(role.and_above()))
    row = session.exec(wanted).first()
    return Person(row.name, Role(row.role)) if row else None


def _locked(session: Session, attempt: Attempt, refused: Sequence[Attempt]) -> bool:
    since = attempt.at - LOCKED_FOR
    lately = select(func.count()).where(col(RefusedSignInRow.name) == attempt.name, col(RefusedSignInRow.at) > since)
    besides = [one for one in refused if one.name == attempt.name and one.at > since]
    anywhere = session.exec(lately).one() + len(besides)
    here = session.exec(lately.where(col(RefusedSignInRow.address) == attempt.address)).one()
    here += sum(one.address == attempt.address for one in besides)
    return here >= MOST_FAILURES or anywhere >= MOST_FAILURES_ANYWHERE


def forget_failures(session: Session, now: datetime) -> None:
    """Takes away failures that lock nobody any more."""
    session.connection().execute(delete(RefusedSignInRow).where(col(RefusedSignInRow.at) <= now - LOCKED_FOR))


def _verified(known: str, password: str) -> bool:
    from argon2.exceptions import VerificationError  # noqa: PLC0415 - as in _hasher

    try:
        return _hasher().verify(known, password[:LONGEST_PASSWORD])
    except VerificationError:
        return False


def _hashed(password: str, locale: str) -> str:
    if not password:
        return ""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(say(locale, "gate.password_length", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD))
    return _hasher().hash(password)


def _known(session: Session, name: str, locale: str) -> UserRow:
    row = session.get(UserRow, _folded(name))
    if row is None:
        raise UsageError(say(locale, "gate.user_unknown", name=name))
    return row


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip()
