"""Claimed messages just before they go: may each go now, does it still hold, and what exactly is sent.

Until the first attempt a message is rendered from the ledger as it stands; from then on its bytes are fixed. Here it is
only read and decided; what was decided is written down by whoever asked.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from reminder import outbox
from reminder.briefing import matters_of
from reminder.channels.base import Channel
from reminder.compose import Entry, compose, compose_office, entries, in_full, read_in_full, told
from reminder.cycle.service import Service
from reminder.cycle.starting import Asked, Left, started, unwritten
from reminder.cycle.writing import Draft, Write, addresses_of, circumstances_of, envelope_of, threads
from reminder.domain.matter import Matter
from reminder.domain.measure import Measure
from reminder.domain.reminder import Reason, Reminder
from reminder.outbox import Claimed, Start, Written
from reminder.render.scribe import Question, Scribe
from reminder.rules.recheck import recheck
from reminder.rules.rule import Facts
from reminder.scan import facts_again
from reminder.store.garbage import uncollected
from reminder.store.reminders import Stored, reminders_of
from reminder.store.shown import shown

_SHORTEST_LIFE = 3  # working days that a message may wait for its channel, also where no downtime is answered for
_PORTION = 25  # messages looked at together where their mails are written meanwhile
_MOST_DEATHS = 10  # in a row within a message's attempts, before nobody tries it any more
_ORPHANS_LIFE = 7  # the same for reminders of a rule that no longer exists
log = logging.getLogger("reminder.cycle")

Standing = tuple[Sequence[Reminder], Mapping[int, Reason]]
"""Reminders that still hold, and by row id why others do not."""
Own = tuple[Sequence[Matter], bool]
"""What a message of the office's own tells, and whether it tells all of it."""
Opened = Callable[[str], Channel | None]
"""The channel of a name, for rendering; None where the configuration has none any more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Claimed messages to be looked at together at the instant `now`. `under_way` are messages by recipient and channel
    that are about to be sent: they count towards the day's cap."""

    claimed: Sequence[Claimed]
    now: datetime
    under_way: Mapping[tuple[str, str], int] = field(default_factory=dict)


@uncollected()
def prepare(
    service: Service, opened: Opened, session: Session, batch: Batch, scribe: Scribe | None = None
) -> list[Start | Asked | Left]:
    """Makes claimed messages ready for one attempt each, or says how each is left instead. A `scribe` writes mails
    while the next ones are looked at, and while those before them go: it is asked for the bytes just before a try.

    One that cannot be read or written is a dead letter; it stops only itself.
    """
    try:
        return list(_decided(service, opened, session, batch, scribe))
    except SQLAlchemyError:
        raise  # the database is ill, not a message
    except Exception as error:  # whatever a row's contents can cause
        log.exception("one of %d messages cannot be read", len(batch.claimed))
        if len(batch.claimed) == 1:
            return [Left(batch.claimed[0], "failed", f"cannot be written: {error}")]
        alone = (prepare(service, opened, session, replace(batch, claimed=[one])) for one in batch.claimed)
        return [decided for one in alone for decided in one]


def _decided(
    service: Service, opened: Opened, session: Session, batch: Batch, scribe: Scribe | None
) -> Iterator[Start | Asked | Left]:
    """Each message looked at; some at a time where a scribe waits for them."""
    under_way, size = Counter(batch.under_way), _PORTION if scribe else max(1, len(batch.claimed))
    for first in range(0, len(batch.claimed), size):
        some = Batch(batch.claimed[first : first + size], batch.now, under_way)
        desk = _Desk.read(service, session, some, scribe)
        desk.look_again(session, [one for one in some.claimed if one.payload is None and not one.own], opened)
        for message in some.claimed:
            one = desk.decide(message, opened(message.channel))
            if not isinstance(one, Left) and not message.attempts:
                under_way[message.recipient, message.channel] += 1
            yield one


@dataclass(slots=True)
class _Desk:
    """What is known about the messages of one batch, and the decision on each."""

    service: Service
    now: datetime
    stored: Mapping[int, Stored]
    facts: Facts
    doubtful: Collection[int]
    deadly: Collection[int]
    sent: Counter[tuple[str, str]]
    own: Mapping[int, Own]
    scribe: Scribe | None
    standing: dict[int, Standing] = field(default_factory=dict)
    entries: dict[int, Sequence[Entry]] = field(default_factory=dict)

    @classmethod
    def read(cls, service: Service, session: Session, batch: Batch, scribe: Scribe | None) -> _Desk:
        claimed, now = batch.claimed, batch.now
        stored = reminders_of(session, [message.id for message in claimed], outlined=True)
        firings = [reminder.firing for one in stored.values() for reminder, _ in one.values()]
        today = datetime.combine(now.astimezone(service.practice.zone).date(), time.min, service.practice.zone)
        sent = outbox.tried_since(session, [one.recipient for one in claimed if not one.attempts], today)
        sent.update(batch.under_way)
        return cls(
            service=service,
            now=now,
            stored=stored,
            facts=facts_again(session, firings, today.date()),
            doubtful=outbox.doubtful(session, [message.id for message in claimed if message.attempts]),
            deadly=outbox.deadly(session, [one.id for one in claimed if one.attempts >= _MOST_DEATHS], _MOST_DEATHS),
            sent=sent,
            own={
                message.id: matters_of(session, service.briefing, message.own, now)
                for message in claimed
                if message.own and message.payload is None
            },
            scribe=scribe,
        )

    def look_again(self, session: Session, claimed: Sequence[Claimed], opened: Opened) -> None:
        """Re-checks what has not been tried yet, and reads in full those measures of which its letters say more than
        how many they are."""
        named: dict[tuple[int, str], Measure] = {}
        for message in claimed:
            reminders, _ = self.standing[message.id] = self._rechecked(message)
            channel = opened(message.channel)
            on = (message.written_at or self.now).astimezone(self.service.practice.zone).date()
            brief = channel is None or channel.mail_from is None
            found = self.entries[message.id] = entries(reminders, on)
            named |= read_in_full(reminders, found, on, self.service.own_templates, brief=brief)
        outlined = [measure for measure in named.values() if not measure.code]
        told = {(measure.id, measure.units[0]): measure for measure in shown(session, outlined)}
        self.entries = {message: in_full(found, told) for message, found in self.entries.items()}

    def decide(self, message: Claimed, channel: Channel | None) -> Start | Asked | Left:
        if channel is None:
            return Left(message, "failed", f"there is no channel {message.channel!r} any more")
        if message.id in self.deadly:
            return Left(message, "failed", f"in each of its last {_MOST_DEATHS} attempts the process died")
        if waits := self._waits(message):
            return Left(message, "held", waits[1], waits[0])
        if message.payload is None:
            return self._first_own(message, channel) if message.own else self._first(message, channel)
        # After plain refusals nobody has it, and it may still be cancelled; otherwise nothing changes any more.
        if not message.own and message.id not in self.doubtful:
            standing, dropped = self._rechecked(message)
            if not standing:
                return _nothing_left(message, dropped)
        envelope = envelope_of(self.service, message, message.addresses, message.thread_ids, self.now)
        return Start(message, envelope, Written("", message.payload), doubted=message.id in self.doubtful)

    def _waits(self, message: Claimed) -> tuple[datetime, str] | None:
        """Until when a message has to wait, and why; None where it may go now."""
        hours, practice = self.service.hours, self.service.practice
        slot = hours.next_slot(self.now, practice)
        if slot > self.now:
            return slot, "hours"
        if self.service.redirect_to and message.payload is not None and message.addresses != self.service.redirect_to:
            return hours.opening_after(self.now, practice), "trial"  # its bytes are for its true addressee
        if message.own:
            return None  # what the office has to know waits for no cap, and counts for none
        if not message.attempts and self.sent[message.recipient, message.channel] >= self.service.most_per_day:
            return hours.opening_after(self.now, practice), "cap"
        return None

    def _first(self, message: Claimed, channel: Channel) -> Start | Asked | Left:
        """A first attempt: the letter is written from the ledger as it stands now."""
        (standing, dropped), found = self.standing[message.id], self.entries[message.id]
        if not standing:
            return _nothing_left(message, dropped)
        try:
            write = partial(compose, standing, found=found)
            draft = self._draft(message, channel, threads(standing, self.service.domain), write)
            if self.scribe and channel.mail_from is not None:
                facts = told(standing, circumstances_of(self.service, draft), found)
                page = self.scribe.write(Question(facts, draft.envelope, channel.mail_from))
                decided: Start | Asked | Left = Asked(message, draft.envelope, partial(self.scribe.read, page), dropped)
            else:
                decided = started(self.service, message, draft, dropped)
        except Exception as error:  # whatever a letter's contents can cause
            return unwritten(message, error)
        self.sent[message.recipient, message.channel] += not isinstance(decided, Left)
        return decided

    def _first_own(self, message: Claimed, channel: Channel) -> Start | Left:
        """The same for a message of the office's own."""
        matters, whole = self.own[message.id]
        if not matters:
            return _nothing_left(message, {})
        try:
            draft = self._draft(message, channel, (), partial(compose_office, matters, in_full=whole))
        except Exception as error:  # the same
            return unwritten(message, error)
        return started(self.service, message, draft, {})

    def _draft(self, message: Claimed, channel: Channel, threads: tuple[str, ...], write: Write) -> Draft:
        addresses = addresses_of(self.service, message)
        envelope = envelope_of(self.service, message, addresses, threads, self.now)
        return Draft(channel, envelope, f"R-{message.id}", write)

    def _rechecked(self, message: Claimed) -> Standing:
        on = self.now.astimezone(self.service.practice.zone).date()
        standing: list[Reminder] = []
        dropped: dict[int, Reason] = {}
        for row_id, (reminder, deadlines) in self.stored[message.id].items():
            checked = self._expired(reminder) or recheck(reminder, deadlines, self.facts, on)
            if isinstance(checked, Reason):
                dropped[row_id] = checked
            else:
                standing.append(checked)
        return standing, dropped

    def _expired(self, reminder: Reminder) -> Reason | None:
        """What has waited for longer than a downtime would be answered for is stale. Counted in working days, so that
        no long holiday ends a message that waits for its end."""
        firing, practice = reminder.firing, self.service.practice
        rule = next((rule for rule in self.service.rules if rule.name == firing.rule), None)
        reach = max(rule.catch_up_days, _SHORTEST_LIFE) if rule else _ORPHANS_LIFE
        day = firing.at.astimezone(practice.zone).date()
        if practice.calendar.between(day, self.now.astimezone(practice.zone).date()) <= reach:
            return None
        return Reason("cancelled_expired", {"day": day.isoformat(), "reach": str(reach)})


def _nothing_left(message: Claimed, dropped: Mapping[int, Reason]) -> Left:
    return Left(message, "cancelled", "nothing of it holds any more", dropped=dropped)


def leave(session: Session, left: Left, now: datetime) -> None:
    """Writes down how a message was left."""
    match left.state:
        case "held":
            outbox.release(session, left.message, left.until, left.why)
        case "failed":
            outbox.fail(session, left.message, left.why, now)
        case _:
            for row_id, reason in left.dropped.items():
                outbox.cancel_reminder(session.connection(), row_id, reason)
            outbox.cancel(session, left.message, left.why, now)
