"""What a channel is: its keys in channels.toml, its address check, rendering to bytes and one attempt to send."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from reminder.domain.message import Envelope, Letter, Receipt
from reminder.render.address import split_sender


def _checked_sender(sender: str) -> str:
    split_sender(sender)
    return sender


Sender = Annotated[str, AfterValidator(_checked_sender)]
"""A key's type: who messages come from, with or without a display name."""


class ChannelKeys(BaseModel):
    """The keys every `[channel.NAME]` table may have; a channel's own class adds its own."""

    # Built on first use: an office uses few kinds, and what it does not use would weigh on the idle daemon.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    kind: str


class Channel(ABC):
    """One way to send, opened for one batch and closed after it. Not shared between threads.

    `leaves_machine` is False where a message stays on this machine (maildir): such channels need no guard.
    `needs_address` is False where the channel itself knows its target (a webhook's URL).
    `mail_from` is the sender where it sends e-mails: it needs subject, text and HTML of a letter, and nothing else of
    it, and its bytes are those of `render.mime`.
    `body_template` names the template of a webhook body that `compose` must render, where the channel wants one.
    `connections` is how many may be open to the peer at once, each by a channel object of its own; and how many
    messages may be begun and not settled, over one or several.
    `knows_ids` is False where the peer cannot tell a repeated message from a new one: an attempt of unknown outcome is
    repeated once there, not for a day and a half.
    `answers_later` is True where `hand_over` returns before the peer has answered: two connections can take turns then.
    `rate` are the peer's known limits, each as so many messages in so many seconds; () where none is known.
    """

    Keys: ClassVar[type[ChannelKeys]]
    leaves_machine: ClassVar[bool] = True
    needs_address: ClassVar[bool] = True
    knows_ids: ClassVar[bool] = True
    answers_later: ClassVar[bool] = False
    rate: ClassVar[tuple[tuple[int, float], ...]] = ()

    mail_from: str | None = None
    body_template: str | None = None
    connections: int = 1

    def __init__(self, name: str, keys: ChannelKeys, folder: Path) -> None:
        """`name` is the table's in channels.toml; relative paths in `keys` start at `folder`. Opens nothing yet."""
        self.name = name
        self.folder = folder

    @property
    def destination(self) -> str:
        """What `rate` counts for, fit to be stored: channels that share one peer share it. No secret can be read
        from it."""
        return self.name

    @classmethod
    @abstractmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """What is wrong with `address` for this kind of channel, as one sentence; None where nothing is."""

    @abstractmethod
    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        """The bytes that go over the wire, the same on every attempt."""

    @abstractmethod
    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        """One attempt. Raises Passing, RateLimited, Permanent or ChannelBroken; returns once the peer accepted."""

    def hand_over(self, payload: bytes, envelope: Envelope, now: datetime) -> Callable[[], Receipt]:
        """The same attempt in two steps: everything is with the peer when this returns, and what it returns waits for
        the peer's answer. Both raise as `send` does. Between them the channel can do nothing else."""
        receipt = self.send(payload, envelope, now)
        return lambda: receipt

    def expect(self, envelope: Envelope | None) -> None:  # noqa: B027  # most peers cannot be told
        """What this channel sends right behind the next message: the peer may be told beforehand. None where it sends
        nothing."""

    def close(self) -> None:  # noqa: B027  # most channels hold nothing open
        """Gives back connections; what is sent afterwards opens new ones. Failing to do so is never a failure of
        delivery."""
