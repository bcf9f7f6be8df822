"""A small office on a real database with a real maildir: what the cycle's tests play on."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from reminder.channels import CHANNELS, open_channel
from reminder.cycle import Counts, Service, run
from reminder.domain.measure import CLOSED
from reminder.rules.hours import SendingHours
from reminder.store.engine import open_engine, upgrade, writing
from reminder.store.outbox_tables import DeliveryRow, MessageRow, ReminderRow
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow
from tests.emptied import empty
from tests.makers import a_directory, a_practice, a_rule, at


class Stage:
    """One office. `rules`, `channels` and `directory` can be changed between cycles."""

    def __init__(self, folder: Path, url: str | None = None, **service: Any) -> None:
        self.folder = folder
        self.engine: Engine = open_engine(url or f"sqlite:///{folder}/reminder.db")
        upgrade(self.engine)
        keys = CHANNELS["maildir"].Keys.model_validate(
            {"kind": "maildir", "path": "mailbox", "sender": "整改办 <office@example.org>"}
        )
        self.service = Service(
            **{
                "engine": self.engine,
                "rules": (a_rule("deadline"), a_rule("overdue"), a_rule("nudge")),
                "directory": a_directory(),
                "practice": a_practice(),
                "hours": SendingHours(time(8, 30), time(18)),
                "most_per_day": 6,
                "channels": {"mail": partial(open_channel, "mail", keys, folder)},
                "locale": "zh_CN",
                "office_name": "巡察整改办公室",
                "domain": "example.org",
            }
            | service
        )

    def measure(self, code: str, deadline: str, units: Sequence[str] = ("建设局",), **columns: Any) -> None:
        """One row of the ledger, known since 2021-01-01 unless `known_on` says otherwise."""
        with writing(self.engine) as session:
            row = MeasureRow(
                **{
                    "code": code,
                    "text": f"措施{code}",
                    "deadline_kind": "date",
                    "deadline_on": date.fromisoformat(deadline),
                    "status": "in_progress",
                    "known_on": date(2021, 1, 1),
                }
                | columns
            )
            session.add(row)
            session.flush()
            for position, unit in enumerate(units):
                session.add(MeasureUnitRow(measure_id=row.id or 0, role="responsible", position=position, unit=unit))

    def move(self, code: str, status: str, on: str) -> None:
        """The office moves a measure to a status on a day."""
        with writing(self.engine) as session:
            row = session.exec(select(MeasureRow).where(MeasureRow.code == code)).one()
            row.status, day = status, date.fromisoformat(on)
            row.closed_on = day if status in CLOSED else None
            session.add(row)
            session.add(EventRow(measure_id=row.id or 0, act="test", on=day, status=status, recorded_at=at(on)))

    def extended(self, code: str, on: str, to: str) -> None:
        """The office allows a new deadline on a day."""
        with writing(self.engine) as session:
            row = session.exec(select(MeasureRow).where(MeasureRow.code == code)).one()
            row.deadline_on = date.fromisoformat(to)
            session.add(row)
            day = date.fromisoformat(on)
            session.add(EventRow(measure_id=row.id or 0, act="extend", on=day, recorded_at=at(on)))

    def cycle(self, instant: str, **changes: Any) -> Counts:
        """One cycle at "2021-06-07 09:00" on the office's clock."""
        moment = at(instant)
        return run(self.service, lambda: moment, **changes)

    def rows(self, table: type[Any], *where: Any) -> list[Any]:
        with Session(self.engine) as session:
            return list(session.exec(select(table).where(*where).order_by(col(table.id))))

    def rows_of(self, table: type[Any]) -> list[Any]:
        """Every row of a table, whatever its key."""
        with Session(self.engine) as session:
            return list(session.exec(select(table)))

    def changed(self, **service: Any) -> Service:
        """The service with some of it changed."""
        return replace(self.service, **service)

    def messages(self) -> list[MessageRow]:
        return self.rows(MessageRow)

    def reminders(self) -> list[ReminderRow]:
        return self.rows(ReminderRow)

    def deliveries(self) -> list[DeliveryRow]:
        return self.rows(DeliveryRow)

    def letters(self) -> list[EmailMessage]:
        """What lies in the mailbox, oldest file first."""
        files = sorted((self.folder / "mailbox" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]  # type: ignore[misc]


def emptied(url: str) -> str:
    """The same URL, its database migrated and without a row."""
    engine = open_engine(url)
    upgrade(engine)
    with writing(engine) as session:
        empty(session.connection())
    engine.dispose()
    return url


def instant(text: str) -> datetime:
    """The same as `makers.at`."""
    return at(text)
