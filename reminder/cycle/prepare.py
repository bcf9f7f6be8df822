"""A claimed message just before it goes: may it go now, does it still hold, and what exactly is sent.

Until the first attempt a message is rendered from the ledger as it stands; from then on its bytes are fixed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from hashlib import sha256

from sqlmodel import Session

from reminder import outbox
from reminder.channels.base import Channel
from reminder.compose import Circumstances, TemplateFault, compose, render_body
from reminder.cycle.service import Service
from reminder.domain.message import Envelope, Letter
from reminder.domain.reminder import Reason, Reminder
from reminder.outbox import Claimed, Written
from reminder.rules.recheck import recheck
from reminder.scan import facts_again
from reminder.store.reminders import reminders_of

log = logging.getLogger("reminder.cycle")
_MOST_REFERENCES = 10  # a References header is for threading, not for the whole ledger


@dataclass(frozen=True, slots=True)
class Ready:
    """What goes over the wire; the attempt is counted already."""

    envelope: Envelope
    payload: bytes
    attempt_id: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing is sent now; the state the message was left in."""

    state: str


def prepare(
    service: Service, session: Session, channel: Channel | None, message: Claimed, now: datetime
) -> Ready | Ended:
    """Makes a claimed message ready for one attempt, or says in which state it was left instead."""
    if channel is None:
        return _failed(session, message, f"there is no channel {message.channel!r} any more", now)
    if waits := _waits(service, session, message, now):
        outbox.release(session, message, *waits)
        return Ended("held")
    if message.payload is None:
        return _first(service, session, channel, message, now)
    # After plain refusals nobody has it, and it may still be cancelled; otherwise nothing changes any more.
    if outbox.only_refused(session, message) and not _rechecked(service, session, message, now)[0]:
        return _cancelled(session, message, {}, now)
    envelope = _envelope(service, message, message.addresses, message.thread_ids, now)
    return _begun(session, message, envelope, Written("", message.payload), now)


def _first(service: Service, session: Session, channel: Channel, message: Claimed, now: datetime) -> Ready | Ended:
    """A first attempt: the letter is written from the ledger as it stands now."""
    standing, dropped = _rechecked(service, session, message, now)
    if not standing:
        return _cancelled(session, message, dropped, now)
    addresses, refused = _addresses(service, message)
    if refused:
        return _failed(session, message, refused, now)
    for row_id, reason in dropped.items():
        outbox.cancel_reminder(session, row_id, reason)
    envelope = _envelope(service, message, addresses, threads(standing, service.domain), now)
    return _begun(session, message, envelope, written(service, channel, standing, envelope, f"R-{message.id}"), now)


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
        letter = compose(reminders, _circumstances(replace(service, templates=None), envelope, number))
    return Written(letter.subject, channel.render(letter, envelope))


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
    return service.circumstances(envelope.written_at, number=number, true_addressee=true_addressee)


def threads(reminders: Sequence[Reminder], domain: str) -> tuple[str, ...]:
    """The ids that a letter with these reminders refers to."""
    named = dict.fromkeys(thread_id(line.measure.id, domain) for one in reminders for line in one.firing.lines)
    return tuple(named)[:_MOST_REFERENCES]


def thread_id(measure_id: int, domain: str) -> str:
    """The message id that all letters about one measure refer to."""
    return f"m-{sha256(str(measure_id).encode()).hexdigest()[:20]}@{domain}"


def _begun(session: Session, message: Claimed, envelope: Envelope, sent: Written, now: datetime) -> Ready | Ended:
    attempt_id = outbox.begin_attempt(session, message, envelope, sent, now)
    return Ended("lost") if attempt_id is None else Ready(envelope, sent.payload, attempt_id)


def _cancelled(session: Session, message: Claimed, dropped: Mapping[int, Reason], now: datetime) -> Ended:
    for row_id, reason in dropped.items():
        outbox.cancel_reminder(session, row_id, reason)
    outbox.cancel(session, message, "nothing of it holds any more", now)
    return Ended("cancelled")


def _failed(session: Session, message: Claimed, why: str, now: datetime) -> Ended:
    outbox.fail(session, message, why, now)
    return Ended("failed")


def _waits(service: Service, session: Session, message: Claimed, now: datetime) -> tuple[datetime, str] | None:
    """Until when a message has to wait, and why; None where it may go now."""
    slot = service.hours.next_slot(now, service.practice)
    if slot > now:
        return slot, "hours"
    today = datetime.combine(now.astimezone(service.practice.zone).date(), time.min, service.practice.zone)
    sent = outbox.sent_since(session, message.recipient, message.channel, today)
    if not message.attempts and sent >= service.most_per_day:
        return service.hours.opening_after(now, service.practice), "cap"
    return None


def _rechecked(
    service: Service, session: Session, message: Claimed, now: datetime
) -> tuple[list[Reminder], dict[int, Reason]]:
    """Its reminders that still hold, and by row id why others do not."""
    on = now.astimezone(service.practice.zone).date()
    stored = reminders_of(session, message.id)
    facts = facts_again(session, [reminder.firing for reminder, _ in stored.values()], on)
    standing: list[Reminder] = []
    dropped: dict[int, Reason] = {}
    for row_id, (reminder, deadlines) in stored.items():
        checked = recheck(reminder, deadlines, facts, on)
        if isinstance(checked, Reason):
            dropped[row_id] = checked
        else:
            standing.append(checked)
    return standing, dropped


def _addresses(service: Service, message: Claimed) -> tuple[tuple[str, ...], str]:
    """Where it goes, or why it cannot go there."""
    if service.redirect_to:
        return service.redirect_to, ""
    addresses = service.party(message.recipient).addresses.get(message.channel)
    if addresses is None:
        return (), f"{message.recipient} has no address for the channel {message.channel!r}"
    for address in addresses:
        name, _, domain = address.lower().rpartition("@")
        if service.allow_domains and name and domain not in service.allow_domains:  # "@all" mentions a whole group
            return (), f"{domain} is not among sending.allow_domains"
    return addresses, ""


def _envelope(
    service: Service, message: Claimed, addresses: tuple[str, ...], threads: tuple[str, ...], now: datetime
) -> Envelope:
    return Envelope(
        message_id=message.message_id,
        recipient=message.recipient,
        addresses=addresses,
        reply_to=service.reply_to,
        references=threads,
        written_at=message.written_at or now,
    )
