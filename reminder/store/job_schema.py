"""The tables in which Procrastinate keeps its jobs, beside ours: put in, and brought up to the version installed here.

They come and go with `[engine] kind`, and their migrations are that library's own, so they are no step of ours. Which
version they are of stands in a comment on their first table; tables without that comment are somebody else's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import procrastinate
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, Engine, text

from reminder.errors import UsageError

_TABLE = "procrastinate_jobs"
_OURS = "reminder, schema of procrastinate "
_LOCK = 0x5C4E3A  # PostgreSQL's advisory lock of whoever changes the schema
_UPGRADE = (
    "engine.kind: 任务表还没有建好，请先运行 reminder db upgrade · its tables are missing or old: `reminder db upgrade`"
)
Version = tuple[int, ...]


def prepare(engine: Engine) -> None:
    """Makes the tables, or brings them up to date. UsageError where they are not ours or newer than this program."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        there = _version(connection)
        if there is None:
            _run(connection, SchemaManager.get_schema())
        for file in _newer(there) if there else ():
            _run(connection, file.read_text(encoding="utf-8"))
        _run(connection, f"COMMENT ON TABLE {_TABLE} IS '{_OURS}{procrastinate.__version__}'")


def require_ready(engine: Engine) -> None:
    """UsageError where the tables are missing, older than this program wants or newer, or not ours."""
    with engine.connect() as connection:
        there = _version(connection)
    if there is None or _newer(there):
        raise UsageError(_UPGRADE)


def _version(connection: Connection) -> Version | None:
    """Of which version the tables are; None where there are none."""
    if connection.execute(text("SELECT to_regclass(:table)"), {"table": _TABLE}).scalar() is None:
        return None
    noted = connection.execute(text("SELECT obj_description(to_regclass(:table))"), {"table": _TABLE}).scalar()
    if not noted or not str(noted).startswith(_OURS):
        raise UsageError(
            "engine.kind: 这个数据库里已有别的程序的 procrastinate 表，请换一个数据库 · "
            "another program keeps procrastinate jobs in this database: give the service one of its own"
        )
    there = _numbers(str(noted).removeprefix(_OURS))
    if there > _numbers(procrastinate.__version__):
        raise UsageError(
            "engine.kind: 任务表由更新的 procrastinate 写成，请安装那个版本 · "
            f"the job tables are of procrastinate {'.'.join(map(str, there))}: install that version"
        )
    return there


def _newer(there: Version) -> list[Path]:
    """The library's migrations that came after that version, in their order: 03.04.00_01_… came with 3.4.0."""
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("[0-9]*.sql"))
    return [file for file in files if _numbers(file.name.partition("_")[0]) > there]


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _run(connection: Connection, sql: str) -> None:
    """Several statements at once, which the driver takes only without parameters."""
    raw: Any = connection.connection.driver_connection
    raw.execute(sql)
