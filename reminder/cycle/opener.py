"""The channels of one thread."""

from __future__ import annotations

from reminder.channels.base import Channel
from reminder.cycle.service import Service


class Opener:
    """Channels opened when first needed and closed together. Each thread has its own: channels are not shared."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._open: dict[str, Channel] = {}

    def __call__(self, name: str) -> Channel | None:
        """The channel called `name`; None where the configuration has none any more."""
        name = self._service.trial_channel or name
        if name not in self._open and name in self._service.channels:
            self._open[name] = self._service.channels[name]()
        return self._open.get(name)

    def close(self) -> None:
        """Hangs up."""
        while self._open:
            self._open.popitem()[1].close()
