"""A connection to a mail server: dialled, secured and logged in, or a DeliveryError that says why not."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from reminder.channels.bounded_smtp import Plain, Secured
from reminder.channels.deadline import cut_after
from reminder.channels.redact import redact
from reminder.channels.secret import Secret
from reminder.channels.smtp_reply import Reply, Stage, refusal
from reminder.errors import ChannelBroken, DeliveryError, Passing, UsageError

Tls = Literal["implicit", "starttls", "none"]
_OURSELVES = "localhost"
_GOODBYE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to dial and as whom. `timeout` in seconds for each answer."""

    host: str
    port: int
    tls: Tls
    ca_file: Path | None
    username: str | None
    password: Secret | None
    timeout: float
    folder: Path

    def revealed(self) -> str:
        """The password, "" without login. ChannelBroken where it is kept nowhere."""
        try:
            return self.password.reveal(self.folder) if self.password else ""
        except UsageError as error:
            raise ChannelBroken(str(error)) from error

    def clean(self, text: str) -> str:
        """`text` without the password, also where the server echoes the login (RFC 4616)."""
        if self.password is None:
            return redact(text, ())
        password = ""
        with suppress(ChannelBroken):
            password = self.revealed()
        plain = base64.b64encode(f"\0{self.username}\0{password}".encode()).decode()
        return redact(text, [password, plain] if password else [])

    def reply(self, code: int, words: bytes | str) -> Reply:
        """The server's answer, fit to be stored."""
        return Reply(code, self.clean(words if isinstance(words, str) else _decoded(words)))


class Session:
    """One connection, from dialling to goodbye."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.smtp: Plain | None = None
        self.carried = 0

    def socket(self) -> socket.socket | None:
        return self.smtp.handle if self.smtp else None

    def line(self, now: datetime, seconds: float) -> smtplib.SMTP:
        """The open connection; opens one within `seconds` where there is none. ChannelBroken, RateLimited, Passing."""
        if self.smtp is None:
            try:
                self._open(seconds)
            except ChannelBroken:
                self.drop()
                raise
            except (smtplib.SMTPException, OSError, UnicodeError) as error:
                self.drop()
                raise self._meaning(error, now) from error
        assert self.smtp is not None
        return self.smtp

    def drop(self) -> None:
        """Hangs up without a word: after a fault nothing the server says is of use."""
        smtp, self.smtp, self.carried = self.smtp, None, 0
        if smtp is not None:
            smtp.close()

    def quit(self) -> None:
        """Says goodbye. An answer that is none (QQ sends zeros) does not undo what was accepted before; none is waited
        for long."""
        if self.smtp is not None:
            with suppress(smtplib.SMTPException, OSError, ValueError), cut_after(_GOODBYE_SECONDS, self.socket):
                self.smtp.quit()
        self.drop()

    def _open(self, seconds: float) -> None:
        smtp = self._dial(seconds)
        # The address literal is right (RFC 5321 §4.1.3); a look-up of our name may take long where DNS is ill.
        smtp.local_hostname = _literal(smtp)
        smtp.ehlo_or_helo_if_needed()
        if self.server.tls == "starttls":
            smtp.starttls(context=self._trust())
            smtp.ehlo()
        if self.server.username:
            self._log_in(smtp, self.server.username, self.server.revealed())

    def _dial(self, seconds: float) -> smtplib.SMTP:
        """smtplib's constructor waits for the greeting; `self.smtp` is set before, so that the deadline sees it."""
        host, port, timeout = self.server.host, self.server.port, self.server.timeout
        if self.server.tls == "implicit":
            self.smtp = secured = Secured.__new__(Secured)
            secured.connects_within = seconds
            Secured.__init__(secured, host, port, _OURSELVES, timeout=timeout, context=self._trust())
            return secured
        self.smtp = plain = Plain.__new__(Plain)
        plain.connects_within = seconds
        Plain.__init__(plain, host, port, _OURSELVES, timeout=timeout)
        return plain

    def _trust(self) -> ssl.SSLContext:
        """Certificate and name are verified; smtplib without a context verifies neither (Python 3.11)."""
        try:
            return ssl.create_default_context(cafile=self.server.ca_file)
        except OSError as error:
            raise ChannelBroken(f"cannot read ca_file {self.server.ca_file}: {error}") from error

    def _log_in(self, smtp: smtplib.SMTP, username: str, password: str) -> None:
        """One try with one mechanism: smtplib's login() tries a wrong password once for each, and accounts lock."""
        smtp.user, smtp.password = username, password
        methods: dict[str, Callable[..., str]] = {"PLAIN": smtp.auth_plain, "LOGIN": smtp.auth_login}
        offered = smtp.esmtp_features.get("auth", "").upper().split()
        mechanism = next((name for name in methods if name in offered), None)
        if mechanism is None:
            raise ChannelBroken(f"{self.server.host} offers neither AUTH PLAIN nor AUTH LOGIN, only {offered}")
        smtp.auth(mechanism, methods[mechanism])

    def _meaning(self, error: Exception, now: datetime) -> DeliveryError:
        """What a failure to open means: whether time, the office or the administrator mends it."""
        host, text = self.server.host, self.server.clean(str(error))
        match error:
            case smtplib.SMTPNotSupportedError():
                return ChannelBroken(f"{host} does not offer what is asked for: {text}")
            case smtplib.SMTPResponseException():
                stage = Stage.LOGIN if isinstance(error, smtplib.SMTPAuthenticationError) else Stage.GREETING
                return refusal(stage, self.server.reply(error.smtp_code, error.smtp_error), now)
            case ssl.SSLCertVerificationError():
                return ChannelBroken(f"{host} shows a certificate that nobody vouches for: {text}")
            case UnicodeError():
                return ChannelBroken(f"host, username and password of {host} must be plain ASCII")
        return Passing(f"cannot connect to {host}:{self.server.port}: {text}")


def _decoded(words: bytes) -> str:
    """UTF-8, else GB18030, which older Chinese servers write."""
    try:
        return words.decode("utf-8")
    except UnicodeDecodeError:
        return words.decode("gb18030", "replace")


def _literal(smtp: smtplib.SMTP) -> str:
    address = str(smtp.sock.getsockname()[0]) if smtp.sock else "127.0.0.1"
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
