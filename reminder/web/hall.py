"""What every page needs: the application as it is configured now, the clock, the key, the reader's language."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import Request

from reminder.app import App
from reminder.config.models import Web
from reminder.gate.door import Door
from reminder.web.remembered import Kept, Remembered
from reminder.web.visits import Visits
from reminder.words import LOCALES

LANGUAGE_COOKIE = "language"
_OFFERED = 300


@dataclass(frozen=True, slots=True)
class Hall:
    """`current` is the application as last reloaded; `now` the clock; `key` the service's secret; `memory` what costs
    much and may be some seconds old; `visits` how often links were opened; `door` who signs in."""

    current: Callable[[], App]
    now: Callable[[], datetime]
    key: str
    memory: Remembered = field(default_factory=Remembered)
    visits: Visits = field(default_factory=Visits)
    door: Door = field(default_factory=Door)

    @property
    def app(self) -> App:
        """The application as it is configured now."""
        return self.current()

    @property
    def web(self) -> Web:
        """[web]."""
        return self.app.configuration.web or Web()

    def today(self) -> date:
        """The office's local day."""
        return self.now().astimezone(self.app.configuration.zone).date()

    def since(self, kept: Kept[Any] | None) -> datetime | None:
        """Since when something remembered is known; None where it is not known yet."""
        return self.now() - timedelta(seconds=kept.age) if kept else None

    def names_of(self, unit: str) -> list[str]:
        """By which names the ledger may call a unit."""
        known = self.app.configuration.directory.units.get(unit)
        return [unit, *(known.aliases if known else ())]

    def offered_units(self) -> list[str]:
        """The units to pick from by name; none where there are so many that a phone would read for a minute."""
        units = self.app.configuration.directory.units
        return sorted(units) if len(units) <= _OFFERED else []

    @property
    def public_host(self) -> str:
        """Host and port of `public_url`; "" without one."""
        return urlsplit(self.app.configuration.office.public_url or "").netloc


def hall(request: Request) -> Hall:
    """The hall of this request's application."""
    return cast(Hall, request.app.state.hall)


def locale_of(request: Request) -> str:
    """The reader's choice, now or earlier; else the office's language."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wanted in LOCALES:
            return wanted
    return hall(request).app.configuration.locale


def secure(request: Request) -> bool:
    """Whether the reader came by https; a reverse proxy in front is known by the public URL."""
    here = hall(request)
    public = here.app.configuration.office.public_url or ""
    return request.url.scheme == "https" or (
        public.startswith("https://") and request.headers.get("host") == here.public_host
    )


def cookie_name(request: Request, name: str) -> str:
    """`__Host-` binds a cookie to this very host and to https (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure(request) else name


def visit_of(request: Request) -> str:
    """What ties a form to the browser it was shown in, before anybody is signed in."""
    known = request.cookies.get(cookie_name(request, "visit"))
    if known:
        return known
    if not hasattr(request.state, "visit"):
        request.state.visit = secrets.token_urlsafe(16)
    return cast(str, request.state.visit)
