"""What somebody of the office may do. Each role may do what the ones before it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """viewer: looks; officer: acts on measures, reports, letters and messages; administrator: also accounts, links."""

    VIEWER = "viewer"
    OFFICER = "officer"
    ADMINISTRATOR = "administrator"

    def and_above(self) -> list[str]:
        """The roles that may do what this one may."""
        return [role.value for role in Role][[*Role].index(self) :]

    def may(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        return self.value in needed.and_above()


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking: one of the office, or a program with a token."""

    name: str
    role: Role
