"""What systemd is told: that the service is ready, alive, stopping."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger("reminder.daemon")


def notify(state: str) -> None:
    """Tells systemd (sd_notify(3)); does nothing where the service was not started by it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            channel.sendall(state.encode())
    except OSError as error:
        log.warning("cannot notify systemd: %s", error)
