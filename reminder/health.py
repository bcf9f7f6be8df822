"""Whether the service is well, and what a person has to see to: dead letters, silence, a guard that holds, a peer that
refuses, a disk that fills, a calendar that ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from reminder.domain.reminder import Reminder
from reminder.rules.calendar import missing_year
from reminder.rules.rule import Practice, Span
from reminder.store.daemons import standing_by
from reminder.store.destinations import troubled
from reminder.store.engine import reading
from reminder.store.holding import set_aside_count
from reminder.store.memory import Memory, recall
from reminder.store.messages import count_by_state, due_count, stuck_since, waiting_since
from reminder.store.names import count_by_status

SILENT_AFTER = timedelta(minutes=5)
LAGS_AFTER = timedelta(minutes=15)  # a retry or a limit explains less
BACKLOG = 1000  # messages that may go and have not: some twenty minutes' work for a slow server
_STUCK_AFTER = timedelta(minutes=1)  # after its lease ran out; the next look at the outbox takes a message over
_AHEAD = timedelta(minutes=5)
_LOOKED_BACK = timedelta(days=7)
_LEAST_DISK = 200 * 2**20  # bytes: some years of letters, or one night of a log gone wild


@dataclass(frozen=True, slots=True)
class Problem:
    """What somebody has to see to. The sentence is `words/cli.toml`'s, `unwell_<code>`."""

    code: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the service is. No code stands twice among the `problems`.

    `lag` is how long the longest waiting message or reminder has been due. `covered_to` is None where no calendar
    is needed.
    """

    problems: tuple[Problem, ...]
    outbox: Mapping[str, int]
    measures: Mapping[str, int]
    last_cycle_at: datetime | None
    lag: timedelta
    covered_to: int | None


def health(engine: Engine, practice: Practice, plan: Callable[[Span], Sequence[Reminder]], now: datetime) -> Health:
    """How the service is at `now`; `plan` answers what should have gone on the days it is asked about."""
    with reading(engine) as session:
        outbox, measures = count_by_state(session), count_by_status(session)
        memory, waiting = recall(session), waiting_since(session, now)
        told = [*_held(session, memory, practice), *_unsent(session, now), *_aside(session, now)]
    last = memory.last_at
    missed = _missed(plan, practice, last, now)
    since = min((moment for moment in (waiting, missed) if moment), default=now)
    problems = [Problem("dead_letters", {"n": str(outbox["failed"])})] if outbox["failed"] else []
    problems += [*told, *_late(since, memory, practice, now), *_beside(engine, practice, now)]
    return Health(
        problems=tuple(problems),
        outbox=outbox,
        measures=measures,
        last_cycle_at=last,
        lag=now - since,
        covered_to=practice.calendar.covered_to(),
    )


def _held(session: Session, memory: Memory, practice: Practice) -> Iterator[Problem]:
    """What a guard holds, or what stayed held after a release."""
    held = set_aside_count(session)
    if memory.held_why and memory.held_since:
        yield Problem(f"held_{memory.held_why}", {"n": str(held), "since": _minute(memory.held_since, practice)})
    elif held:
        yield Problem("held_back", {"n": str(held)})


def _unsent(session: Session, now: datetime) -> Iterator[Problem]:
    """Messages whose worker died and that nobody takes over; more of them than a slow server explains."""
    stuck, due = stuck_since(session, now - _STUCK_AFTER), due_count(session, now)
    if stuck:
        yield Problem("stuck", {"n": str(stuck)})
    if due > BACKLOG:
        yield Problem("backlog", {"n": str(due)})


def _aside(session: Session, now: datetime) -> Iterator[Problem]:
    """Destinations that nothing goes to, and daemons that stand by."""
    resting = troubled(session, now)
    if broken := {name: one for name, one in resting.items() if one.failures or one.disabled_at}:  # not: asked to wait
        told = "; ".join(f"{name}: {one.why}" for name, one in broken.items())
        yield Problem("channel", {"n": str(len(broken)), "told": told})
    if idle := standing_by(session, now):
        yield Problem("standby", {"told": ", ".join(f"{one.host} ({one.pid})" for one in idle)})


def _late(since: datetime, memory: Memory, practice: Practice, now: datetime) -> Iterator[Problem]:
    """What is due and does not go: because no cycle runs, or although one does; a clock that stands behind."""
    last = memory.last_at
    silent = last is None or now - last > SILENT_AFTER
    if now - since > SILENT_AFTER and silent:
        yield Problem("silent", {"since": _minute(since, practice)})
    elif now - since > LAGS_AFTER:
        yield Problem("lag", {"since": _minute(since, practice)})
    if last is not None and last - now > _AHEAD:
        yield Problem("clock", {"at": _minute(last, practice)})


def _beside(engine: Engine, practice: Practice, now: datetime) -> Iterator[Problem]:
    """What the service needs and may soon lack: room on the disk, next year's calendar."""
    free = _free_disk(engine)
    if free is not None and free < _LEAST_DISK:
        yield Problem("disk", {"mb": str(free // 2**20)})
    if year := missing_year(practice.calendar, now.astimezone(practice.zone).date()):
        yield Problem("calendar", {"year": str(year)})


def _free_disk(engine: Engine) -> int | None:
    """The bytes left where the database's file lies; None where it is not a file of this machine."""
    file = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not file or file == ":memory:":
        return None
    try:
        return shutil.disk_usage(Path(file).absolute().parent).free
    except OSError:
        return None


def _minute(moment: datetime, practice: Practice) -> str:
    return moment.astimezone(practice.zone).isoformat(timespec="minutes")


def _missed(
    plan: Callable[[Span], Sequence[Reminder]], practice: Practice, last: datetime | None, now: datetime
) -> datetime | None:
    """The instant of the first reminder that no cycle has asked for yet. Before the first cycle nothing is missed."""
    if last is None or now - last <= SILENT_AFTER:
        return None
    today = now.astimezone(practice.zone).date()
    first = max(last.astimezone(practice.zone).date(), today - _LOOKED_BACK)
    return min((r.firing.at for r in plan(Span(first, today)) if last < r.firing.at <= now), default=None)
