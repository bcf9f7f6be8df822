"""A draft becomes an attempt that can be begun, or what is left where it cannot be written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from reminder.cycle.service import Service
from reminder.cycle.writing import Draft, Unwritable, written
from reminder.domain.message import Envelope
from reminder.domain.reminder import Reason
from reminder.outbox import Claimed, Start, Written
from reminder.render.scribe import Mail

log = logging.getLogger("reminder.cycle")


@dataclass(frozen=True, slots=True)
class Left:
    """A message to which nothing is sent now, and the state it is left in: held `until`, cancelled or failed."""

    message: Claimed
    state: str
    why: str
    until: datetime | None = None
    dropped: Mapping[int, Reason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that may go, and whose mail a scribe writes. `answer` waits for it. It keeps nothing of what the mail
    tells, which would be thousands of values for each that waits."""

    message: Claimed
    envelope: Envelope
    answer: Callable[[], Mail | None]
    dropped: Mapping[int, Reason]
    doubted: ClassVar[bool] = False  # as a Start; these are first attempts


def started(service: Service, message: Claimed, draft: Draft, dropped: Mapping[int, Reason]) -> Start | Left:
    """The attempt with its bytes, written here."""
    try:
        return Start(message, draft.envelope, written(service, draft), dropped=dropped)
    except Exception as error:  # whatever a letter's contents can cause
        return unwritten(message, error)


def answered(asked: Asked) -> Start | None:
    """The attempt with the bytes that the scribe wrote; None where it has written none."""
    mail = asked.answer()
    return Start(asked.message, asked.envelope, Written(*mail), dropped=asked.dropped) if mail else None


def unwritten(message: Claimed, error: Exception) -> Left:
    """A letter that cannot be written is a dead letter; it stops only itself."""
    if isinstance(error, Unwritable):
        return Left(message, "failed", str(error))
    log.error("message %d cannot be written", message.id, exc_info=error)
    return Left(message, "failed", f"cannot be written: {error}")
