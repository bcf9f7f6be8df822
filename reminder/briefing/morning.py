"""When the office is written to of the service's own accord, what is said, and the outbox's row that carries it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from reminder.briefing import ledger, upkeep
from reminder.briefing.look import Briefing, Look
from reminder.domain.matter import Matter
from reminder.domain.people import OFFICE, Party
from reminder.rules.calendar import ONE_DAY
from reminder.rules.rule import Practice
from reminder.store import delivery_log
from reminder.store import memory as store
from reminder.store.memory import Memory
from reminder.store.notices import assign, last_told_at, note_dead_letters, told_in, untold
from reminder.store.outbox_tables import MessageRow

# A section of the message is one function here and its words in `words/briefing.toml`.
SECTIONS: tuple[Callable[[Look], Iterable[Matter]], ...] = (
    upkeep.troubles,
    upkeep.dead_letters,
    upkeep.held_back,
    ledger.waiting_for_us,
    ledger.reports_missing,
    ledger.due,
    ledger.overdue,
    ledger.limits,
    upkeep.unreached,
    upkeep.silences,
    upkeep.calendar,
)
MORNING, WEEK, NOTICE = "morning", "week", "notice"
_LOOKED_BACK = timedelta(days=14)
_BETWEEN_NOTICES = timedelta(hours=1)
_AT_ONCE = ("held", "standby")  # what does not wait for the hour: nothing goes at all meanwhile
_MONDAYS = 3  # a Monday may be moved past the next one


@dataclass(frozen=True, slots=True)
class Own:
    """A message of the office's own, as the outbox names it. What came up since the day `since` is fresh in it."""

    kind: str
    day: date
    since: date

    def __str__(self) -> str:
        return f"{self.kind}:{self.day}:{self.since}"

    @classmethod
    def read(cls, name: str) -> Own:
        """The message that the outbox calls `name`."""
        kind, day, since = name.split(":")
        return cls(kind, date.fromisoformat(day), date.fromisoformat(since))


def tell(session: Session, briefing: Briefing, memory: Memory, now: datetime, *, notices_only: bool = False) -> None:
    """Puts what the office has to be told into the outbox: notices, and once a working morning the rest."""
    note_dead_letters(session, now)
    _put_notices(session, briefing, now)
    today = now.astimezone(briefing.practice.zone).date()
    if memory.last_at is None:  # the office has just set it up, and looks at it anyway
        store.looked(session, today, None)
        return
    if notices_only or not _time_to_look(briefing, memory, today, now):
        return
    own = _own(briefing.practice, memory, today)
    matters = gathered(session, briefing, own, now)
    wanted = own.kind == WEEK or any(one.fresh for one in matters)
    if wanted:
        _put(session, briefing, str(own), channels(briefing.directory.office), now)
    store.looked(session, today, now if wanted else None)


def _time_to_look(briefing: Briefing, memory: Memory, today: date, now: datetime) -> bool:
    """Once on each working day, from its hour on while messages may leave."""
    practice, hours = briefing.practice, briefing.hours
    if memory.looked_on is not None and memory.looked_on >= today:
        return False
    if practice.started_on and today < practice.started_on:
        return False
    opens = practice.at(today, briefing.hour)
    return practice.earlier(today) == today and opens <= now and hours.next_slot(now, practice) == now


def _own(practice: Practice, memory: Memory, today: date) -> Own:
    """Today's message. It is Monday's where none was made since the last (moved) Monday came."""
    told = memory.told_at.astimezone(practice.zone).date() if memory.told_at else None
    since = max(told or today - ONE_DAY, today - _LOOKED_BACK)
    monday = weekly_day(practice, today)
    last = told or memory.looked_on
    is_week = monday == today if last is None else last < monday
    return Own(WEEK if is_week else MORNING, today, since)


def weekly_day(practice: Practice, today: date) -> date:
    """The last day up to `today` on which a Monday's message goes: the Monday, or the next working day after it."""
    monday = today - timedelta(days=today.weekday())
    moved = (practice.later(monday - timedelta(weeks=n)) for n in range(_MONDAYS))
    return max(day for day in moved if day <= today)


def gathered(session: Session, briefing: Briefing, own: Own, now: datetime) -> list[Matter]:
    """Everything the office has to know at `now`, section by section."""
    look = Look(session=session, briefing=briefing, now=now, since=own.since)
    found = [matter for section in SECTIONS for matter in section(look)]
    if own.kind == WEEK:
        counts = ledger.summary(look)
        found.append(Matter("summary", "summary", {**counts.facts, "sent": str(upkeep.letters_sent(look))}))
        found.append(Matter("summary", "log_head", {"head": str(delivery_log.head(session))}))
    return found


def matters_of(session: Session, briefing: Briefing, name: str, now: datetime) -> tuple[list[Matter], bool]:
    """What the outbox's message `name` says as things stand now, and whether it says all; nothing where it is over."""
    if name.startswith(f"{NOTICE}:"):
        return [upkeep.matter_of(row) for row in told_in(session, name) if row.over_at is None], True
    own = Own.read(name)
    matters = gathered(session, briefing, own, now)
    wanted = own.kind == WEEK or any(one.fresh for one in matters)
    return (matters if wanted else []), own.kind == WEEK


def preview_of(session: Session, briefing: Briefing, day: date) -> tuple[list[Matter], bool, datetime]:
    """What the office would be told on the morning of `day`, whether it is Monday's, and when it would go."""
    practice = briefing.practice
    at = practice.at(day, briefing.hour)
    own = Own(WEEK if weekly_day(practice, day) == day else MORNING, day, practice.earlier(day - ONE_DAY))
    matters = gathered(session, briefing, own, at)
    wanted = own.kind == WEEK or any(one.fresh for one in matters)
    return (matters if wanted else []), own.kind == WEEK, at


def _put_notices(session: Session, briefing: Briefing, now: datetime) -> None:
    """One message for all that has not been told yet; not more than one an hour, but for what stops everything."""
    rows = untold(session)
    if not rows:
        return
    last = last_told_at(session)
    urgent = any(row.code in _AT_ONCE for row in rows)
    if last is not None and now - last < _BETWEEN_NOTICES and not urgent:
        return
    own = f"{NOTICE}:{rows[-1].id}"
    through = channels(briefing.directory.office, avoid={row.not_by for row in rows})
    lost = [row for row in rows if row.facts.get("own") and not set(through) - {row.not_by}]
    tellable = [row for row in rows if row not in lost]
    assign(session, lost, f"{NOTICE}:nobody")  # a notice that died on the only channel: more would die there too
    assign(session, tellable, own)
    if tellable:
        _put(session, briefing, own, through, now)


def channels(office: Party, avoid: Iterable[str] = ()) -> tuple[str, ...]:
    """By which channels the office is told: its own, but another one first where one of them has just failed."""
    usual = office.reachable(office.channels) or tuple(office.addresses)[:1]
    failed = set(avoid)
    good = tuple(name for name in usual if name not in failed)
    if good:
        return good
    others = tuple(name for name in office.addresses if name not in failed)[:1]
    return (*others, *usual)


def _put(session: Session, briefing: Briefing, own: str, through: Sequence[str], now: datetime) -> None:
    for channel in through:
        session.add(
            MessageRow(
                message_id=f"r-{uuid.uuid4().hex[:20]}@{briefing.domain}",
                channel=channel,
                recipient=OFFICE,
                own=own,
                due_at=now,
                created_at=now,
                next_attempt_at=now,
            )
        )
    session.flush()
