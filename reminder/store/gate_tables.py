"""The tables of who gets in: accounts, sessions, tokens, the service's own secret. Filled and read by `gate`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from reminder.store import tables  # noqa: F401 - constraints are named as it says


class UserRow(SQLModel, table=True):
    """Somebody of the office who may sign in. `password` is an argon2id hash; "" where only a proxy vouches."""

    __tablename__ = "account"  # "user" is a reserved word of PostgreSQL

    name: str = Field(primary_key=True)
    role: str
    password: str = ""
    created_at: datetime


class SessionRow(SQLModel, table=True):
    """Somebody signed in. `digest` is the SHA-256 of what the cookie holds: nobody can sign in by reading this."""

    __tablename__ = "session"

    digest: str = Field(primary_key=True)
    user: str = Field(sa_column=Column(ForeignKey("account.name", ondelete="CASCADE"), index=True, nullable=False))
    created_at: datetime
    expires_at: datetime


class RefusedSignInRow(SQLModel, table=True):
    """A sign-in that failed; enough of them lock the name, and the address, out for a while."""

    __tablename__ = "refused_sign_in"
    __table_args__ = (Index("ix_refused_sign_in_name", "name", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str
    address: str
    at: datetime


class TokenRow(SQLModel, table=True):
    """A key to the API for one program, with a role. Only the SHA-256 of the token is kept."""

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("digest"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str
    role: str
    digest: str
    created_at: datetime
    revoked_at: datetime | None = None


class KeyRow(SQLModel, table=True):
    """A secret that the service made for itself."""

    __tablename__ = "secret_key"

    name: str = Field(primary_key=True)
    value: str


class RevokedRow(SQLModel, table=True):
    """A message's link that was ended (R-12), or a calendar feed whose address was renewed (feed:UNIT)."""

    __tablename__ = "revoked"

    subject: str = Field(primary_key=True)
    by: str
    at: datetime
