"""A small office in a folder, and the command line to run in it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from reminder.app import App, open_app
from reminder.cli import app as command_line
from reminder.cycle import Counts, run
from reminder.errors import ReminderError
from reminder.store.engine import open_engine, upgrade, writing
from reminder.store.outbox_tables import DeliveryRow, MessageRow
from reminder.store.tables import MeasureRow, MeasureUnitRow
from tests.makers import at

_FILES = {
    "reminder.toml": """
[office]
name = "巡察整改办公室"
email = ["office@example.org"]
started_on = 2021-04-08
""",
    "rules.toml": """
[[rule]]
name = "approaching"
kind = "deadline"
before = [7, 3, 0]
[[rule]]
name = "overdue"
kind = "overdue"
every = 3
[[rule]]
name = "weekly-nudge"
kind = "nudge"
on = "monday"
""",
    "units.toml": """
[[unit]]
name = "建设局"                   # 正式名称
aliases = ["区建设局"]
email = ["jsj@example.org"]
leader = "分管领导"
[[unit]]
name = "财政局"
email = ["czj@example.org"]
[[leader]]
title = "分管领导"
email = ["leader@example.org"]
""",
    "channels.toml": """
[channel.files]
kind = "maildir"
path = "mailbox"
sender = "整改办 <office@example.org>"
""",
}


@dataclass(frozen=True)
class Said:
    """What a command wrote, and its exit code. A user's mistake is shown as `python -m reminder` shows it."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Desk:
    """One configuration folder with a database, and the command line on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: object) -> Said:
        result = CliRunner().invoke(command_line, ["--config", str(self.folder), *map(str, words)])
        if isinstance(result.exception, ReminderError):
            return Said(2, result.stdout, str(result.exception))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        self.write(name, self.read(name) + text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def app(self) -> App:
        return open_app(self.folder)

    def measure(self, code: str, deadline: str | None, *units: str, **columns: Any) -> None:
        """One row of the ledger, of 建设局 unless `units` says otherwise."""
        limit = {"deadline_kind": "date", "deadline_on": date.fromisoformat(deadline)} if deadline else {}
        usual = {"deadline_kind": "ongoing", "status": "in_progress", "known_on": date(2021, 1, 1)}
        app = self.app()
        with writing(app.engine) as session:
            row = MeasureRow(**{"code": code, "text": f"措施{code}", **usual, **limit, **columns})
            session.add(row)
            session.flush()
            for position, unit in enumerate(units or ("建设局",)):
                session.add(MeasureUnitRow(measure_id=row.id or 0, role="responsible", position=position, unit=unit))
        app.engine.dispose()

    def cycle(self, instant: str) -> Counts:
        """One cycle at "2021-06-07 09:00" on the office's clock."""
        app, moment = self.app(), at(instant)
        try:
            return run(app.service(), lambda: moment)
        finally:
            app.engine.dispose()

    def change(self, number: int, outcome: str | None = None, **columns: Any) -> None:
        """Puts a message into a state, with one attempt more that ended as `outcome`."""
        app = self.app()
        with writing(app.engine) as session:
            row = session.exec(select(MessageRow).where(MessageRow.id == number)).one()
            for name, value in columns.items():
                setattr(row, name, value)
            if outcome:
                session.add(DeliveryRow(message_pk=number, at=at("2021-06-07 09:01"), outcome=outcome, code="550"))
            session.add(row)
        app.engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration without a database."""
    place = tmp_path / "config"
    place.mkdir()
    for name, text in _FILES.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def bare(folder: Path) -> Desk:
    """A desk without a database."""
    return Desk(folder)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without a row, to be copied: migrating one for each test would take most of the time."""
    file = tmp_path_factory.mktemp("database") / "reminder.db"
    engine = open_engine(f"sqlite:///{file}")
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture
def desk(folder: Path, empty_database: Path) -> Desk:
    """A desk with an empty database."""
    shutil.copy(empty_database, folder)
    return Desk(folder)
