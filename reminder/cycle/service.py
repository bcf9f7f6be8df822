"""Everything a cycle works with, put together from the configuration by `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from reminder.briefing import Briefing
from reminder.channels.base import Channel
from reminder.compose import Circumstances
from reminder.domain.people import OFFICE, Directory, Party
from reminder.rules.hours import SendingHours
from reminder.rules.rule import Practice, Rule
from reminder.store.marker import Marker

if TYPE_CHECKING:
    from reminder.gate.links import Links


class Delivery(Protocol):
    """Delivers what is due, from `start` to `stop`. `looked_at`: when it last looked for what is due, well."""

    looked_at: float

    @property
    def started(self) -> bool:
        """Whether `start` was ever called."""

    def start(self) -> None:
        """Begins to deliver; where it has begun already, says that something new may be due."""

    def alive(self, within: float) -> bool:
        """Whether it looked for what is due within so many seconds."""

    def retire(self) -> None:
        """Tries nothing more; attempts under way end in their own time."""

    def stop(self, grace: float) -> bool:
        """The same, and cuts what has not ended within `grace` seconds; whether all has ended."""


class Transport(Protocol):
    """How deliveries reach whoever makes them, where the outbox alone is not enough."""

    def defer(self, session: Session, now: datetime) -> int:
        """Sends word of every message that may go at `now`, in the transaction that put them into the outbox."""

    def engine(self, service: Service, clock: Callable[[], datetime]) -> Delivery:
        """What delivers by it, not started yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`channels` open a channel by its name. `domain` is the right side of message ids.

    `redirect_to` and `trial_channel` are set while the office tries the service out: everything goes there, and each
    letter names its true addressee. `allow_domains`, where it is not empty, are the only mail domains written to.
    Without a `marker` nobody can tell whether the database was restored; without `message_at` the office gets no
    messages of its own.
    `links` make the link in each message; None where no page could be opened by it.
    """

    engine: Engine
    rules: tuple[Rule, ...]
    directory: Directory
    practice: Practice
    hours: SendingHours
    most_per_day: int
    channels: Mapping[str, Callable[[], Channel]]
    locale: str
    office_name: str
    contact: str = ""
    reply_to: tuple[str, ...] = ()
    domain: str = "reminder.invalid"
    templates: Path | None = None
    redirect_to: tuple[str, ...] = ()
    trial_channel: str = ""
    allow_domains: tuple[str, ...] = ()
    keep_years: int = 10
    links: Links | None = None
    record: Mapping[str, Any] = field(default_factory=dict)  # what decides, as cycles write it down
    marker: Marker | None = None
    message_at: time | None = None
    transport: Transport | None = None  # None: whoever has the database looks at the outbox itself

    @property
    def briefing(self) -> Briefing:
        """How the office wants its own messages."""
        return Briefing(
            rules=self.rules,
            directory=self.directory,
            practice=self.practice,
            hours=self.hours,
            at=self.message_at or self.hours.opens,
            domain=self.domain,
            locale=self.locale,
        )

    @property
    def own_templates(self) -> dict[str, str]:
        """The templates that rules ask for instead of their kind's, by the rule's name."""
        return {rule.name: rule.template for rule in self.rules if rule.template}

    def party(self, recipient: str) -> Party:
        """Who `recipient` (as in a reminder) is now; somebody without addresses where nobody is called so."""
        if recipient == OFFICE:
            return self.directory.office
        if recipient.startswith("channel:"):
            return Party(name=recipient, addresses={recipient.partition(":")[2]: ()})
        known = self.directory.units.get(recipient) or self.directory.leaders.get(recipient)
        return known or Party(name=recipient)

    def circumstances(
        self, now: datetime, *, number: str, message_id: str = "", true_addressee: str = ""
    ) -> Circumstances:
        """What letters written at `now` say beside their reminders."""
        return Circumstances(
            locale=self.locale,
            office=self.office_name,
            on=now.astimezone(self.practice.zone).date(),
            zone=self.practice.zone,
            contact=self.contact,
            replies=bool(self.reply_to),
            number=number,
            redirected_from=true_addressee,
            templates=self.own_templates,
            folder=self.templates,
            link=self.links.to(number, message_id) if self.links else None,
        )
