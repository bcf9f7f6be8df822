"""The configuration as the rest of the house uses it: one frozen value, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from reminder.channels.base import ChannelKeys
from reminder.channels.secret import revealed
from reminder.config.directory import directory
from reminder.config.keys import DayRange
from reminder.config.models import Book, CalendarKeys, Engine, Ledger, Office, Sending, Settings, Store, Watchdog, Web
from reminder.config.people import LeaderKeys, UnitKeys
from reminder.domain.people import Directory
from reminder.rules.calendar import Calendar
from reminder.rules.rule import Practice, Rule
from reminder.rules.when import Distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one ledger is read. `columns` are extra header names by column, `statuses` extra words by status."""

    dated: date | None
    default_year: int | None
    immediate_within: Distance | None
    columns: Mapping[str, tuple[str, ...]]
    statuses: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything the office has set. `folder` is where relative paths start."""

    folder: Path
    settings: Settings
    rules: tuple[Rule, ...]
    units: tuple[UnitKeys, ...]
    leaders: tuple[LeaderKeys, ...]
    channels: Mapping[str, ChannelKeys]

    @property
    def office(self) -> Office:
        """[office]."""
        return self.settings.office

    @property
    def store(self) -> Store:
        """[store]."""
        return self.settings.store

    @property
    def calendar(self) -> CalendarKeys:
        """[calendar] as written; `practice.calendar` answers questions."""
        return self.settings.calendar

    @property
    def sending(self) -> Sending:
        """[sending]."""
        return self.settings.sending

    @property
    def ledger(self) -> Ledger:
        """[ledger] as written; `reading(name)` is what holds for one ledger."""
        return self.settings.ledger

    @property
    def web(self) -> Web | None:
        """[web]; None where no pages are served: neither the table nor an address that leads to them is there."""
        return self.settings.web or (Web() if self.office.public_url else None)

    @property
    def watchdog(self) -> Watchdog:
        """[watchdog]."""
        return self.settings.watchdog

    @property
    def engine(self) -> Engine:
        """[engine]."""
        return self.settings.engine

    @property
    def locale(self) -> str:
        """The language of letters and screens."""
        return self.office.locale

    @cached_property
    def zone(self) -> ZoneInfo:
        """The office's zone."""
        return ZoneInfo(self.office.timezone)

    @cached_property
    def practice(self) -> Practice:
        """How the office works, as rules ask for it."""
        return Practice(
            calendar=calendar(self.calendar),
            zone=self.zone,
            started_on=self.office.started_on,
            working_days_only=self.sending.working_days_only,
        )

    @cached_property
    def directory(self) -> Directory:
        """Everybody who can be written to."""
        return directory(self.office, self.units, self.leaders, self.channels)

    @property
    def database_url(self) -> str:
        """The database's URL with a relative SQLite file resolved. UsageError where its secret is not set."""
        return resolved(revealed(self.store.url, self.folder), self.folder)

    def reading(self, ledger: str = "") -> Reading:
        """How the ledger called `ledger` ("" = the only one) is read.

        A [ledger.book.NAME] that sets `dated` or `default_year` takes neither from [ledger]: another book's year
        would make wrong dates. Its columns and words add to those of [ledger].
        """
        common = self.ledger
        book = common.book.get(ledger, Book())
        clock = book if book.dated or book.default_year else common
        return Reading(
            dated=clock.dated,
            default_year=clock.default_year,
            immediate_within=book.immediate_within or common.immediate_within,
            columns=_joined(_columns(common), _columns(book)),
            statuses=_joined(_statuses(common), _statuses(book)),
        )


def calendar(keys: CalendarKeys) -> Calendar:
    """The calendar that [calendar] describes."""
    return Calendar(
        base=keys.base,
        off=_all_days(keys.off),
        work=_all_days(keys.work),
        covered_years=frozenset(keys.covered_years),
    )


def _all_days(ranges: tuple[DayRange, ...]) -> frozenset[date]:
    return frozenset(day for one in ranges for day in one.days())


def resolved(url: str, folder: Path) -> str:
    """`url` with the relative file of an SQLite database resolved from `folder`."""
    scheme, found, path = url.partition(":///")
    if not found or not scheme.startswith("sqlite"):
        return url
    file, question, query = path.partition("?")
    return f"{scheme}:///{(folder.absolute() / file).as_posix()}{question}{query}"


def _columns(book: Book) -> dict[str, tuple[str, ...]]:
    """By the ledger's own names of its columns: there a measure's wording is `text`."""
    found = {name: headers for name in type(book.columns).model_fields if (headers := getattr(book.columns, name))}
    return {"text" if name == "measure" else name: headers for name, headers in found.items()}


def _statuses(book: Book) -> dict[str, tuple[str, ...]]:
    return {status.value: words for status, words in book.statuses.items()}


def _joined(common: Mapping[str, tuple[str, ...]], own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(dict.fromkeys((*own.get(name, ()), *common.get(name, ())))) for name in {**common, **own}}
