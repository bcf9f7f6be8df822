"""The sections about the service: what it could not send, what is held or silenced, whom it cannot reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import col, func, select

from reminder.briefing.look import Look
from reminder.briefing.reach import unreachable
from reminder.domain.matter import Matter
from reminder.domain.silence import Silence
from reminder.rules.calendar import missing_year
from reminder.store.holding import set_aside_count
from reminder.store.memory import recall
from reminder.store.messages import measure_keys
from reminder.store.notices import DEAD_LETTER, HELD, lasting
from reminder.store.outbox_tables import DEAD, MessageRow
from reminder.store.service_tables import NoticeRow
from reminder.store.silences import silences_since
from reminder.words import say

_MOST_LETTERS = 10
_MOST_NAMES = 30
_WEEK = timedelta(days=7)


def troubles(look: Look) -> Iterator[Matter]:
    """What was noticed about the service itself and is not over; told at once when it happened, so never fresh."""
    for row in lasting(look.session):
        yield matter_of(row, fresh=False)


def matter_of(row: NoticeRow, *, fresh: bool = True) -> Matter:
    """A notice as a matter; the sentence of what a guard holds depends on the guard."""
    code = f"{HELD}_{row.facts['why']}" if row.code == HELD else row.code
    return Matter("outbox" if row.code == DEAD_LETTER else "service", code, row.facts, fresh)


def dead_letters(look: Look) -> Iterator[Matter]:
    """The letters that could not be sent and that nobody has seen to."""
    dead = select(MessageRow).where(text(DEAD)).order_by(col(MessageRow.id).desc())
    for row in look.session.exec(dead.limit(_MOST_LETTERS)):
        facts = {"id": str(row.id), "recipient": row.recipient, "channel": row.channel, "why": row.why}
        yield Matter("outbox", DEAD_LETTER, facts)
    total = look.session.exec(select(func.count(col(MessageRow.id))).where(text(DEAD))).one()
    if total > _MOST_LETTERS:
        yield Matter("outbox", "dead_letters_more", {"n": str(total - _MOST_LETTERS)}, count=total - _MOST_LETTERS)


def held_back(look: Look) -> Iterator[Matter]:
    """What stayed held after a release of newer ones. While a guard holds, its notice says so."""
    held = 0 if recall(look.session).held_why else set_aside_count(look.session)
    if held:
        yield Matter("outbox", "held_back", {"n": str(held)}, count=held)


def unreached(look: Look) -> Iterator[Matter]:
    """Units and posts for which the office has to answer."""
    found = unreachable(look.session, look.briefing.directory, look.briefing.rules)
    for kind, names in found.items():
        if names:
            yield Matter("reach", f"unreachable_{kind}", {"names": _joined(names, look)}, count=len(names))


def _joined(names: Sequence[str], look: Look) -> str:
    locale = look.briefing.locale
    joined = say(locale, "letters.comma").join(names[:_MOST_NAMES])
    return joined if len(names) <= _MOST_NAMES else say(locale, "letters.and_more", names=joined, n=len(names))


def silences(look: Look) -> Iterator[Matter]:
    """The silences that hold today."""
    running = [one for one in silences_since(look.session, look.today) if one.holds_on(look.today)]
    for one in running:
        facts = {
            "number": str(one.id),
            "what": _target(one, look),
            "until": str(one.until),
            "because": one.because,
        }
        yield Matter("silences", "silence", facts)


def _target(silence: Silence, look: Look) -> str:
    rule = say(look.briefing.locale, "briefing.silence_rule", name=silence.rule) if silence.rule else ""
    measure = measure_keys(look.session, [silence.measure_id]).get(silence.measure_id) if silence.measure_id else ""
    return say(look.briefing.locale, "letters.comma").join(one for one in (silence.unit, measure, rule) if one)


def calendar(look: Look) -> Iterator[Matter]:
    """The year whose rest days are still unknown, from 1 November on."""
    if year := missing_year(look.briefing.practice.calendar, look.today):
        yield Matter("calendar", "calendar", {"year": str(year)})


def letters_sent(look: Look) -> int:
    """How many letters were sent in the past seven days."""
    sent = (MessageRow.state == "sent", MessageRow.own == "", col(MessageRow.finished_at) > look.now - _WEEK)
    return look.session.exec(select(func.count(col(MessageRow.id))).where(*sent)).one()
