"""The signed link in each message: what it opens, for how long, and with which power.

A link names a message by its number and carries a seal over the message's own random id, so nothing is written when
one is made, and what it may do follows from the message itself: a unit reports by it, everybody else only looks.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from reminder.domain.people import OFFICE
from reminder.errors import UsageError
from reminder.gate.key import same, seal
from reminder.rules.report_slots import week_name
from reminder.store.gate_tables import RevokedRow
from reminder.store.outbox_tables import MessageRow, ReminderRow
from reminder.words import say

LASTS = timedelta(days=14)
_SEAL = 24  # characters of base32: 120 bits; letters and digits only, or mail programs cut an address short
_TOKEN = re.compile(r"(\d{1,15})-([a-z2-7]{24})")


@dataclass(frozen=True, slots=True)
class Links:
    """How links are made: the address under which the pages are reached, and the secret."""

    public_url: str
    key: str

    def to(self, number: str, message_id: str) -> str:
        """The link of the message `number` (R-12) with that id."""
        bare = number.removeprefix("R-")
        return f"{self.public_url.rstrip('/')}/r/{bare}-{_seal(self.key, bare, message_id)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link opens. `unit` may report by it for `weeks`, the earliest first; "" where it only shows.

    `measures` are those the message spoke of.
    """

    number: str
    recipient: str
    unit: str
    weeks: tuple[str, ...]
    measures: tuple[int, ...]
    expires_at: datetime


def follow(session: Session, key: str, token: str, now: datetime, zone: ZoneInfo) -> Link | None:
    """What the link with `token` opens at `now`; None where it is expired, revoked, altered or not ours. Reads only."""
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    wanted = select(MessageRow).where(col(MessageRow.id) == int(parts[1]))
    message = session.exec(wanted).first()
    good = same(_seal(key, parts[1], message.message_id if message else ""), parts[2])
    if message is None or not good or message.written_at is None or not _runs(message.written_at, now):
        return None
    number = f"R-{message.id}"
    if session.get(RevokedRow, number) is not None:
        return None
    carried = session.exec(select(ReminderRow).where(col(ReminderRow.message_pk) == message.id)).all()
    return Link(
        number=number,
        recipient=message.recipient,
        unit=_reporting(message.recipient, carried),
        weeks=_weeks(message.recipient, carried, message.written_at.astimezone(zone)),
        measures=tuple(dict.fromkeys(line["measure"] for one in carried for line in one.lines if not line.get("owed"))),
        expires_at=message.written_at + LASTS,
    )


def _runs(written_at: datetime, now: datetime) -> bool:
    return written_at - timedelta(minutes=5) <= now < written_at + LASTS  # clocks of two machines differ a little


def _reporting(recipient: str, carried: Sequence[ReminderRow]) -> str:
    own = recipient != OFFICE and any(one.unit == recipient for one in carried)
    return recipient if own else ""


def _weeks(unit: str, carried: Sequence[ReminderRow], written_at: datetime) -> tuple[str, ...]:
    asked = {one.week for one in carried if one.week and one.unit == unit}
    return tuple(sorted({*asked, week_name(written_at.date())}))


def _seal(key: str, number: str, message_id: str) -> str:
    return b32encode(seal(key, "link", number, message_id)).decode().lower()[:_SEAL]


def revoke(session: Session, number: str, by: str, now: datetime, locale: str) -> None:
    """Ends the link of the message `number` (R-12) for good. UsageError where there is no such message."""
    match = re.fullmatch(r"(?:[Rr]-)?(\d{1,15})", number.strip())
    key = int(match[1]) if match else 0
    if session.exec(select(MessageRow.id).where(col(MessageRow.id) == key)).first() is None:
        raise UsageError(say(locale, "gate.link_unknown", number=number))
    if session.get(RevokedRow, f"R-{key}") is None:
        session.add(RevokedRow(subject=f"R-{key}", by=by, at=now))
