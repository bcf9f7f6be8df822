"""Whether the service is well, and what a person has to see to: dead letters, silence, a calendar that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from reminder.domain.people import Directory
from reminder.domain.reminder import Reason, Reminder
from reminder.rules.calendar import Calendar
from reminder.rules.rule import Practice, Rule, Span
from reminder.store.engine import reading
from reminder.store.memory import recall
from reminder.store.messages import count_by_state, waiting_since
from reminder.store.names import count_by_status, leaders_named, units_named

SILENT_AFTER = timedelta(minutes=5)
_NOTICE = (11, 1)  # next year's holidays are published in these weeks
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


def missing_year(calendar: Calendar, today: date) -> int | None:
    """The year whose rest days must be typed in: this one, from November on the next; None where they are known."""
    covered_to = calendar.covered_to()
    needed = today.year + ((today.month, today.day) >= _NOTICE)
    return needed if covered_to is not None and covered_to < needed else None


def unreachable(session: Session, directory: Directory, rules: Sequence[Rule]) -> dict[str, list[str]]:
    """The units and posts of the ledger that the directory does not know or cannot reach, by `unit` and `leader`."""
    asked = {entry for rule in rules for entry in rule.entries()}
    units = units_named(session, "responsible")
    units += units_named(session, "supporting") if "supporting" in asked else []
    return {
        "unit": [name for name in dict.fromkeys(units) if not _unit_reached(name, directory)],
        "leader": [title for title in leaders_named(session) if not _leader_reached(title, directory)],
    }


def _unit_reached(name: str, directory: Directory) -> bool:
    unit = directory.units.get(name)
    return unit is not None and (unit.outside or bool(unit.reachable(unit.channels)))


def _leader_reached(title: str, directory: Directory) -> bool:
    named = [leader for leader in directory.leaders.values() if title == leader.name or title in leader.aliases]
    return any(leader.reachable(leader.channels) or leader.deputy in directory.leaders for leader in named)
