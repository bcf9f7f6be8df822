"""What the office itself has to know: not a reminder of a rule, but the state of its work and of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# In the order in which an office reads them: what stops the service first.
TOPICS = (
    *("service", "outbox", "waiting", "reports", "due", "overdue", "limits", "reach", "silences", "calendar"),
    "summary",
)


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing the office has to know. The sentence of `code` is `words/briefing.toml`'s, filled in with `facts`.

    A `fresh` one is reason enough for a message on a morning that is not a Monday. `count` is how many it speaks of.
    """

    topic: str
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False
    count: int = 1

    def __post_init__(self) -> None:
        if self.topic not in TOPICS:
            raise ValueError(f"no topic {self.topic!r}")
