"""The real cycle, instant by instant through past or coming days, on a clock that only this run sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from reminder.cycle import Counts, run
from reminder.cycle.service import Service
from reminder.rules.calendar import days
from reminder.rules.rule import Span


def instants(service: Service, span: Span) -> Iterator[datetime]:
    """Every instant of these days at which something can go: each rule's hours, each opening of the office, and the
    hour of its own message."""
    own = {service.message_at} if service.message_at else set()
    hours = {service.hours.opens, *own, *(clock for rule in service.rules for clock in rule.clocks())}
    for day in days(span.first, span.last):
        for hour in sorted(hours):
            yield service.practice.at(day, hour)


def simulate(service: Service, span: Span, progress: Callable[[datetime], object]) -> Counts:
    """Runs a cycle at each of `instants`; `progress` is told each instant when it is done."""
    total = Counts()
    for instant in instants(service, span):
        counts = run(service, partial(_standing_still, instant))
        total.planned += counts.planned
        total.messages.update(counts.messages)
        progress(instant)
    return total


def _standing_still(instant: datetime) -> datetime:
    return instant
