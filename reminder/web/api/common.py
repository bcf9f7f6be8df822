"""What the API's routes share: their answers to what is not possible, days, and the measures a program may ask for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel

from reminder.errors import UsageError
from reminder.rules.rule import Span
from reminder.words import say

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
MOST = 1000  # measures or messages in one answer


class Fault(BaseModel):
    """Why something was not done, in the office's language; `detail` names the fields."""

    error: str
    detail: list[dict[str, Any]] | None = None


FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": Fault, "description": "cannot be read"},
    401: {"model": Fault, "description": "no valid token"},
    403: {"model": Fault, "description": "the token's role does not suffice"},
    409: {"model": Fault, "description": "not possible; nothing was done"},
    422: {"model": Fault, "description": "a parameter is missing or not valid"},
}


def span(first: date | None, last: date | None, today: date, most: int, locale: str) -> Span:
    """The days asked for; today where none is named. UsageError where they are in the wrong order or too many."""
    begin = first or today
    end = last or begin
    if not EARLIEST <= begin <= end <= LATEST or end - begin >= timedelta(days=most):
        raise UsageError(say(locale, "web.days_unusable", first=begin, last=end, most=most))
    return Span(begin, end)
