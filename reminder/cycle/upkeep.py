"""What is done after each cycle, a little at a time: the delivery log is sealed, and what is old enough is dropped."""

from __future__ import annotations

from datetime import datetime

from reminder.cycle.service import Service
from reminder.store import delivery_log, retention
from reminder.store.engine import reading, writing


def upkeep(service: Service, now: datetime) -> None:
    """Seals what was logged since the last time. Of what is older than `service.keep_years`, drops a portion."""
    before = _years_before(now, service.keep_years)
    with reading(service.engine) as session:
        unsealed, old = delivery_log.unsealed(session), retention.old(session, before)
    if unsealed or old:
        with writing(service.engine) as session:
            delivery_log.seal(session)
            if old:
                retention.prune(session, before, now)


def _years_before(now: datetime, years: int) -> datetime:
    day = 28 if (now.month, now.day) == (2, 29) else now.day
    return now.replace(year=max(now.year - years, 1), day=day)
