"""The types of values that several of the files use: addresses, days, hours, zones, database URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from ipaddress import ip_network
from typing import Annotated, Any, NoReturn
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from reminder.channels.secret import Secret
from reminder.render.address import address_fault
from reminder.rules.hours import SendingHours

LONGEST_RANGE = 366  # days that one entry of `off` or `work` may cover
_DATABASES = ("sqlite", "postgresql")
_MIDNIGHT = ("24", "00")  # as people write the end of a day that no clock shows
_LISTEN, _LAST_PORT = r"^(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):(?P<port>\d{1,5})$", 65535
_DAY = r"\d{4}-\d{2}-\d{2}"


class Keys(BaseModel):
    """A table of the configuration: frozen, and strict about unknown keys."""

    # Built on first use: an office uses few kinds, and what it does not use would weigh on the idle daemon.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


def refuse(word: str, **facts: object) -> NoReturn:
    """Refuses a value with the sentence `config.<word>`."""
    raise PydanticCustomError(word, "not valid", facts)


def _day_range(value: Any) -> Any:
    if isinstance(value, DayRange):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return DayRange(value, value)
    ends = re.fullmatch(rf"({_DAY})(?:\.\.({_DAY}))?", value) if isinstance(value, str) else None
    if ends is None:
        refuse("day_range")
    try:
        first, last = date.fromisoformat(ends[1]), date.fromisoformat(ends[2] or ends[1])
    except ValueError:
        refuse("day_unknown")
    if first > last:
        refuse("day_order", swapped=f"{last}..{first}")
    return DayRange(first, last) if (last - first).days < LONGEST_RANGE else refuse("day_long", most=LONGEST_RANGE)


def _hours(value: Any) -> Any:
    ends = re.fullmatch(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", value) if isinstance(value, str) else None
    if ends is None:
        return value if isinstance(value, SendingHours) else refuse("hours")
    try:
        start = time(int(ends[1]), int(ends[2]))
        end = time.max if ends.group(3, 4) == _MIDNIGHT else time(int(ends[3]), int(ends[4]))
    except ValueError:
        refuse("hours")
    return SendingHours(start, end) if start < end else refuse("hours_order")


@cache
def zones() -> frozenset[str]:
    """The names of all time zones; to list them reads some six hundred files, so once must do."""
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    return name if name in zones() else refuse("timezone")


def _email(address: str) -> str:
    return refuse("email") if address_fault(address, "en") else address


def _domain(domain: str) -> str:
    return domain.lower() if re.fullmatch(r"[^\s@/:.]+(\.[^\s@/:.]+)*", domain) else refuse("domain")


def _listen(place: str) -> str:
    found = re.fullmatch(_LISTEN, place)
    return place if found and int(found["port"]) <= _LAST_PORT else refuse("listen")


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        return refuse("network")


def _database(url: str) -> str:
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        refuse("database")
    if password is not None or "password" in parse_qs(parts.query):
        refuse("secret")
    if parts.scheme.split("+")[0] not in _DATABASES:
        refuse("database")
    if parts.scheme.startswith("sqlite") and parts.path.strip("/") in ("", ":memory:"):
        refuse("database_file")
    return url


def _inline_or_kept(value: object) -> str:
    return "inline" if isinstance(value, str) else "kept"


Name = Annotated[str, Field(min_length=1, max_length=100)]
Email = Annotated[str, AfterValidator(_email)]
Domain = Annotated[str, AfterValidator(_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
Days = Annotated[
    DayRange, BeforeValidator(_day_range), WithJsonSchema({"type": "string", "pattern": rf"^{_DAY}(\.\.{_DAY})?$"})
]
Hours = Annotated[
    SendingHours,
    BeforeValidator(_hours),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,2}:\d{2}-\d{1,2}:\d{2}$"}),
]
Network = Annotated[str, AfterValidator(_network)]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$", examples=["X-Remote-User"])]
Listen = Annotated[
    str,
    AfterValidator(_listen),
    WithJsonSchema({"type": "string", "pattern": _LISTEN.replace("?P<port>", ""), "examples": ["127.0.0.1:8080"]}),
]
Database = Annotated[
    Annotated[str, AfterValidator(_database), Tag("inline")] | Annotated[Secret, Tag("kept")],
    Discriminator(_inline_or_kept),
]
