"""smtplib's connections with two bounds it lacks: the look-up of a name and all its addresses share one time-out, and
an answer that does not end is not read for ever (RFC 5321 §4.5.3.1.5 allows a line 512 bytes, and says nothing of how
many lines). Nor is half a line taken for an answer."""

from __future__ import annotations

import smtplib
import socket
import time
from typing import IO, Any

from reminder.channels import lookup
from reminder.channels.deadline import first_open

_MOST = 64 * 1024  # bytes of one answer that are read


class _Reader:
    """What smtplib needs of a file, for one answer at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.left = file, _MOST

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        self.left -= len(line)
        if self.left < 0:
            raise OSError(f"the answer goes on after {_MOST} bytes")
        if line and not line.endswith(b"\n") and len(line) < most:  # smtplib would take what is there for a code
            raise OSError("the answer broke off")
        return line

    def close(self) -> None:
        self._file.close()


class Plain(smtplib.SMTP):
    """A connection without TLS, or before it, made within `connects_within` seconds. `handle` is a second one on its
    socket: TLS takes the first one over while it shakes hands."""

    file: Any = None
    handle: socket.socket | None = None
    connects_within: float

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        ends_at = time.monotonic() + self.connects_within
        found = lookup.addresses(host, port, self.connects_within)
        sock = first_open(found, ends_at - time.monotonic())
        sock.settimeout(timeout)
        self.handle = sock.dup()
        return sock

    def close(self) -> None:
        """Hangs up."""
        super().close()
        if self.handle is not None:
            self.handle.close()

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's; an answer without end breaks the connection."""
        if self.file is None and self.sock is not None:
            self.file = _Reader(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = _MOST
        return super().getreply()


class Secured(smtplib.SMTP_SSL, Plain):
    """TLS from the first byte, over a socket of `Plain`'s."""
