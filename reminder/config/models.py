"""reminder.toml: how the office works, where things are kept, and how the ledger is read."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from reminder.channels.secret import InlineUrl, Secret, Url
from reminder.config.keys import Database, Days, Domain, Email, Header, Hours, Keys, Listen, Name, Network, Zone
from reminder.domain.measure import Status
from reminder.rules.hours import SendingHours
from reminder.rules.when import Clock
from reminder.rules.when import Days as Distance

Year = Annotated[StrictInt, Field(ge=2000, le=2100)]
Headers = tuple[Name, ...]


class Office(Keys):
    """The office itself: replies come to it, and it answers for everybody who cannot be reached."""

    name: Name = Field(description="how letters call the office", examples=["巡察整改办公室"])
    timezone: Zone = Field(default="Asia/Shanghai", description="an IANA zone", examples=["Asia/Shanghai"])
    locale: Literal["zh_CN", "en"] = Field(default="zh_CN", description="the language of letters and screens")
    email: tuple[Email, ...] = Field(min_length=1, description="replies go here", examples=[["office@example.org"]])
    contact: str = Field(default="", description="stands under every message")
    principal: str | None = Field(default=None, description="the title of a [[leader]]")
    channels: tuple[str, ...] = Field(default=(), description="the default for units; else the first channel")
    message_at: Clock = Field(default=time(8, 40), description="when the office's own message goes")
    started_on: date | None = Field(default=None, description="nothing dated before this day is ever sent")
    public_url: InlineUrl | None = Field(default=None, description="without it messages carry no link")


class Store(Keys):
    """Where the database is, and how long what was sent is kept."""

    url: Database = Field(default="sqlite:///reminder.db", description="sqlite:///FILE or a secret postgresql:// URL")
    keep_years: Annotated[StrictInt, Field(ge=1, le=100)] = Field(default=10, description="sent bytes and deliveries")


class CalendarKeys(Keys):
    """Which days are worked, beside what the State Council publishes."""

    base: Literal["cn", "weekdays"] = Field(default="cn", description='"cn", or "weekdays" without any holidays')
    off: tuple[Days, ...] = Field(default=(), description='rest days: "2027-01-01" or "2027-02-05..2027-02-11"')
    work: tuple[Days, ...] = Field(default=(), description="make-up days, written like off")
    covered_years: tuple[Year, ...] = Field(default=(), description="years for which off and work are complete")


class Sending(Keys):
    """When messages may go, how many, and to whom at most."""

    hours: Hours = Field(default=SendingHours(time(8, 30), time(18)), description="outside: held")
    working_days_only: StrictBool = Field(default=True, description="false: on rest days too")
    max_per_recipient_per_day: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(
        default=6, description="more wait for the next slot and are merged"
    )
    redirect_to: tuple[Email, ...] = Field(default=(), description="trial: everything goes here instead")
    allow_domains: tuple[Domain, ...] = Field(
        default=(), description="e-mail domains written to, and those below them; empty = all"
    )


class Columns(Keys):
    """Header names of the workbook beside those the service knows."""

    code: Headers = ()
    aspect: Headers = ()
    problem: Headers = ()
    problem_text: Headers = ()
    measure: Headers = ()
    goal: Headers = ()
    leader: Headers = ()
    units: Headers = ()
    supporting_units: Headers = ()
    deadline: Headers = ()
    status: Headers = ()
    percent: Headers = ()
    progress: Headers = ()
    progress_on: Headers = ()
    parent: Headers = ()
    tags: Headers = ()
    standing: Headers = ()


class Book(Keys):
    """How one ledger is read."""

    dated: date | None = Field(default=None, description="the day the plan was adopted; relative wording counts on")
    default_year: Year | None = Field(default=None, description="for dates without a year")
    immediate_within: Distance | None = Field(default=None, description='the limit of 立行立改: "10wd"')
    columns: Columns = Field(default=Columns(), description="extra header names")
    statuses: dict[Status, Headers] = Field(default={}, description="extra words for a status")


class Ledger(Book):
    """How ledgers are read; `book` holds what differs for one imported with --ledger NAME."""

    book: dict[str, Book] = Field(default={}, description="by the name given to import --ledger")


class Web(Keys):
    """Where the office's pages, the units' pages and the API are served. Without it and `public_url` nothing is."""

    listen: Listen = "127.0.0.1:8080"
    key: Secret | None = Field(default=None, description="signs links; without it the service makes and keeps its own")
    user_header: Header | None = Field(default=None, description="names the user whom a reverse proxy has signed in")
    proxies: tuple[Network, ...] = Field(
        default=(), description="addresses of the reverse proxies whose headers are believed", examples=[["127.0.0.1"]]
    )


class Watchdog(Keys):
    """Who notices when this service is silent."""

    ping_url: Url | None = Field(default=None, description="called after each healthy cycle")
    listen: Listen | None = Field(default=None, description="where /healthz answers when no pages are served")


class Engine(Keys):
    """How deliveries reach whoever makes them."""

    kind: Literal["outbox", "procrastinate"] = Field(
        default="outbox", description='"procrastinate": as jobs, for many machines on PostgreSQL (an extra)'
    )


class Settings(Keys):
    """The whole of reminder.toml."""

    office: Office
    store: Store = Store()
    calendar: CalendarKeys = CalendarKeys()
    sending: Sending = Sending()
    ledger: Ledger = Ledger()
    web: Web | None = None
    watchdog: Watchdog = Watchdog()
    engine: Engine = Engine()
