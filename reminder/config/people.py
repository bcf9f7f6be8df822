"""units.toml: the units, the posts above them, and how each is reached."""

from __future__ import annotations

from pydantic import Field, StrictBool

from reminder.config.keys import Email, Keys, Name


class PartyKeys(Keys):
    """What units and posts have in common."""

    aliases: tuple[Name, ...] = Field(default=(), description="other names in the ledger")
    email: tuple[Email, ...] = Field(
        default=(), description="its address on every mail channel", examples=[["jsj@example.org"]]
    )
    addresses: dict[str, tuple[Name, ...]] = Field(default={}, description="by channel, before email")
    channels: tuple[str, ...] = Field(default=(), description="else the office's default")


class UnitKeys(PartyKeys):
    """One [[unit]]."""

    name: Name = Field(description="as the ledger writes it", examples=["建设局"])
    leader: str | None = Field(default=None, description="the title of the [[leader]] above it")
    outside: StrictBool = Field(default=False, description="true: written to only where a rule names it")


class LeaderKeys(PartyKeys):
    """One [[leader]]: a post, not a person."""

    title: Name = Field(description="as the ledger writes it", examples=["分管规划建设副主任"])
    deputy: str | None = Field(default=None, description="the title that answers while this one cannot be reached")
