"""The office's desk on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from reminder.store.engine import open_engine, upgrade
from tests.emptied import empty
from tests.integration.office.desk import Desk


def _emptied(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        empty(session.connection())


@pytest.fixture
def sqlite_desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_engine(f"sqlite:///{tmp_path}/reminder.db")
    upgrade(engine)
    yield Desk(engine)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A desk on SQLite, then the same on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_desk")
        return
    engine = open_engine(request.getfixturevalue("postgres_url"))
    upgrade(engine)
    _emptied(engine)
    yield Desk(engine)
    engine.dispose()
