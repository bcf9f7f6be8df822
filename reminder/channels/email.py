"""E-mail over SMTP (RFC 5321): one login per batch, and every answer of the server told apart.

Passing with `accepted_unknown` only where the whole message was handed over and no answer came.
"""

from __future__ import annotations

import re
import smtplib
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from reminder.channels import mime
from reminder.channels.address import Sender, address_fault, on_the_wire, split_sender
from reminder.channels.base import Channel, ChannelKeys
from reminder.channels.deadline import cut_after
from reminder.channels.secret import Secret
from reminder.channels.smtp_reply import Reply, Stage, of_all, refusal
from reminder.channels.smtp_session import Server, Session, Tls
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent

_LONGEST = 120.0  # seconds that one attempt may last in all; twice that is well under a lease of 5 minutes
_CLOSING = 421  # RFC 5321 §4.2.3: the server hangs up


class EmailKeys(ChannelKeys):
    """`timeout` in seconds for each answer of the server; after `per_connection` messages a new connection."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    tls: Tls = "implicit"
    ca_file: str | None = None
    sender: Sender
    username: str | None = Field(default=None, min_length=1)
    password: Secret | None = None
    timeout: float = Field(default=30, gt=0, le=60)
    per_connection: int = Field(default=50, ge=1)

    @model_validator(mode="after")
    def _login(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("expected both username and password, or neither")
        if self.username is not None and self.tls == "none":
            raise ValueError('a password is never sent in clear: use tls = "starttls" or "implicit"')
        return self

    def server(self, folder: Path) -> Server:
        """Where these keys lead; `ca_file` starts at `folder`."""
        return Server(
            host=self.host,
            port=self.port,
            tls=self.tls,
            ca_file=folder / self.ca_file if self.ca_file else None,
            username=self.username,
            password=self.password,
            timeout=self.timeout,
            folder=folder,
        )


class _Gone(Exception):
    """The connection broke before the message was handed over: the server has nothing."""


class EmailChannel(Channel):
    """One mail server. Once it is broken nothing is tried again in this batch: providers lock accounts."""

    Keys: ClassVar[type[ChannelKeys]] = EmailKeys
    shows_mail: ClassVar[bool] = True

    def __init__(self, name: str, keys: EmailKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._keys = keys
        self._from = on_the_wire(split_sender(keys.sender)[1])
        self._session = Session(keys.server(folder))
        self._broken: ChannelBroken | None = None

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """As `address.address_fault`: ASCII before the "@", any host name after it."""
        return address_fault(address, locale)

    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        """The whole message as MIME; see `mime.build`."""
        return mime.build(letter, envelope, self._keys.sender)

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        """One attempt over the open connection, or over a new one where that has gone away in the meantime."""
        if self._broken:
            raise self._broken
        if self._session.carried >= self._keys.per_connection:
            self._session.quit()
        try:
            return self._over_what_is_open(payload, envelope, now)
        except _Gone as error:
            raise Passing(str(error)) from error
        except ChannelBroken as error:
            self._broken = error
            raise

    def close(self) -> None:
        """Says goodbye to the server."""
        self._session.quit()

    def _over_what_is_open(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        reused = self._session.carried > 0
        try:
            return self._attempt(payload, envelope, now)
        except _Gone:
            if not reused:
                raise
            return self._attempt(payload, envelope, now)

    def _attempt(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        longest = min(4 * self._keys.timeout, _LONGEST)
        with cut_after(longest, self._session.socket):
            smtp = self._session.line(now)
            try:
                refused = self._name_parties(smtp, envelope, now)
                self._session.carried += 1
                return self._hand_over(smtp, payload, refused, now)
            except (smtplib.SMTPException, OSError) as error:
                self._session.drop()
                text = f"the connection broke before the message was handed over: {error}"
                raise _Gone(self._session.server.clean(text)) from error
            except DeliveryError as error:
                self._clear(smtp, error)
                raise

    def _name_parties(self, smtp: smtplib.SMTP, envelope: Envelope, now: datetime) -> list[tuple[str, DeliveryError]]:
        """MAIL FROM and RCPT TO; returns the addresses refused while at least one was accepted."""
        reply = self._reply(smtp.mail(self._from))
        if reply.code == _CLOSING and self._session.carried:
            raise smtplib.SMTPServerDisconnected(str(reply))  # it was idle too long, which is no refusal
        if reply.code != 250:
            raise refusal(Stage.SENDER, reply, now)
        refused = []
        for address in envelope.addresses:
            error = self._recipient(smtp, address, now)
            if error:
                refused.append((address, error))
        if len(refused) == len(envelope.addresses):
            raise of_all(refused) if refused else Permanent("there is no address to send to")
        return refused

    def _recipient(self, smtp: smtplib.SMTP, address: str, now: datetime) -> DeliveryError | None:
        try:
            wire = on_the_wire(address)
        except ValueError as error:
            return Permanent(str(error))
        reply = self._reply(smtp.rcpt(wire))
        if reply.code == _CLOSING:
            raise refusal(Stage.RECIPIENT, reply, now)
        return None if reply.code in (250, 251) else refusal(Stage.RECIPIENT, reply, now)

    def _hand_over(
        self, smtp: smtplib.SMTP, payload: bytes, refused: list[tuple[str, DeliveryError]], now: datetime
    ) -> Receipt:
        """DATA, by hand because smtplib.data() does not tell a break before the final dot from one after it."""
        reply = self._reply(smtp.docmd("DATA"))
        if reply.code != 354:
            raise refusal(Stage.DATA, reply, now)
        smtp.send(_dotted(payload))
        try:
            reply = self._reply(smtp.getreply())
        except (smtplib.SMTPException, OSError) as error:
            raise self._unknown(str(error)) from error
        if reply.code < 0:
            raise self._unknown(f"the answer was none: {reply.text}")
        if not 200 <= reply.code < 300:
            raise refusal(Stage.DATA, reply, now)
        names = "; ".join(f"refused {address}: {error.text}" for address, error in refused)
        return Receipt(str(reply.code), f"{reply.text}; {names}" if names else reply.text)

    def _unknown(self, why: str) -> Passing:
        text = f"the message was handed over whole, but its acceptance is unknown: {why}"
        return Passing(self._session.server.clean(text), accepted_unknown=True)

    def _reply(self, answer: tuple[int, bytes]) -> Reply:
        return self._session.server.reply(*answer)

    def _clear(self, smtp: smtplib.SMTP, error: DeliveryError) -> None:
        """Makes the connection fit for the next message, or hangs up where it is not to be trusted."""
        spent = error.accepted_unknown or error.code in (str(_CLOSING), "-1") or "MI:DMC" in error.text
        try:
            if not spent and smtp.rset()[0] == 250:
                self._session.carried = max(self._session.carried, 1)
                return
        except (smtplib.SMTPException, OSError):
            pass  # what the server thinks of RSET changes nothing about the refusal
        self._session.drop()


def _dotted(payload: bytes) -> bytes:
    """`payload` as DATA wants it: leading dots doubled, a dot on its own line at the end (RFC 5321 §4.5.2)."""
    ended = payload if payload.endswith(b"\r\n") else payload + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"
