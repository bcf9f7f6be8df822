"""What an HTTP endpoint's answer means: accepted, slow down, later, never, or mend the channel."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reminder.errors import ChannelBroken, DeliveryError, Gone, Passing, Permanent, RateLimited

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(hours=6)  # a hostile Retry-After must not park a message for ever
_UNNAMED_PAUSE = timedelta(minutes=1)
_NEVER_TELLS = object()
_BROKEN = {401: ChannelBroken, 407: ChannelBroken, 410: Gone}  # login refused; it wants no more (Standard Webhooks)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, the `Retry-After` header ("" if none) and the body, cut; `whole` is False where reading it failed."""

    status: int
    retry_after: str
    body: bytes
    whole: bool = True

    def words(self) -> str:
        """The body as text, for people."""
        return self.body.decode("utf-8", "replace").strip()


class Success(BaseModel):
    """How to tell that a gateway which answers 200 to everything has accepted: all that is given must hold.

    `body` is the whole text; `json` a field such as "errcode" or "result.code", which must equal `equals`.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)

    status: tuple[Annotated[int, Field(ge=200, le=299)], ...] = ()
    body: str | None = None
    field: str | None = Field(default=None, alias="json", min_length=1)
    equals: int | str | bool | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.field is None) != (self.equals is None):
            raise ValueError('expected json and equals together: { json = "errcode", equals = 0 }')
        return self

    def fault(self, answer: Answer) -> str | None:
        """Which condition the answer misses; None where it holds them all."""
        if self.status and answer.status not in self.status:
            return f"the status is none of {list(self.status)}"
        if self.body is not None and answer.words() != self.body:
            return f"the body is not {self.body!r}"
        if self.field is not None and not _same(_at(answer.body, self.field), self.equals):
            return f"{self.field} is not {self.equals!r}"
        return None

    def reads_body(self) -> bool:
        """Whether the body decides."""
        return self.body is not None or self.field is not None


def _at(body: bytes, path: str) -> object:
    """The value at a dotted path of a JSON body; a sentinel that equals nothing where there is none."""
    try:
        value: object = json.loads(body)
        for step in path.split("."):
            if not isinstance(value, dict):
                return _NEVER_TELLS
            value = value.get(step, _NEVER_TELLS)
    except (ValueError, RecursionError):
        return _NEVER_TELLS
    return value


def _same(found: object, expected: object) -> bool:
    return found == expected and isinstance(found, bool) == isinstance(expected, bool)  # 0 == False in Python only


def verdict(answer: Answer, success: Success, now: datetime) -> DeliveryError | None:
    """None where the peer accepted; else the error to raise. The text is not redacted yet."""
    text = f"{answer.status}: {answer.words()}" if answer.body else str(answer.status)
    code = str(answer.status)
    if 200 <= answer.status < 300:
        return _of_success(answer, success, text)
    if answer.status in (429, 503) and (answer.retry_after or answer.status == 429):
        return RateLimited(text, until=now + pause(answer.retry_after, now), code=code)
    if 300 <= answer.status < 400:
        return ChannelBroken(f"{text}; redirects are not followed: enter the new URL", code=code)
    if broken := _BROKEN.get(answer.status):
        return broken(text, code=code)
    if 400 <= answer.status < 500 and answer.status not in (408, 425):  # these two ask to try again (RFC 9110, 8470)
        return Permanent(text, code=code)
    to_come = answer.status < 200  # the answer proper follows (RFC 9110 §15.2); it is not waited for
    return Passing(text, code=code, accepted_unknown=to_come, peer_ill=answer.status >= 500)


def _of_success(answer: Answer, success: Success, text: str) -> DeliveryError | None:
    code = str(answer.status)
    if not answer.whole and success.reads_body():
        return Passing(f"{text}; the answer broke off", code=code, accepted_unknown=True)
    fault = success.fault(answer)
    return Passing(f"{fault}: {text}", code=code) if fault else None


def pause(retry_after: str, now: datetime) -> timedelta:
    """Retry-After (RFC 9110 §10.2.3), seconds or a date, within 1 s and 6 h."""
    wished = _UNNAMED_PAUSE
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        wished = timedelta(seconds=int(retry_after))
    elif retry_after:
        try:
            date = parsedate_to_datetime(retry_after)
            wished = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError):
            pass  # what cannot be read is as if it were not there
    return min(max(wished, _SHORTEST), _LONGEST)
