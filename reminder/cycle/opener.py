"""Channels, and the connections they go by."""

from __future__ import annotations

from collections.abc import Sequence

from reminder.channels.base import Channel
from reminder.cycle.lanes import Lane
from reminder.cycle.service import Service

_MOST_REFUSALS = 2  # of a second connection's first message


class Opener:
    """Channels opened when first needed and closed together, for one thread at a time: channels are not shared."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._open: dict[str, Channel] = {}

    def __call__(self, name: str) -> Channel | None:
        """The channel called `name`; None where the configuration has none any more."""
        name = self._service.trial_channel or name
        if name not in self._open and name in self._service.channels:
            self._open[name] = self._service.channels[name]()
        return self._open.get(name)

    def hang_up(self) -> None:
        """Closes the connections. The channels stay: they know what they have learnt of their peer."""
        for channel in self._open.values():
            channel.close()

    def close(self) -> None:
        """Closes everything."""
        self.hang_up()
        self._open.clear()


class Ways:
    """The channels for a worker's tries and, for messages in a row, the same once more: they take turns, so that a peer
    answers over the one while the next message is handed over by the other. That second connection the lane lends."""

    def __init__(self, own: Opener, second: Opener | None) -> None:
        self._own, self._second = own, second
        self._lender: Lane | None = None
        self._refusals = 0
        self.new = False  # the second one was lent just now, and has yet to connect

    def for_row(self, lane: Lane, names: Sequence[str]) -> tuple[Opener, ...]:
        """By which ways messages for the channels of these names go in turn. A second one that has yet to connect comes
        first: no answer waits meanwhile."""
        lent, self.new = self._lender is not None, False
        if not self._second or not self._may(names) or not (lent or lane.lend()):
            return (self._own,)
        self._lender, self.new = lane, not lent
        return (self._own, self._second) if lent else (self._second, self._own)

    def _may(self, names: Sequence[str]) -> bool:
        channel = self._own(names[0]) if len(names) > 1 and self._refusals < _MOST_REFUSALS else None
        return channel is not None and channel.answers_later

    def refused(self) -> Opener:
        """The first message over a new second one was refused at once: the peer may take no more than one, and is not
        asked again where it happens twice. Returns the way that is left."""
        self.give_back()
        self._refusals += 1
        return self._own

    def give_back(self) -> None:
        """Hangs up the second one."""
        lender, self._lender = self._lender, None
        if lender and self._second:
            try:
                self._second.hang_up()
            finally:
                lender.hung_up()

    def close(self) -> None:
        """Hangs up both."""
        try:
            self.give_back()
        finally:
            self._own.close()

    def spared(self, lane: Lane) -> bool:
        """Whether a second one is open to a peer that gets nothing in a row any more."""
        return self._lender is not None and not lane.quick()
