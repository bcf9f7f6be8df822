"""A message's envelope and its bytes: to whom, referring to what, in whose words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Protocol

from reminder.channels.base import Channel
from reminder.compose import Circumstances, TemplateFault, render_body
from reminder.cycle.service import Service
from reminder.domain.message import Envelope, Letter
from reminder.domain.reminder import Reminder
from reminder.outbox import Claimed, Written
from reminder.render.address import domain_refused

log = logging.getLogger("reminder.cycle")
_MOST_REFERENCES = 10  # a References header is for threading, not for the whole ledger


class Unwritable(Exception):
    """Why a message can go to nobody."""


class Write(Protocol):
    """Writes a letter; without `brief` only what an e-mail shows. Raises TemplateFault."""

    def __call__(self, circumstances: Circumstances, *, brief: bool = True) -> Letter: ...


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter before it is written: for which channel and envelope, with which short number, and who writes it."""

    channel: Channel
    envelope: Envelope
    number: str
    write: Write


def written(service: Service, draft: Draft) -> Written:
    """The bytes of a letter, as its channel sends them; by the built-in templates where the office's own are faulty: a
    typing error in a template must not silence anybody. The fault is told with the bytes."""
    channel, fault = draft.channel, ""
    try:
        if channel.mail_from is not None:
            letter = draft.write(circumstances_of(service, draft), brief=False)
        else:
            letter = letter_of(service, draft)
    except TemplateFault as told:
        fault = str(told)
        log.error("the built-in template is used instead: %s", fault)
        letter = _by_built_in(replace(service, templates=None), draft)
    return Written(letter.subject, channel.render(letter, draft.envelope), fault)


def _by_built_in(service: Service, draft: Draft) -> Letter:
    """The same, with the facts alone where only the office has a template for the body that its channel asks for."""
    try:
        return letter_of(service, draft)
    except TemplateFault:
        return draft.write(circumstances_of(service, draft))


def letter_of(service: Service, draft: Draft) -> Letter:
    """The letter of a draft, and with the body that its channel asks for."""
    letter, body = draft.write(circumstances_of(service, draft)), draft.channel.body_template
    return letter.with_body(render_body(body, letter, service.templates)) if body else letter


def circumstances_of(service: Service, draft: Draft) -> Circumstances:
    """What a draft's letter says beside its reminders."""
    envelope = draft.envelope
    true_addressee = envelope.recipient if service.redirect_to else ""
    return service.circumstances(
        envelope.written_at, number=draft.number, message_id=envelope.message_id, true_addressee=true_addressee
    )


def threads(reminders: Sequence[Reminder], domain: str) -> tuple[str, ...]:
    """The ids that a letter with these reminders refers to."""
    named: dict[int, None] = {}
    for measure, _ in chain.from_iterable(one.firing.lines for one in reminders):
        named[measure.id] = None
        if len(named) == _MOST_REFERENCES:
            break
    return tuple(thread_id(one, domain) for one in named)


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
        if domain := domain_refused(address, service.allow_domains):
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
