"""Whether the service is well, and what a person has to see to: dead letters, silence, a calendar that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from reminder.domain.reminder import Reason, Reminder
from reminder.rules.calendar import missing_year
from reminder.rules.rule import Practice, Span
from reminder.store.engine import reading
from reminder.store.memory import recall
from reminder.store.messages import count_by_state, waiting_since
from reminder.store.names import count_by_status

SILENT_AFTER = timedelta(minutes=5)
_LOOKED_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the service is. `problems` are what somebody has to see to; the sentences are `words/cli.toml`'s.

    `lag` is how long the longest waiting message or reminder has been due. `covered_to` is None where no calendar
    is needed.
    """

    problems: tuple[Reason, ...]
    outbox: Mapping[str, int]
    measures: Mapping[str, int]
    last_cycle_at: datetime | None
    lag: timedelta
    covered_to: int | None


def health(engine: Engine, practice: Practice, plan: Callable[[Span], Sequence[Reminder]], now: datetime) -> Health:
    """How the service is at `now`; `plan` answers what should have gone on the days it is asked about."""
    today = now.astimezone(practice.zone).date()
    with reading(engine) as session:
        outbox, measures = count_by_state(session), count_by_status(session)
        last, waiting = recall(session).last_at, waiting_since(session, now)
    missed = _missed(plan, practice, last, now)
    since = min((moment for moment in (waiting, missed) if moment), default=now)
    problems = []
    if outbox["failed"]:
        problems.append(Reason("dead_letters", {"n": str(outbox["failed"])}))
    if now - since > SILENT_AFTER and (last is None or now - last > SILENT_AFTER):
        problems.append(Reason("silent", {"since": since.astimezone(practice.zone).isoformat(timespec="minutes")}))
    if year := missing_year(practice.calendar, today):
        problems.append(Reason("calendar", {"year": str(year)}))
    return Health(
        problems=tuple(problems),
        outbox=outbox,
        measures=measures,
        last_cycle_at=last,
        lag=now - since,
        covered_to=practice.calendar.covered_to(),
    )


def _missed(
    plan: Callable[[Span], Sequence[Reminder]], practice: Practice, last: datetime | None, now: datetime
) -> datetime | None:
    """The instant of the first reminder that no cycle has asked for yet. Before the first cycle nothing is missed."""
    if last is None or now - last <= SILENT_AFTER:
        return None
    today = now.astimezone(practice.zone).date()
    first = max(last.astimezone(practice.zone).date(), today - _LOOKED_BACK)
    return min((r.firing.at for r in plan(Span(first, today)) if last < r.firing.at <= now), default=None)
