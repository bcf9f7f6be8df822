"""What an SMTP server's refusal means. Codes follow RFC 5321 §4.2; the words are those of Chinese providers, which use
permanent codes for passing limits (QQ: 550 … frequency limited; Aliyun: 554 too frequently sending, 552 quota)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum

from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent, RateLimited

_CHINA = timezone(timedelta(hours=8))  # where the providers whose daily quotas are known reset them
_AUTH = frozenset({530, 534, 535, 538})
_SIZE_OR_CONTENT = frozenset({552, 554})
_SLOW_DOWN: tuple[tuple[str, timedelta], ...] = (
    ("frequency limited", timedelta(hours=2)),
    ("too frequently sending", timedelta(hours=1)),
    ("mi:sfq", timedelta(minutes=15)),  # NetEase: too many in 15 minutes
    ("hl:icc", timedelta(minutes=15)),  # NetEase: too many connections
    ("hl:ifc", timedelta(minutes=15)),
    ("rp:drc", timedelta(hours=1)),  # NetEase: too many recipients
    ("rp:qrc", timedelta(hours=1)),
)


class Stage(Enum):
    """Which command the server answered."""

    GREETING = "greeting"
    LOGIN = "login"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server: a code and its words, already redacted."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


def refusal(stage: Stage, reply: Reply, now: datetime) -> DeliveryError:
    """The error that stands for `reply`, a code other than 2xx and 3xx."""
    text, code = f"{stage.value}: {reply}", str(reply.code)
    if reply.code in _AUTH:  # before the words: QQ's 535 names five causes, "frequency limited" among them
        return ChannelBroken(text, code=code)
    until = _not_before(reply, now)
    if until:
        return RateLimited(text, until=until, code=code)
    if not 500 <= reply.code < 600:
        return Passing(text, code=code)
    if stage in (Stage.GREETING, Stage.LOGIN):
        return ChannelBroken(text, code=code)
    if stage is Stage.SENDER and reply.code not in _SIZE_OR_CONTENT:  # 553 Mail from must equal authorized user
        return ChannelBroken(text, code=code)
    return Permanent(text, code=code)


def _not_before(reply: Reply, now: datetime) -> datetime | None:
    words = reply.text.lower()
    if "quota exceeded" in words and "sending" in words:  # not the recipient's mailbox over quota
        return _after_midnight(now)
    return next((now + pause for mark, pause in _SLOW_DOWN if mark in words), None)


def _after_midnight(now: datetime) -> datetime:
    tomorrow = now.astimezone(_CHINA) + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=5, second=0, microsecond=0)


_HOPE = (ChannelBroken, RateLimited, Passing, Permanent)


def of_all(errors: Iterable[tuple[str, DeliveryError]]) -> DeliveryError:
    """One error for several refused addresses: the one that leaves the most hope, because giving a message up
    while one of its addresses may still take it would be silence. Its text names every address."""
    refused = list(errors)
    error = min((e for _, e in refused), key=lambda e: _HOPE.index(type(e)))
    error.text = "; ".join(f"{address}: {each.text}" for address, each in refused)
    error.args = (error.text,)
    return error
