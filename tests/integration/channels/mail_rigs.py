"""Mail servers to test against: aiosmtpd as a real one, and a scripted one for what no decent server does."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PASSWORD = "shouquanma-S3cret"


@dataclass
class Office:
    """What an aiosmtpd server saw. `replies` refuses by address; `logins` counts AUTH commands."""

    replies: dict[str, str] = field(default_factory=dict)
    letters: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    connections: int = 0
    logins: int = 0
    sender: str = ""
    encrypted: bool = False
    password: str = PASSWORD

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += session.host_name is None
        session.host_name = hostname
        self.encrypted = server.transport.get_extra_info("sslcontext") is not None
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.replies:
            return self.replies[address]
        self.sender = envelope.mail_from = address
        self.options.append(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.replies:
            return self.replies["DATA"]
        self.letters.append(envelope.original_content)
        self.to.append(list(envelope.rcpt_tos))
        return "250 2.0.0 queued as 42"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins += 1
        good = isinstance(data, LoginPassword) and data.password == self.password.encode()
        # handled=True, the default, would leave the client without an answer
        return AuthResult(success=good, handled=False)


class _Implicit(Controller):
    """TLS from the first byte. aiosmtpd's own first connection would refuse our certificate."""

    def _trigger_server(self) -> None:
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port)) as sock, trusting.wrap_socket(sock) as secured:
            secured.recv(1024)


@contextmanager
def mail_server(office: Office, ca: trustme.CA | None = None, tls: str = "none") -> Iterator[int]:
    """aiosmtpd on a free port of 127.0.0.1; with a CA it speaks TLS as `tls` says and wants a login."""
    context = None
    if ca:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert("localhost").configure_cert(context)
    options: dict[str, Any] = {"authenticator": office.authenticate} if ca else {}
    if tls == "starttls":
        options |= {"tls_context": context, "auth_required": True}
    elif tls == "implicit":
        options |= {"auth_require_tls": False}  # aiosmtpd does not know that it stands inside TLS
    kind = _Implicit if tls == "implicit" else Controller
    controller = kind(
        office, hostname="127.0.0.1", port=free_port(), ssl_context=context if tls == "implicit" else None, **options
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    """aiosmtpd's Controller cannot take port 0."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def write_ca(ca: trustme.CA, folder: Path) -> str:
    """The CA as a file that `ca_file` can name."""
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return "ca.pem"


Script = Callable[["Line"], object]


class Line:
    """One accepted connection, as a script sees it. Only the script's own thread reads and closes it; to end a
    script from outside, `cut` it: closing a file that another thread reads from is a ValueError in that thread."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")

    def say(self, text: str) -> None:
        self.sock.sendall(text.encode() + b"\r\n")

    def hear(self) -> str:
        return self._file.readline().decode("utf-8", "replace").strip()

    def body(self, length: int) -> bytes:
        """So many bytes as they come."""
        return self._file.read(length)

    def letter(self) -> list[str]:
        """The lines before the final dot; a ConnectionError where the peer hangs up before it."""
        lines: list[str] = []
        while (raw := self._file.readline()) not in (b".\r\n", b""):
            lines.append(raw.decode("utf-8", "replace").strip())
        if not raw:
            raise ConnectionResetError("hung up before the final dot")
        return lines

    def hears(self, verb: str) -> bool:
        """Whether the next command is `verb`; smtplib writes some in capitals and some not."""
        return self.hear().upper().startswith(verb)

    def politely(self, **answers: str) -> str:
        """Greets and answers each command with 250, or as `answers` says, up to the message's final dot."""
        self.say("220 ready")
        while line := self.hear():
            verb = line.split()[0].split(":")[0].upper()
            if verb in answers:
                self.say(answers[verb])
            elif verb == "DATA":
                self.say("354 go on")
                while self.hear() != ".":
                    pass
                return "."
            else:
                self.say("250 ok")
        return ""

    def cut(self) -> None:
        """Ends the read or write under way, as if the peer had hung up."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Hangs up without goodbye: RST, not FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._file.close()
        self.sock.close()

    def close(self) -> None:
        self.cut()
        self._file.close()
        self.sock.close()


@contextmanager
def scripted(*scripts: Script) -> Iterator[tuple[int, list[int]]]:
    """A server that plays one script for each connection, the last for all further ones; yields port and a count."""
    count = [0]
    lines: list[Line] = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line = Line(listener.accept()[0])
                lines.append(line)
                count[0] += 1
                with suppress(OSError):
                    scripts[min(count[0], len(scripts)) - 1](line)
                line.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1]), count
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for line in lines:
                line.cut()
            thread.join(20)
            assert not thread.is_alive(), "a script does not end when its connection is cut"


def drip(line: Line, *, for_ever: bool = False) -> None:
    """An answer that does not end, one byte at a time, so that no single read times out."""
    for _ in count() if for_ever else range(200):
        line.sock.sendall(b"2")
        time.sleep(0.05)
