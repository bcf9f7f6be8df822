"""One message, one channel → what came of it, and when to try again. Decides; stores nothing."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from reminder.channels.base import Channel
from reminder.domain.message import Envelope, Outcome
from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent, RateLimited, UsageError

# A reminder's useful life is about a working day: try soon, then ever less often, then give up and say so.
WAITS = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 7200, 7200, 14400))
BROKEN_WAIT = timedelta(minutes=15)  # a refused login must not be repeated soon: providers lock accounts
GIVE_UP_AFTER = timedelta(hours=36)
_JITTER = 0.2
log = logging.getLogger("reminder.deliver")


def deliver(channel: Channel, payload: bytes, envelope: Envelope, attempts: int, now: datetime) -> Outcome:
    """Tries once. `attempts` counts this try; `envelope.written_at` is the instant of the first one."""
    try:
        receipt = channel.send(payload, envelope, now)
    except DeliveryError as error:
        return _failed(error, attempts, envelope.written_at, now)
    except UsageError as error:  # a secret that is not set, a certificate file that is gone
        return _failed(ChannelBroken(str(error)), attempts, envelope.written_at, now)
    except Exception as error:  # a channel's own fault must not stop the messages behind this one
        log.exception("channel %s", channel.name)
        unknown = Passing(f"{type(error).__name__} in the channel", accepted_unknown=True)
        return _failed(unknown, attempts, envelope.written_at, now)
    return Outcome("sent", "sent", receipt.code, receipt.text)


def _failed(error: DeliveryError, attempts: int, first: datetime, now: datetime) -> Outcome:
    outcome = "unknown" if error.accepted_unknown else "refused"
    broken = isinstance(error, ChannelBroken)
    again_at = _again_at(error, attempts, now)
    if isinstance(error, Permanent) or again_at is None or again_at > first + GIVE_UP_AFTER:
        return Outcome(outcome, "failed", error.code, error.text, channel_broken=broken)
    state = "unknown" if error.accepted_unknown else "retrying"
    return Outcome(outcome, state, error.code, error.text, again_at, channel_broken=broken)


def _again_at(error: DeliveryError, attempts: int, now: datetime) -> datetime | None:
    if isinstance(error, RateLimited):
        return error.until
    if isinstance(error, ChannelBroken):
        return now + BROKEN_WAIT
    if attempts > len(WAITS):
        return None
    wait = WAITS[attempts - 1]
    return now + wait * random.uniform(1 - _JITTER, 1 + _JITTER)  # spreads the retries of many messages
