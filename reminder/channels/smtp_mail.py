"""One mail over an open connection (RFC 5321 §3.3): its parties, its bytes, and what the server says to each.

Where the server offers PIPELINING (RFC 2920) parties and DATA go out in one write, and the answers are matched in their
order; a mail then costs two round trips instead of four. Where another mail follows at once, its parties go out right
behind the bytes of this one (RFC 2920 §3.1), and it costs one.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Sequence
from datetime import datetime

from reminder.channels.smtp_reply import Reply, Stage, of_all, refusal
from reminder.channels.smtp_session import Server
from reminder.domain.message import Receipt
from reminder.errors import DeliveryError, Passing, Permanent
from reminder.render.address import on_the_wire

CLOSING = 421  # RFC 5321 §4.2.3: the server hangs up
_GO_ON = 354
_Answer = tuple[int, bytes]
_LEADING_DOT = re.compile(rb"(?m)^\.")


class SmtpMail:
    """One transaction: `announce`, or `foretold` and `awaited`; then `hand_over` and `accepted`."""

    def __init__(self, server: Server, smtp: smtplib.SMTP, sender: str, addresses: Sequence[str]) -> None:
        self._server, self._smtp = server, smtp
        self._refused: list[tuple[str, DeliveryError]] = []
        self._wires = self._sendable(addresses)
        self._commands = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{wire}>" for _, wire in self._wires), "DATA"]

    def _sendable(self, addresses: Sequence[str]) -> list[tuple[str, str]]:
        """Each address with its form on the wire; what has none is refused by ourselves."""
        wires = []
        for address in addresses:
            try:
                wires.append((address, on_the_wire(address)))
            except ValueError as error:
                self._refused.append((address, Permanent(str(error))))
        return wires

    def announce(self, now: datetime, *, reused: bool) -> None:
        """MAIL, RCPT for each address and DATA, until the server wants the message.

        Raises a DeliveryError where it does not, smtplib's errors and OSError where the connection broke; a connection
        `reused` that the server closes for having been idle is broken, not refused.
        """
        if not self._wires:
            raise of_all(self._refused) if self._refused else Permanent("there is no address to send to")
        if self._smtp.has_extn("pipelining"):
            self._smtp.send(self._together())
            self.awaited(now, reused=reused)
        else:
            self._judged(self._in_turn(), now, reused=reused)

    def foretold(self) -> bytes:
        """The same commands to be written behind the mail before this one; none where they have to wait."""
        return self._together() if self._wires and self._smtp.has_extn("pipelining") else b""

    def awaited(self, now: datetime, *, reused: bool) -> None:
        """The answers to what was foretold; raises as `announce` does."""
        self._judged(self._answers(), now, reused=reused)

    def _together(self) -> bytes:
        return ("\r\n".join(self._commands) + "\r\n").encode("ascii")

    def _answers(self) -> list[_Answer]:
        answers: list[_Answer] = []
        while len(answers) < len(self._commands):
            answers.append(self._smtp.getreply())
            if answers[-1][0] in (CLOSING, -1):
                break  # nothing that follows can be trusted
        return answers

    def _in_turn(self) -> list[_Answer]:
        """Stops where the server has refused what the rest needs."""
        answers: list[_Answer] = []
        for command in self._commands:
            if command == "DATA" and not any(code in (250, 251) for code, _ in answers[1:]):
                break
            answers.append(self._smtp.docmd(command))
            if answers[-1][0] in (CLOSING, -1) or answers[0][0] != 250:
                break
        return answers

    def _judged(self, answers: Sequence[_Answer], now: datetime, *, reused: bool) -> None:
        if reused and answers[0][0] == CLOSING:
            raise smtplib.SMTPServerDisconnected(self._reply(answers[0]).text)
        try:
            self._judge(answers, now)
        except DeliveryError:
            self._retract(answers)
            raise

    def _judge(self, answers: Sequence[_Answer], now: datetime) -> None:
        if answers[0][0] != 250:
            raise refusal(Stage.SENDER, self._reply(answers[0]), now)
        accepted = False
        for (address, _), answer in zip(self._wires, answers[1:], strict=False):
            if answer[0] in (250, 251):
                accepted = True
                continue
            error = refusal(Stage.RECIPIENT, self._reply(answer), now)
            if answer[0] == CLOSING:
                raise error
            self._refused.append((address, error))
        if not accepted:
            raise of_all(self._refused)
        if answers[-1][0] != _GO_ON:
            raise refusal(Stage.DATA, self._reply(answers[-1]), now)

    def _retract(self, answers: Sequence[_Answer]) -> None:
        """A server that wants a message for nobody gets an empty one, which it has to refuse (RFC 2920 §3.1)."""
        if len(answers) == len(self._commands) and answers[-1][0] == _GO_ON:
            self._smtp.send(b".\r\n")
            self._smtp.getreply()

    def hand_over(self, payload: bytes, behind: bytes = b"") -> None:
        """The message itself, and what is `foretold` of the next one. Errors until here leave the server with
        nothing."""
        self._smtp.send(_dotted(payload) + behind)

    def accepted(self, now: datetime) -> Receipt:
        """What the server says to the whole message. Passing with `accepted_unknown` where it says nothing."""
        try:
            answer = self._smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise self._unknown(str(error)) from error
        reply = self._reply(answer)
        if reply.code < 0:
            raise self._unknown(f"the answer was none: {reply.text}")
        if not 200 <= reply.code < 300:
            raise refusal(Stage.DATA, reply, now)
        names = "; ".join(f"refused {address}: {error.text}" for address, error in self._refused)
        return Receipt(str(reply.code), f"{reply.text}; {names}" if names else reply.text)

    def _unknown(self, why: str) -> Passing:
        text = f"the message was handed over whole, but its acceptance is unknown: {why}"
        return Passing(self._server.clean(text), accepted_unknown=True)

    def _reply(self, answer: _Answer) -> Reply:
        return self._server.reply(*answer)


def _dotted(payload: bytes) -> bytes:
    """`payload` as DATA wants it: leading dots doubled, a dot on its own line at the end (RFC 5321 §4.5.2)."""
    ended = payload if payload.endswith(b"\r\n") else payload + b"\r\n"
    if _leads(ended):
        ended = _LEADING_DOT.sub(b"..", ended)
    return ended + b".\r\n"


def _leads(payload: bytes) -> bool:
    """Whether any line begins with a dot. Base64 has none: to look for dots takes a tenth of a search for two
    characters, of which each line has one."""
    at = payload.find(b".")
    while at > 0 and payload[at - 1] != 0x0A:
        at = payload.find(b".", at + 1)
    return at >= 0
