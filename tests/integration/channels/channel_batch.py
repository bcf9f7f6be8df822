"""One letter sent again and again over one channel, as a batch does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from reminder.channels import deadline
from reminder.channels.base import Channel
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import DeliveryError


@dataclass
class Batch:
    """A channel with something to send."""

    channel: Channel
    letter: Letter
    envelope: Envelope
    now: datetime

    def payload(self) -> bytes:
        return self.channel.render(self.letter, self.envelope)

    def to(self, *addresses: str) -> Envelope:
        return replace(self.envelope, addresses=addresses or self.envelope.addresses)

    def send(self, *addresses: str) -> Receipt:
        return self.sent(self.to(*addresses))

    def sent(self, envelope: Envelope, then: Envelope | None = None) -> Receipt:
        """One letter, right behind which another one is to go."""
        self.channel.expect(then)
        return self.channel.send(self.channel.render(self.letter, envelope), envelope, self.now)

    def refused(self, *addresses: str) -> DeliveryError:
        with pytest.raises(DeliveryError) as caught:
            self.send(*addresses)
        return caught.value


class Blind:
    """A watch that sees no attempt, as in a process that was stopped."""

    def add(self, attempt: deadline.cut_after) -> None: ...

    def remove(self, attempt: deadline.cut_after) -> None: ...


Mail = Callable[..., AbstractContextManager[Batch]]
"""`mail(port, **keys)`: an e-mail channel to localhost."""

Hook = Callable[..., Batch]
"""`hook(url, **keys)`: a webhook channel that may reach 127.0.0.1."""

Group = Callable[..., Batch]
"""`group(kind, url, **keys)`: a chat robot that may reach 127.0.0.1; its URL and secret are in the environment."""
