"""A message before it exists: the reminders that would travel together, and the letter made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from reminder.channels.base import Channel
from reminder.compose import compose
from reminder.cycle.service import Service
from reminder.cycle.writing import Draft, Write, letter_of, threads
from reminder.domain.message import Envelope, Letter
from reminder.domain.people import OFFICE
from reminder.domain.reminder import Reminder
from reminder.rules.rule import Span

_AHEAD = 400  # days: a yearly rule is found too
_STEP = 20
_NUMBER = "R-0"  # the true one is given when a message is stored


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go: the reminders in it, the letter, and the bytes as the channel sends them."""

    reminders: tuple[Reminder, ...]
    letter: Letter
    payload: bytes


Plan = Callable[[Span], Sequence[Reminder]]


@dataclass(frozen=True, slots=True)
class Plans:
    """What goes on some days: `own` what a unit's own measures cause, `whole` what everybody's do."""

    own: Plan
    whole: Plan


def next_together(plans: Plans, rule: str, unit: str, first: date, last: date | None = None) -> tuple[Reminder, ...]:
    """The reminders of the first message that `rule` causes for `unit` from `first` on, up to `last`; or none. For the
    office those about others too that go to it."""
    end = last or first + timedelta(days=_AHEAD)
    while first <= end:
        span = Span(first, min(end, first + timedelta(days=_STEP)))
        planned = plans.own(span)
        named = [one for one in planned if one.firing.rule == rule]
        caused = [one for one in named if one.firing.unit == unit or one.recipient == unit == OFFICE]
        if caused:
            chosen = min(caused, key=lambda one: (one.firing.at, one.recipient != unit))
            if chosen.recipient != unit:  # whoever answers for a unit is told of others in the same message
                day = chosen.firing.at.date()
                planned = plans.whole(Span(day, day))
            return tuple(one for one in planned if one.message == chosen.message)
        first = span.last + timedelta(days=1)
    return ()


def preview(service: Service, channel: Channel, reminders: tuple[Reminder, ...]) -> Preview:
    """The message that carries `reminders`, which must travel together, as `channel` would send it."""
    first = reminders[0]
    at = min(reminder.firing.at for reminder in reminders)
    party = service.party(first.recipient)
    envelope = Envelope(
        message_id=f"r-preview@{service.domain}",
        recipient=first.recipient,
        addresses=service.redirect_to or party.addresses.get(first.channel, ()),
        reply_to=service.reply_to,
        references=threads(reminders, service.domain),
        written_at=at,
    )
    letter = letter_of(service, Draft(channel, envelope, _NUMBER, partial(compose, reminders)))
    return Preview(reminders, letter, channel.render(letter, envelope))


def preview_own(service: Service, channel: Channel, name: str, write: Write, at: datetime) -> Preview:
    """The office's own message that `write` writes, as `channel`, called `name`, would send it at `at`."""
    envelope = Envelope(
        message_id=f"r-preview@{service.domain}",
        recipient=OFFICE,
        addresses=service.redirect_to or service.directory.office.addresses.get(name, ()),
        reply_to=service.reply_to,
        written_at=at,
    )
    letter = letter_of(service, Draft(channel, envelope, _NUMBER, write))
    return Preview((), letter, channel.render(letter, envelope))
