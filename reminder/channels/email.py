"""E-mail over SMTP (RFC 5321): connections kept, one login for many messages, every answer of the server told apart.

Passing with `accepted_unknown` only where the whole message was handed over and no answer came.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from reminder.channels.base import Channel, ChannelKeys, Sender
from reminder.channels.deadline import MOST_SECONDS, cut_after
from reminder.channels.secret import Secret
from reminder.channels.smtp_mail import CLOSING, SmtpMail
from reminder.channels.smtp_session import Server, Session, Tls
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import ChannelBroken, DeliveryError, Passing
from reminder.render import mime
from reminder.render.address import address_fault, on_the_wire, split_sender


class EmailKeys(ChannelKeys):
    """`timeout` in seconds for all of an attempt; after `per_connection` messages a new connection; `connections` at
    once, as many as the provider allows."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    tls: Tls = "implicit"
    ca_file: str | None = None
    sender: Sender
    username: str | None = Field(default=None, min_length=1)
    password: Secret | None = None
    timeout: float = Field(default=20, gt=0, le=MOST_SECONDS)
    connections: int = Field(default=2, ge=1, le=16)
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


_FOR_THE_ANSWER = 0.4
"""The part of an attempt's time that only the answer to the whole message may use: who hangs up on a server that still
looks into a message gets it delivered twice (RFC 5321 §4.5.3.2.6), who hangs up before the final dot does not."""


class _Gone(Exception):
    """The connection broke before the message was handed over: the server has nothing."""


class EmailChannel(Channel):
    """One mail server. Once it is broken nothing is tried again in this batch: providers lock accounts."""

    Keys: ClassVar[type[ChannelKeys]] = EmailKeys
    answers_later: ClassVar[bool] = True

    def __init__(self, name: str, keys: EmailKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._keys = keys
        self.connections = keys.connections
        self.mail_from = keys.sender
        self._from = on_the_wire(split_sender(keys.sender)[1])
        self._session = Session(keys.server(folder))
        self._broken: ChannelBroken | None = None
        self._next: Envelope | None = None  # what follows the message that is sent now
        self._foretold: tuple[Envelope, SmtpMail] | None = None  # what the server was told to follow
        self._foretells = True  # until a server has lost what it was told

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """As `address.address_fault`: ASCII before the "@", any host name after it."""
        return address_fault(address, locale)

    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        """The whole message as MIME; see `mime.build`."""
        return mime.build(letter, envelope, self._keys.sender)

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        """One attempt, up to the server's answer."""
        return self.hand_over(payload, envelope, now)()

    def hand_over(self, payload: bytes, envelope: Envelope, now: datetime) -> Callable[[], Receipt]:
        """One attempt over the open connection, or over a new one where that has gone away in the meantime; it ends
        with the answer."""
        if self._broken:
            raise self._broken
        seconds = self._keys.timeout
        try:
            with cut_after(seconds, self._session.socket, reserved=seconds * _FOR_THE_ANSWER) as limit:
                if self._foretold and self._foretold[0] is not envelope:
                    self._forget()
                if self._session.carried >= self._keys.per_connection:
                    self._session.quit()
                mail = self._over_what_is_open(payload, envelope, now, limit)
                limit.goes_on()
        except _Gone as error:
            raise Passing(str(error)) from error
        except ChannelBroken as error:
            self._broken = error
            raise
        finally:
            self._next = None
        return partial(self._answer, mail, now, limit)

    def _answer(self, mail: SmtpMail, now: datetime, limit: cut_after) -> Receipt:
        with limit:
            try:
                return mail.accepted(now)
            except DeliveryError as error:
                if isinstance(error, ChannelBroken):
                    self._broken = error
                self._clear(error)
                raise

    def expect(self, envelope: Envelope | None) -> None:
        """The server is told who gets the next mail right behind this one's bytes, where it takes that."""
        self._next = envelope

    def close(self) -> None:
        """Says goodbye to the server."""
        self._forget()
        self._session.quit()

    def _forget(self) -> None:
        """Where another mail was foretold than comes, there is no taking it back but to hang up: the server waits for
        its bytes."""
        if self._foretold:
            self._drop()

    def _over_what_is_open(self, payload: bytes, envelope: Envelope, now: datetime, limit: cut_after) -> SmtpMail:
        reused = self._session.carried > 0
        try:
            return self._handed_over(payload, envelope, now, limit)
        except _Gone:
            if not reused or limit.over():
                raise
            return self._handed_over(payload, envelope, now, limit)

    def _handed_over(self, payload: bytes, envelope: Envelope, now: datetime, limit: cut_after) -> SmtpMail:
        foretold, self._foretold = self._foretold, None
        smtp = self._session.line(now, limit.left())
        try:
            if foretold:
                mail = foretold[1]
                mail.awaited(now, reused=True)
            else:
                mail = self._mail(smtp, envelope)
                mail.announce(now, reused=self._session.carried > 0)
            self._session.carried += 1
            limit.check()
            mail.hand_over(payload, self._foretell(smtp))
            limit.last()
            return mail
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            self._foretells = self._foretells and not foretold
            text = f"the connection broke before the message was handed over: {error}"
            raise _Gone(self._session.server.clean(text)) from error
        except DeliveryError as error:
            self._clear(error)
            raise

    def _mail(self, smtp: smtplib.SMTP, envelope: Envelope) -> SmtpMail:
        return SmtpMail(self._session.server, smtp, self._from, envelope.addresses)

    def _foretell(self, smtp: smtplib.SMTP) -> bytes:
        """What goes out right behind this mail's bytes."""
        following = self._next
        if following is None or not self._foretells or self._session.carried >= self._keys.per_connection:
            return b""
        mail = self._mail(smtp, following)
        told = mail.foretold()
        self._foretold = (following, mail) if told else None
        return told

    def _drop(self) -> None:
        self._foretold = None
        self._session.drop()

    def _clear(self, error: DeliveryError) -> None:
        """Makes the connection fit for the next message, or hangs up where it is not to be trusted. Behind a message's
        bytes the server is at a beginning again, and may be at the next one's already."""
        smtp = self._session.smtp
        spent = error.accepted_unknown or error.code in (str(CLOSING), "-1") or "MI:DMC" in error.text
        if self._foretold and not spent:
            return
        try:
            if smtp and not spent and smtp.rset()[0] == 250:
                self._session.carried = max(self._session.carried, 1)
                return
        except (smtplib.SMTPException, OSError):
            pass  # what the server thinks of RSET changes nothing about the refusal
        self._drop()
