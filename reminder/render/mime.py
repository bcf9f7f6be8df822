"""A letter as the bytes of an e-mail: pure ASCII, CRLF, the same for the same letter and envelope.

The shape is always the same (headers, then text and HTML in base64), so it is written here line by line. The standard
library's writer parses and folds every header anew, which takes ten times as long as composing the letter, and its
policies decode and refold encoded words, which loses blanks (gh-92081) and lets `=?…0D=0A?=` in a ledger's text become
new headers (CVE-2024-6923). Its parser is what the tests hold this writer to.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Iterator
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from reminder.domain.message import Envelope, Letter
from reminder.render.address import is_address, on_the_wire, split_sender

_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.\[\]:-]+")
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A})  # but tab and line feed
_HIGH_CONTROLS = re.compile(b"\xc2[\x80-\x9f]")  # U+0080 to U+009F as UTF-8; that byte begins no other character
_SURROGATES = re.compile("[\ud800-\udfff]")  # halves of characters cannot be encoded
_LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")  # can turn a subject around
LONGEST_PLAIN = 60  # characters; longer headers are encoded, because a long word without blanks cannot be folded
MOST_THREADS = 50  # servers refuse headers of many kilobytes
_WORD_BYTES = 45  # of text in one encoded word: with `=?utf-8?b?…?=` 72 characters; RFC 2047 §2 allows 75
_FIRST_WORD_BYTES = 39  # the first stands behind the header's name
_LINE = 76  # RFC 2045 §6.8
_FOLD = "\r\n "


def build(letter: Letter, envelope: Envelope, sender: str) -> bytes:
    """The message, text before HTML (RFC 2046 §5.1.4: the last alternative is the best).

    ValueError where the sender, an address for replies or an id is malformed; text, however nasty, is cleaned.
    """
    boundary = _boundary(envelope.message_id)
    head = [f"{name}: {value}" for name, value in _headers(letter, envelope, sender)]
    head += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative;{_FOLD}boundary="{boundary}"', "", ""]
    return b"".join(
        (
            "\r\n".join(head).encode("ascii"),
            _part(boundary, "plain", letter.text),
            _part(boundary, "html", letter.html),
            f"--{boundary}--\r\n".encode("ascii"),
        )
    )


def _part(boundary: str, subtype: str, text: str) -> bytes:
    head = f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return b"%s%s\r\n" % (head.encode("ascii"), b"\r\n".join(_lines(b2a_base64(_body(text), newline=False))))


def _lines(code: bytes) -> list[bytes]:
    """The lines of a text in base64, all cut at once: a letter has hundreds."""
    whole, rest = divmod(len(code), _LINE)
    lines = [*_cutter(whole).unpack_from(code)]
    return [*lines, code[-rest:]] if rest else lines


@lru_cache(maxsize=64)  # letters of one morning are about as long as each other
def _cutter(lines: int) -> Struct:
    return Struct(f"{_LINE}s" * lines)


def _headers(letter: Letter, envelope: Envelope, sender: str) -> Iterator[tuple[str, str]]:
    yield "From", _sender(sender)
    yield "To", _recipients(envelope)
    if envelope.reply_to:
        yield "Reply-To", f",{_FOLD}".join(on_the_wire(each) for each in envelope.reply_to)
    yield "Subject", _unstructured(one_line(letter.subject))
    yield "Date", _date(envelope.written_at)
    yield "Message-ID", _bracketed(envelope.message_id)
    if envelope.references:
        threads = _FOLD.join(_bracketed(each) for each in envelope.references[:MOST_THREADS])
        yield "In-Reply-To", threads
        yield "References", threads
    yield "Auto-Submitted", "auto-generated"  # RFC 3834: no out-of-office answers
    yield "X-Auto-Response-Suppress", "All"  # the same for Exchange
    locale = letter.data.get("locale")
    if isinstance(locale, str) and _LOCALE.fullmatch(locale):
        yield "Content-Language", locale.replace("_", "-")


_date = lru_cache(maxsize=8)(format_datetime)  # letters are written many at a time


@lru_cache(maxsize=8)  # one office has one sender
def _sender(sender: str) -> str:
    name, address = split_sender(sender)
    return _mailbox(_phrase(name), address)


def _recipients(envelope: Envelope) -> str:
    """The recipient's mailboxes; without any, an empty group of that name (RFC 5322 §3.4)."""
    phrase = _phrase(envelope.recipient)
    good = [address for address in envelope.addresses if is_address(address)]  # `send` answers for the others
    if not good:
        return f"{phrase or 'undisclosed-recipients'} :;"  # the blank ends an encoded word (RFC 2047 §5.3)
    return f",{_FOLD}".join(_mailbox(phrase, address) for address in good)


def _mailbox(phrase: str, address: str) -> str:
    return f"{phrase}{_FOLD}<{on_the_wire(address)}>" if phrase else on_the_wire(address)


def _phrase(name: str) -> str:
    """A display name: plain where it is a few simple words, else encoded, which also covers quotes and commas."""
    name = one_line(name)
    if len(name) <= LONGEST_PLAIN and re.fullmatch(r"[A-Za-z0-9 ]*", name):
        return name
    return _encoded(name)


def _unstructured(text: str) -> str:
    return text if text.isascii() and len(text) <= LONGEST_PLAIN else _encoded(text)


def _encoded(text: str) -> str:
    """RFC 2047: words of whole characters, one a line, so that nobody has to fold them once more."""
    data, words, start = text.encode("utf-8"), list[str](), 0
    while start < len(data):
        end = min(start + (_WORD_BYTES if words else _FIRST_WORD_BYTES), len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(data[start:end], newline=False).decode('ascii')}?=")
        start = end
    return _FOLD.join(words)


def _bracketed(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"not a message id: {message_id!r}")
    return f"<{message_id}>"


def _boundary(message_id: str) -> str:
    """Derived, not drawn, so that a second rendering gives the same bytes; `=_` cannot occur in base64."""
    return "=_" + sha256(message_id.encode()).hexdigest()[:32]


def one_line(text: str) -> str:
    """`text` for a header: one line, no control or direction characters, nothing that looks like an encoded word."""
    kept = text.replace("=?", "= ?")
    if not kept.isprintable():  # nearly all text is: then it has no blanks but plain ones, and nothing unseen
        kept = "".join(map(_header_safe, kept))
    return " ".join(kept.split())


def _header_safe(char: str) -> str:
    if char in _BIDI or char == "\0":
        return ""
    kind = unicodedata.category(char)
    if kind == "Cs":
        return "�"
    return " " if kind in ("Cc", "Zl", "Zp", "Zs") else char


def _body(text: str) -> bytes:
    """`text` with CRLF line ends and without the control characters that no mail program shows."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        data = _SURROGATES.sub("�", text).encode("utf-8")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data.translate(None, _CONTROLS)
    if b"\xc2" in data:
        data = _HIGH_CONTROLS.sub(b"", data)
    return data.replace(b"\n", b"\r\n")
