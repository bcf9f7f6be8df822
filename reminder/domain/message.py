"""What travels: a rendered letter, the envelope it goes in, and what the peer said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message as people read it. `brief` is one sentence; `data` are JSON-able facts: the `locale` and, for
    channels that show a letter in their own way, all that webhook templates are told.

    `tail` is what a shortened `text` ends with: how many measures there are, where they stand, the reminder's number.
    `body` is a rendered webhook body where the channel asked for one, else empty.
    """

    subject: str
    text: str
    html: str
    brief: str = ""
    data: dict[str, object] = field(default_factory=dict)
    tail: str = ""
    body: str = ""

    def with_body(self, body: str) -> Letter:
        """The same letter with its webhook body."""
        return replace(self, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Everything about a message but its content.

    `message_id` is the identity on every attempt, without angle brackets (RFC 5322 §3.6.4); it holds no "." that
    a webhook id may not hold before the "@". `references` are the thread ids of the measures it speaks of.
    `written_at` (aware) is the instant of the first attempt.
    """

    message_id: str
    recipient: str
    addresses: tuple[str, ...]
    reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The peer's server accepted it: its code and its words. It never means that a person has read it."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: the delivery's outcome (sent, refused, unknown), the message's next state
    (sent, retrying, unknown, failed) and, where it is tried again, when.

    `peer` is what the attempt says of the destination: `well`, `ill` (no answer, or a fault of its own), `limited` or
    `broken` (nothing goes there before `peer_until`), `gone` (it wants no more); empty where nothing was tried.
    """

    outcome: str
    state: str
    code: str = ""
    text: str = ""
    next_attempt_at: datetime | None = None
    peer: str = "well"
    peer_until: datetime | None = None
