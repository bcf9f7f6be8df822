"""What a chat robot's answer means. Only the code in its body counts: a refusal, too, comes with HTTP 200."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reminder.channels.http_reply import Answer, Success, pause
from reminder.channels.http_reply import verdict as http_verdict
from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent, RateLimited

_MESSAGES = ("errmsg", "msg", "StatusMessage")
_ADVICE = re.compile(r"[;；]\s*(?:solution|解决方案)")  # DingTalk's own, which names the other causes too
_OUR_FAULT = (400, 413, 422)  # what other 4xx without a code speak of is the address: nothing of this one message


@dataclass(frozen=True, slots=True)
class Refusal:
    """One cause behind a code: what kind of error it is, by which words it is known where the code has several causes,
    what to do about it, until when to wait where the peer does not say, and how many tries in all are worth while."""

    kind: type[Passing] | type[Permanent] | type[ChannelBroken] | type[RateLimited]
    words: str = ""
    advice: str = ""
    until: Callable[[datetime], datetime] = lambda now: now + timedelta(minutes=1)
    most: int | None = None

    def known_by(self, message: str) -> bool:
        """Whether `message` holds the words of this cause."""
        return re.search(self.words, message, re.IGNORECASE) is not None


Refusals = Mapping[int, Sequence[Refusal]]
"""The causes behind each code; the first that is known by its words counts."""

BUSY, NEVER, BROKEN = Refusal(Passing, most=4), Refusal(Permanent), Refusal(ChannelBroken)  # WeCom: three repetitions
_UNKNOWN = Refusal(Passing, most=3)  # a code in no list may pass, and it may mean this message


def slower(**wait: float) -> Refusal:
    """A limit that is over after `wait`, such as `minutes=10`."""
    return Refusal(RateLimited, until=lambda now: now + timedelta(**wait))


def verdict(answer: Answer, fields: Sequence[str], refusals: Refusals, now: datetime) -> DeliveryError | None:
    """None where the robot accepted; else the error to raise. `fields` may hold the code, the first that is there
    counts. The text is not redacted yet."""
    body = _body(answer)
    code = next((body[name] for name in fields if name in body), None)
    good = 200 <= answer.status < 300
    if not isinstance(code, int) or isinstance(code, bool) or (code == 0 and not good):
        return _without_code(answer, now)
    return None if code == 0 else _refused(code, _message(body), refusals, answer, now)


def _body(answer: Answer) -> Mapping[str, object]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _message(body: Mapping[str, object]) -> str:
    return next((str(body[name]) for name in _MESSAGES if body.get(name)), "")


def _refused(code: int, message: str, refusals: Refusals, answer: Answer, now: datetime) -> DeliveryError:
    """An unknown code is worth a few tries: the lists of different years differ."""
    cause = _ADVICE.split(message)[0]
    otherwise = slower(minutes=1) if answer.status == 429 else _UNKNOWN
    refusal = next((each for each in refusals.get(code, ()) if each.known_by(cause)), otherwise)
    text = "; ".join(part for part in (f"{code}: {message}", refusal.advice) if part)
    if refusal.kind is RateLimited:
        named = now + pause(answer.retry_after, now) if answer.retry_after else refusal.until(now)
        return RateLimited(text, until=named, code=str(code))
    if refusal.kind is Passing:
        return Passing(text, code=str(code), most=refusal.most)
    return refusal.kind(text, code=str(code))  # type: ignore[call-arg]  # RateLimited has gone above


def _without_code(answer: Answer, now: datetime) -> DeliveryError:
    """A proxy's page, half an answer, an error of HTTP itself."""
    if not answer.whole:
        return Passing(f"{answer.status}: the answer broke off", code=str(answer.status), accepted_unknown=True)
    error = http_verdict(answer, Success(), now)
    if error is None:
        return Passing(f"{answer.status}, but no robot's answer: {answer.words()}", code=str(answer.status))
    if isinstance(error, Permanent) and answer.status not in _OUR_FAULT:
        return ChannelBroken(error.text, code=error.code)
    return error
