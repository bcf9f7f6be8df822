"""The office that works on a made-up country: its rules, ten thousand units to write to, and a clean outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from sqlalchemy import Engine, delete

from reminder.channels.base import Channel
from reminder.cycle.service import Service
from reminder.domain.people import Directory, Unit
from reminder.plan import known_parts
from reminder.rules.hours import SendingHours
from reminder.rules.rule import Rule
from reminder.store.engine import open_engine, writing
from reminder.store.memory import remember
from reminder.store.outbox_tables import DeliveryRow, MessageRow, ReminderRow
from tests.bench.country import UNITS, unit_name
from tests.makers import a_directory, a_practice, a_rule


def rule(kind: str, **keys: Any) -> Rule:
    """A rule of `kind` as the tests make it."""
    return a_rule(kind, **keys)


@contextmanager
def office(
    url: str,
    last: datetime,
    rules: tuple[Rule, ...] = (),
    channels: Mapping[str, Callable[[], Channel]] | None = None,
) -> Iterator[Service]:
    """A service whose last cycle was at `last` and whose outbox is empty, before and after."""
    engine = open_engine(url)
    service = Service(
        engine=engine,
        rules=rules or (rule("deadline"),),
        directory=_directory(),
        practice=a_practice(),
        hours=SendingHours(time(8, 30), time(18)),
        most_per_day=6,
        channels=channels or {},
        locale="zh_CN",
        office_name="巡察整改办公室",
        contact="督办科 分机 000",
        reply_to=("office@example.org",),
        domain="example.org",
    )
    try:
        restart(service, last)
        yield service
        empty(engine)
    finally:
        engine.dispose()


def restart(service: Service, last: datetime) -> None:
    """As if nothing had ever been sent, and the last cycle had been at `last`."""
    empty(service.engine)
    with writing(service.engine) as session:
        remember(session, last, known_parts(service.rules, service.directory), {})


def empty(engine: Engine) -> None:
    """Takes everything out of the outbox."""
    with writing(engine) as session:
        for table in (DeliveryRow, ReminderRow, MessageRow):
            session.connection().execute(delete(table))


def _directory() -> Directory:
    mails = {unit_name(number): f"unit{number}@example.org" for number in range(UNITS)}
    units = {
        name: Unit(name=name, channels=("mail",), addresses={"mail": (address,)}) for name, address in mails.items()
    }
    return replace(a_directory(), units=units)
