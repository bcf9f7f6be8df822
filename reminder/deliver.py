"""One message, one channel → what came of it, when to try again, how the peer stands. Decides; stores nothing."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from reminder.channels.base import Channel
from reminder.domain.destination import Standing
from reminder.domain.message import Envelope, Outcome, Receipt
from reminder.errors import ChannelBroken, DeliveryError, Gone, Passing, Permanent, RateLimited, UsageError

# A reminder's useful life is about a working day: try soon, then ever less often, then give up and say so.
WAITS = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 7200, 7200, 14400))
BROKEN_WAIT = timedelta(minutes=15)  # a refused login must not be repeated soon: providers lock accounts
GIVE_UP_AFTER = timedelta(hours=36)
OPEN_AFTER = 5  # faults of a peer in a row, after which it is left alone for a while
_REST = timedelta(minutes=1)  # the first rest of such a peer; each further one is twice as long
_LONGEST_REST = timedelta(minutes=15)
_SOONEST, _LATEST = timedelta(seconds=1), timedelta(hours=25)  # within which a peer may ask us to wait
_JITTER = 0.2
log = logging.getLogger("reminder.deliver")


def hand_over(  # noqa: PLR0913  # what is sent, by what, and what is known of the tries before
    channel: Channel, payload: bytes, envelope: Envelope, attempts: int, now: datetime, *, doubted: bool = False
) -> Outcome | Callable[[], Outcome]:
    """Tries once: what came of it where that is known at once, else what waits for the peer's answer. `attempts` counts
    this try; `envelope.written_at` is the instant of the first one. `doubted` says that somebody may have it already: a
    chat group that is told of one reminder again and again is flooded."""
    judge = partial(_judged, channel, attempts, envelope.written_at, now, doubted=doubted)
    try:
        answer = channel.hand_over(payload, envelope, now)
    except Exception as error:
        return judge(error)
    later = partial(_answered, answer, judge)
    return later if channel.answers_later else later()


def _answered(answer: Callable[[], Receipt], judge: Callable[[Exception], Outcome]) -> Outcome:
    try:
        receipt = answer()
    except Exception as error:
        return judge(error)
    return Outcome("sent", "sent", receipt.code, _storable(receipt.text))


def _judged(  # noqa: PLR0913  # what is known of the try, and what it ended with
    channel: Channel, attempts: int, first: datetime, now: datetime, error: Exception, *, doubted: bool
) -> Outcome:
    """What an attempt that ended with this error comes to."""
    outcome = _failed(_meaning(channel, error), attempts, first, now)
    if doubted and outcome.state == "unknown" and not channel.knows_ids:
        return replace(outcome, state="failed", next_attempt_at=None)
    return outcome


def _meaning(channel: Channel, error: Exception) -> DeliveryError:
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, UsageError):  # a secret that is not set, a certificate file that is gone
        return ChannelBroken(str(error))
    # a channel's own fault must not stop the messages behind this one
    log.error("channel %s", channel.name, exc_info=error)
    return Passing(f"{type(error).__name__} in the channel", accepted_unknown=True, peer_ill=False)


def _failed(error: DeliveryError, attempts: int, first: datetime, now: datetime) -> Outcome:
    outcome = "unknown" if error.accepted_unknown else "refused"
    again_at, (peer, until) = _again_at(error, attempts, now), _peer(error, now)
    if again_at is None or again_at > first + GIVE_UP_AFTER:
        return Outcome(outcome, "failed", error.code, _storable(error.text), None, peer, until)
    state = "unknown" if error.accepted_unknown else "retrying"
    return Outcome(outcome, state, error.code, _storable(error.text), again_at, peer, until)


def _storable(text: str) -> str:
    return text.replace("\0", "�")  # PostgreSQL stores no NUL; QQ sends some


def _again_at(error: DeliveryError, attempts: int, now: datetime) -> datetime | None:
    """When to try again, None for never; spread, so that what failed together does not come back together."""
    if isinstance(error, Permanent | Gone):
        return None
    if isinstance(error, RateLimited):
        wait = _bounded(error.until - now)
        return now + wait + min(wait * _JITTER, _REST) * random.random()
    if isinstance(error, ChannelBroken):
        return now + BROKEN_WAIT * random.uniform(1, 1 + _JITTER)
    most = error.most if isinstance(error, Passing) else None
    if attempts > len(WAITS) or (most is not None and attempts >= most):
        return None
    return now + WAITS[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, _SOONEST), _LATEST)


def _peer(error: DeliveryError, now: datetime) -> tuple[str, datetime | None]:
    match error:
        case Gone():
            return "gone", None
        case ChannelBroken():
            return "broken", now + BROKEN_WAIT
        case RateLimited():
            return "limited", now + _bounded(error.until - now)
        case Passing(peer_ill=True):
            return "ill", None
    return "well", None


def standing_after(before: Standing, outcome: Outcome, now: datetime) -> Standing:
    """How a destination stands after an attempt.

    A circuit breaker: after `OPEN_AFTER` faults in a row the peer is left alone; when its rest is over a single message
    tries it, and only if that one gets through do the others follow.
    """
    match outcome.peer:
        case "gone":
            return Standing(before.failures, None, now, outcome.text)
        case "limited":
            return Standing(0, outcome.peer_until, None, outcome.text)
        case "broken":
            return Standing(max(before.failures + 1, OPEN_AFTER), outcome.peer_until, None, outcome.text)
        case "ill":
            failures = before.failures + 1
            if failures < OPEN_AFTER:
                return Standing(failures, before.paused_until, None, outcome.text)
            rest = min(_REST * 2 ** min(failures - OPEN_AFTER, 10), _LONGEST_REST)
            return Standing(failures, now + rest * random.uniform(1, 1 + _JITTER), None, outcome.text)
    return Standing()


def on_probation(standing: Standing) -> bool:
    """Whether only one message at a time may try this destination."""
    return standing.failures >= OPEN_AFTER
