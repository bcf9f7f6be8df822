"""Offices whose messages all wait to be sent, on a real database, and the engine that sends them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from reminder.channels.base import Channel
from reminder.cycle import enqueue
from reminder.cycle.engine import Engine
from reminder.cycle.service import Service
from reminder.domain.people import Unit
from reminder.store.engine import reading, writing
from reminder.store.tables import MeasureRow, MeasureUnitRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at

MORNING = at("2021-06-08 09:00")


class Clock:
    """That morning, going on at the real pace."""

    def __init__(self) -> None:
        self._behind = time.monotonic() - MORNING.timestamp()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(time.monotonic() - self._behind, UTC)


class Office:
    """An office in which many messages wait; `wait_again` puts all of them back to where they were."""

    def __init__(self, stage: Stage, many: int, mail: bytes) -> None:
        self._stage, self._many, self._mail = stage, many, mail

    def wait_again(self) -> None:
        """Every message waits, its bytes fixed by an attempt that was refused."""
        with writing(self._stage.engine) as session:
            connection = session.connection()
            connection.execute(text("DELETE FROM delivery"))
            connection.execute(text("DELETE FROM payload"))
            connection.execute(text("INSERT INTO payload SELECT id, :mail FROM message"), {"mail": self._mail})
            connection.execute(
                text(
                    "UPDATE message SET state = 'retrying', attempts = 1, addresses = :to,"
                    " written_at = due_at, next_attempt_at = due_at, finished_at = NULL"
                ),
                {"to": '["b@x.org"]'},
            )

    def afresh(self) -> None:
        """Nothing was ever planned or sent."""
        with writing(self._stage.engine) as session:
            for table in ("delivery", "reminder", "payload", "message", "cycle"):
                session.connection().execute(text(f"DELETE FROM {table}"))

    @property
    def service(self) -> Service:
        """What its cycles work with."""
        return self._stage.service

    def waiting(self) -> int:
        """How many messages are not sent yet."""
        with reading(self._stage.engine) as session:
            unsent = session.connection().execute(text("SELECT count(*) FROM message WHERE state <> 'sent'"))
            return int(unsent.scalar_one())

    def engine(self) -> Engine:
        """A delivery engine of this office, not started yet."""
        return Engine(self._stage.service, Clock())

    def delivered(self) -> float:
        """Seconds from the first look at the outbox until everything is sent and settled."""
        engine = self.engine()
        begun = time.perf_counter()
        engine.start()
        assert engine.drained(600)
        passed = time.perf_counter() - begun
        engine.stop(10)
        assert engine.dispatch.counts == {"sent": self._many}, engine.dispatch.counts
        return passed

    def close(self) -> None:
        """Gives the database back."""
        self._stage.engine.dispose()


def an_office(
    folder: Path, many: int, channel: Callable[[], Channel], url: str | None = None, mail: bytes = b""
) -> Office:
    """An office with `many` units that are written to by `channel`, on the database at `url`, else one of its own."""
    stage = Stage(folder, url, rules=(a_rule("deadline", before=[7]),), channels={"mail": channel})
    reached = {"channels": ("mail",), "addresses": {"mail": ("b@x.org",)}}
    units = {f"单位{n}": Unit(name=f"单位{n}", **reached) for n in range(many)}
    stage.service = replace(stage.service, directory=a_directory(units=units))
    return Office(stage, many, mail)


def waiting_office(
    folder: Path, many: int, channel: Callable[[], Channel], mail: bytes, url: str | None = None
) -> Office:
    """The same, each unit with one measure and one message about it."""
    office = an_office(folder, many, channel, url, mail)
    service = office.service
    with writing(service.engine) as session:
        for n, name in enumerate(service.directory.units, 1):
            columns = {"deadline_kind": "date", "deadline_on": at("2021-06-15").date(), "status": "in_progress"}
            session.add(MeasureRow(id=n, code=str(n), text=f"措施{n}", known_on=at("2021-01-01").date(), **columns))
            session.add(MeasureUnitRow(measure_id=n, role="responsible", position=0, unit=name))
    assert enqueue(service, MORNING).planned == many
    return office
