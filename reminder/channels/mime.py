"""A letter as the bytes of an e-mail: pure ASCII, CRLF, the same for the same letter and envelope.

Headers are encoded here by email.header.Header, not by EmailMessage's policies: those decode and refold encoded
words, which loses blanks (gh-92081) and lets `=?…0D=0A?=` in a ledger's text become new headers (CVE-2024-6923).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from email import policy
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from hashlib import sha256

from reminder.channels.address import is_address, on_the_wire, split_sender
from reminder.domain.message import Envelope, Letter

_WIRE = policy.compat32.clone(linesep="\r\n", max_line_length=76)
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.\[\]:-]+")
_BREAKS = re.compile(r"\r\n|\r|\n")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # control characters but tab and line feed
_SURROGATES = re.compile("[\ud800-\udfff]")  # halves of characters cannot be encoded
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")  # can turn a subject around
LONGEST_PLAIN = 60  # characters; longer headers are encoded, because a long word without blanks cannot be folded
MOST_THREADS = 50  # servers refuse headers of many kilobytes


def build(letter: Letter, envelope: Envelope, sender: str) -> bytes:
    """The message, text before HTML (RFC 2046 §5.1.4: the last alternative is the best).

    ValueError where the sender, an address for replies or an id is malformed; text, however nasty, is cleaned.
    """
    message = MIMEMultipart("alternative", boundary=_boundary(envelope.message_id))
    for name, value in _headers(letter, envelope, sender):
        message[name] = value
    message.attach(MIMEText(_body(letter.text), "plain", "utf-8"))
    message.attach(MIMEText(_body(letter.html), "html", "utf-8"))
    return message.as_bytes(policy=_WIRE)


def _headers(letter: Letter, envelope: Envelope, sender: str) -> Iterable[tuple[str, str]]:
    name, address = split_sender(sender)
    yield "From", _mailbox(name, address)
    yield "To", _recipients(envelope)
    if envelope.reply_to:
        yield "Reply-To", ",\n ".join(on_the_wire(each) for each in envelope.reply_to)
    yield "Subject", _unstructured(one_line(letter.subject))
    yield "Date", format_datetime(envelope.written_at)
    yield "Message-ID", _bracketed(envelope.message_id)
    if envelope.references:
        threads = "\n ".join(_bracketed(each) for each in envelope.references[:MOST_THREADS])
        yield "In-Reply-To", threads
        yield "References", threads
    yield "Auto-Submitted", "auto-generated"  # RFC 3834: no out-of-office answers
    yield "X-Auto-Response-Suppress", "All"  # the same for Exchange
    locale = letter.data.get("locale")
    if isinstance(locale, str) and re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?", locale):
        yield "Content-Language", locale.replace("_", "-")


def _recipients(envelope: Envelope) -> str:
    """The recipient's mailboxes; without any, an empty group of that name (RFC 5322 §3.4)."""
    name = one_line(envelope.recipient)
    good = [address for address in envelope.addresses if is_address(address)]  # `send` answers for the others
    if not good:
        return f"{_phrase(name) or 'undisclosed-recipients'} :;"  # the blank ends an encoded word (RFC 2047 §5.3)
    return ",\n ".join(_mailbox(name, address) for address in good)


def _mailbox(name: str, address: str) -> str:
    phrase = _phrase(one_line(name))
    return f"{phrase}\n <{on_the_wire(address)}>" if phrase else on_the_wire(address)


def _phrase(name: str) -> str:
    """A display name: plain where it is a few simple words, else encoded, which also covers quotes and commas."""
    if len(name) <= LONGEST_PLAIN and re.fullmatch(r"[A-Za-z0-9 ]*", name):
        return name
    return _encoded(name)


def _unstructured(text: str) -> str:
    return text if text.isascii() and len(text) <= LONGEST_PLAIN else _encoded(text)


def _encoded(text: str) -> str:
    """RFC 2047, in lines short enough that the generator does not fold them once more."""
    return Header(text, "utf-8", maxlinelen=70, header_name="Reply-To").encode(linesep="\n")


def _bracketed(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"not a message id: {message_id!r}")
    return f"<{message_id}>"


def _boundary(message_id: str) -> str:
    """Derived, not drawn, so that a second rendering gives the same bytes; `=_` cannot occur in base64."""
    return "=_" + sha256(message_id.encode()).hexdigest()[:32]


def one_line(text: str) -> str:
    """`text` for a header: one line, no control or direction characters, nothing that looks like an encoded word."""
    kept = "".join(_header_safe(c) for c in text.replace("=?", "= ?"))
    return " ".join(kept.split())


def _header_safe(char: str) -> str:
    if char in _BIDI or char == "\0":
        return ""
    kind = unicodedata.category(char)
    if kind == "Cs":
        return "�"
    return " " if kind in ("Cc", "Zl", "Zp", "Zs") else char


def _body(text: str) -> str:
    """`text` with CRLF line ends and without the control characters that no mail program shows."""
    kept = _UNSEEN.sub("", _BREAKS.sub("\n", text))
    return _SURROGATES.sub("�", kept).replace("\n", "\r\n")
