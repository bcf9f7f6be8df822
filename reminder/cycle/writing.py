"""A message's envelope and its bytes: to whom, referring to what, in whose words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from reminder.channels.base import Channel
from reminder.compose import Circumstances, TemplateFault, compose, render_body
from reminder.cycle.service import Service
from reminder.domain.message import Envelope, Letter
from reminder.domain.reminder import Reminder
from reminder.outbox import Claimed, Written

log = logging.getLogger("reminder.cycle")
_MOST_REFERENCES = 10  # a References header is for threading, not for the whole ledger


class Unwritable(Exception):
    """Why a message can go to nobody."""


def written(service: Service, channel: Channel, reminders: list[Reminder], envelope: Envelope, number: str) -> Written:
    """The bytes of a letter with these reminders, as `channel` sends them; by the built-in templates where the
    office's own are faulty: a typing error in a template must not silence anybody."""
    try:
        if channel.shows_mail:
            letter = compose(reminders, _circumstances(service, envelope, number), brief=False)
        else:
            letter = letter_of(service, channel, reminders, envelope, number)
    except TemplateFault as fault:
        log.error("the built-in template is used instead: %s", fault)
        letter = _by_built_in(replace(service, templates=None), channel, reminders, envelope, number)
    return Written(letter.subject, channel.render(letter, envelope))


def _by_built_in(
    service: Service, channel: Channel, reminders: Sequence[Reminder], envelope: Envelope, number: str
) -> Letter:
    """The same, with the facts alone where only the office has a template for the body that `channel` asks for."""
    try:
        return letter_of(service, channel, reminders, envelope, number)
    except TemplateFault:
        return compose(reminders, _circumstances(service, envelope, number))


def letter_of(
    service: Service, channel: Channel, reminders: Sequence[Reminder], envelope: Envelope, number: str
) -> Letter:
    """The letter with these reminders, and with the body that `channel` asks for."""
    letter = compose(reminders, _circumstances(service, envelope, number))
    if channel.body_template:
        return letter.with_body(render_body(channel.body_template, letter, service.templates))
    return letter


def _circumstances(service: Service, envelope: Envelope, number: str) -> Circumstances:
    true_addressee = envelope.recipient if service.redirect_to else ""
    return service.circumstances(
        envelope.written_at, number=number, message_id=envelope.message_id, true_addressee=true_addressee
    )


def threads(reminders: Sequence[Reminder], domain: str) -> tuple[str, ...]:
    """The ids that a letter with these reminders refers to."""
    named = dict.fromkeys(thread_id(line.measure.id, domain) for one in reminders for line in one.firing.lines)
    return tuple(named)[:_MOST_REFERENCES]


def thread_id(measure_id: int, domain: str) -> str:
    """The message id that all letters about one measure refer to."""
    return f"m-{sha256(str(measure_id).encode()).hexdigest()[:20]}@{domain}"


def addresses_of(service: Service, message: Claimed) -> tuple[str, ...]:
    """Where it goes. Raises Unwritable where it cannot go there."""
    if service.redirect_to:
        return service.redirect_to
    addresses = service.party(message.recipient).addresses.get(message.channel)
    if addresses is None:
        raise Unwritable(f"{message.recipient} has no address for the channel {message.channel!r}")
    for address in addresses:
        name, _, domain = address.lower().rpartition("@")
        if service.allow_domains and name and domain not in service.allow_domains:  # "@all" mentions a whole group
            raise Unwritable(f"{domain} is not among sending.allow_domains")
    return addresses


def envelope_of(
    service: Service, message: Claimed, addresses: tuple[str, ...], threads: tuple[str, ...], now: datetime
) -> Envelope:
    """The envelope of an attempt at `now`; the instant of the first one stays in it."""
    return Envelope(
        message_id=message.message_id,
        recipient=message.recipient,
        addresses=addresses,
        reply_to=service.reply_to,
        references=threads,
        written_at=message.written_at or now,
    )
