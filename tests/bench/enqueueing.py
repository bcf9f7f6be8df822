"""Into the outbox: a hundred thousand reminders against the driver alone; a whole tick against the plain way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from sqlalchemy import Connection, Engine, Table, text
from sqlmodel import Session, select

from reminder import outbox
from reminder.compose import compose, templates, told
from reminder.cycle import enqueue as cycle_enqueue
from reminder.cycle.service import Service
from reminder.domain.measure import Deadline, DeadlineKind, Measure, Status
from reminder.domain.reminder import Reminder, ReminderKind
from reminder.outbox import gather
from reminder.render.mime import build
from reminder.render.scribe import Page, Question, Scribe
from reminder.store import reminders
from reminder.store.bulk import insert_many, insertion
from reminder.store.bulk import told as told_to
from reminder.store.engine import open_engine, reading, writing
from reminder.store.outbox_tables import MessageRow, ReminderRow
from reminder.store.reminders import reminders_of
from reminder.store.service_tables import CycleRow
from reminder.store.tables import OPEN_STATUSES, MeasureRow
from tests.bench.country import BACKENDS, BEFORE, DUE, UNITS, country, unit_name
from tests.bench.letters import CIRCUMSTANCES, MONDAY, SENDER, Plain, envelope, measure, reminder
from tests.bench.measure import Figures, at_least, at_most, interleaved
from tests.bench.office import empty, office, restart
from tests.makers import at

_MANY = 100_000
_BATCH = 50
_TENTH = 10  # the plain way takes minutes: all rows are read, a tenth of the letters is written, ten times
_NOW = at(f"{MONDAY} 09:00")
_YESTERDAY = at("2026-03-01 09:00")


def enqueue() -> Figures:
    """Ten reminders to each of ten thousand units, the unique key on, recipient by recipient as they are planned; the
    same rows by the driver's executemany."""
    figures: dict[str, float] = {}
    due = [single(n, n * UNITS // _MANY) for n in range(_MANY)]
    for backend in BACKENDS:
        with office(country(backend, 10_000), _YESTERDAY) as service:
            engine = service.engine
            rows = rows_for(engine, due)
            sides = {"ours": partial(_put, engine, due), "raw": partial(raw, engine, rows)}
            took = interleaved(sides)
            figures |= {
                f"{backend}_rows_per_s": _MANY / took["ours"],
                f"{backend}_raw_rows_per_s": _MANY / took["raw"],
                f"{backend}_of_raw": took["raw"] / took["ours"],
            }
    return figures, {f"{backend}_of_raw": at_least(0.5) for backend in BACKENDS}


def single(number: int, unit: int) -> Reminder:
    """The reminder of measure `number`, which is that unit's."""
    told = reminder([measure(number + 1, unit_name(unit))], ReminderKind.BEFORE)
    firing = replace(told.firing, rule="approaching", subject=f"measure:{number + 1}")
    return replace(told, firing=firing)


def _put(engine: Engine, due: list[Reminder]) -> float:
    begun = time.perf_counter()
    with writing(engine) as session:
        assert outbox.put(session, due, _NOW, "example.org") == len(due)
    took = time.perf_counter() - begun
    empty(engine)
    return took


Told = list[tuple[str, list[tuple[object, ...]]]]


def rows_for(engine: Engine, due: list[Reminder]) -> Told:
    """What the program itself hands to the driver for these reminders, messages first: statements and rows."""
    said: Told = []

    def listening(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        kept = list(rows)
        insert_many(connection, table, columns, kept)
        ready = [row for part in told_to(connection, table, columns, kept) for row in part]
        said.append((insertion(connection, table, columns), ready))

    with (
        patch.object(gather, "insert_many", listening),
        patch.object(reminders, "insert_many", listening),
        writing(engine) as session,
    ):
        outbox.put(session, due, _NOW, "example.org")
    empty(engine)
    (messages, (statement, rows)) = said
    # the messages have other numbers each time
    return [messages, (statement, [(*row[:16], None, *row[17:]) for row in rows])]


def raw(engine: Engine, told: Told) -> float:
    connection = engine.raw_connection()
    begun = time.perf_counter()
    cursor = connection.cursor()
    if engine.dialect.name == "sqlite":
        cursor.execute("BEGIN IMMEDIATE")
    for statement, rows in told:
        cursor.executemany(statement, rows)
    connection.commit()
    took = time.perf_counter() - begun
    connection.close()
    empty(engine)
    return took


def tick() -> Figures:
    """A whole tick of three thousand single reminders: due query, plan, compose, enqueue; then the same tick again.

    The plain way has connections of its own: how a foreign key is looked up is planned once for each by PostgreSQL, and
    by what one writes row by row into an outbox just emptied it is planned for a few rows.
    """
    figures: dict[str, float] = {}
    for backend in BACKENDS:
        with ExitStack() as stack:
            service = stack.enter_context(office(url := country(backend, 1_000_000), _YESTERDAY))
            theirs = replace(service, engine=open_engine(url))
            stack.callback(theirs.engine.dispose)
            took = interleaved({"first": partial(_tick, service), "plain": partial(_plain, theirs, Plain())})
            again = interleaved({"again": partial(_again, service)})
            figures |= {
                f"{backend}_tick_s": took["first"],
                f"{backend}_plain_s": took["plain"],
                f"{backend}_over_plain": took["plain"] / took["first"],
                f"{backend}_again_of_first": again["again"] / took["first"],
            }
    bounds = {"over_plain": at_least(35), "again_of_first": at_most(0.15)}
    return figures, {f"{backend}_{name}": bound for backend in BACKENDS for name, bound in bounds.items()}


def _tick(service: Service) -> float:
    restart(service, _YESTERDAY)
    return _ticked(service)


def _ticked(service: Service) -> float:
    begun = time.perf_counter()
    planned = cycle_enqueue(service, _NOW).planned
    if planned:
        _composed(service, planned)
    return time.perf_counter() - begun


def _composed(service: Service, planned: int) -> None:
    """The letters of all messages, as the sending half writes them, in its batches: here, and as soon as it is there by
    a process that was started for so many."""
    scribe = Scribe(service.locale, partial(templates, service.templates, service.locale))
    pages: list[Page] = []
    with closing(scribe), reading(service.engine) as session:
        keys = [key for key in session.exec(select(MessageRow.id)) if key is not None]
        for start in range(0, len(keys), _BATCH):
            ready = scribe.ready(planned)
            for number, stored in reminders_of(session, keys[start : start + _BATCH]).items():
                together = [one for one, _ in stored.values()]
                wrapped = envelope(number, together[0].recipient)
                if ready:
                    pages.append(scribe.write(Question(told(together, CIRCUMSTANCES), wrapped, SENDER)))
                else:
                    build(compose(together, CIRCUMSTANCES, brief=False), wrapped, SENDER)
        assert all(scribe.read(page) for page in pages)
    assert planned == DUE


def _again(service: Service) -> float:
    """As after a crash between commit and memory: every key is there already."""
    restart(service, _YESTERDAY)
    cycle_enqueue(service, _NOW)
    with writing(service.engine) as session:
        session.get_one(CycleRow, 1).last_at = _YESTERDAY
    begun = time.perf_counter()
    assert cycle_enqueue(service, _NOW).planned == 0
    return time.perf_counter() - begun


def _plain(service: Service, write: Callable[..., bytes]) -> float:
    """What one writes first: every open row as an object, Jinja2, EmailMessage, add_all."""
    empty(service.engine)
    days = {MONDAY + timedelta(days=offset) for offset in BEFORE}
    begun = time.perf_counter()
    with Session(service.engine) as session, session.begin():
        due = [row for row in session.exec(select(MeasureRow).where(text(OPEN_STATUSES))) if row.deadline_on in days]
        read = time.perf_counter() - begun
        for number, row in enumerate(due[::_TENTH]):
            told = reminder([value_of(row, unit_name((row.id or 0) % UNITS))], ReminderKind.BEFORE)
            message = MessageRow(
                message_id=uuid4().hex,
                channel="mail",
                recipient=told.recipient,
                due_at=_NOW,
                created_at=_NOW,
                nearest_on=MONDAY,
                payload=write(told, envelope(number)),
            )
            session.add(message)
            session.flush()
            session.add(_reminder_row(told, row, message))
        assert len(due) == DUE
    return read + _TENTH * (time.perf_counter() - begun - read)


def _reminder_row(told: Reminder, row: MeasureRow, message: MessageRow) -> ReminderRow:
    return ReminderRow(
        rule="approaching",
        kind="before",
        subject=f"measure:{row.id}",
        occasion=MONDAY,
        unit=told.firing.unit,
        recipient=told.recipient,
        channel="mail",
        at=_NOW,
        reason={"code": "before", "facts": {}},
        lines=[{"measure": row.id, "days": [7], "deadline": str(row.deadline_on)}],
        message_pk=message.id,
    )


def value_of(row: MeasureRow, unit: str) -> Measure:
    return Measure(
        id=row.id or 0,
        code=row.code,
        text=row.text,
        problem_text=row.problem_text,
        units=(unit,),
        leader=row.leader,
        deadline=Deadline(DeadlineKind.DATE, row.deadline_on),
        status=Status(row.status),
        percent=row.percent,
        progress=row.progress,
        progress_on=row.progress_on,
    )
