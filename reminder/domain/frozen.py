"""A chain of escalation as it stood when it began: its posts, steps and dates change no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenStep:
    """One step as rules.toml wrote it then, with its nominal day and the working day `on` which it is taken."""

    after: str
    colour: str
    to: tuple[str, ...]
    unless_answered: str | None
    nominal: date
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenChain:
    """The chain of one measure, unit and deadline under one rule. An extension begins another one.

    `leader` and `principal` are titles; None where there was none, so that the office answers or today's post does.
    """

    rule: str
    unit: str
    deadline: date
    leader: str | None
    principal: str | None
    steps: tuple[FrozenStep, ...]
