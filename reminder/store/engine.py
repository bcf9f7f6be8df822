"""Opening the database: SQLite (WAL, synchronous=FULL) or PostgreSQL, and bringing its schema up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlmodel import Session

from reminder.errors import StoreMissing, UsageError

_MIGRATIONS = Path(__file__).parent / "migrations"
_READING = "reminder_reading"
_BUSY_TIMEOUT_MS = 10_000  # a clerk's import and the daemon share the file


def open_engine(url: str) -> Engine:
    """An engine for `url`. Nothing is created or changed.

    Raises:
        UsageError: the URL is not one of sqlite:///… or postgresql://…
    """
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        raise UsageError("store.url: expected sqlite:///FILE or postgresql://…") from fault
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(parsed)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    if backend == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    raise UsageError(f"store.url: {backend} is not supported; use sqlite:///FILE or postgresql://…")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, see _begin
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what is committed survives a power cut
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    # A deferred transaction that reads first and writes later can be refused as "locked" with no way to wait.
    reading_only = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and blocks nobody. Nothing it writes is kept."""
    with Session(engine.execution_options(**{_READING: True})) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that commits as a whole when its block ends, and not at all when it raises."""
    with Session(engine) as session, session.begin():
        yield session


def upgrade(engine: Engine) -> None:
    """Brings the schema to the newest migration, creating the database where there is none.

    Raises:
        UsageError: the database was made by a newer version of this program.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise UsageError("the database was written by a newer version of this program; install that version")
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


def require_current(engine: Engine) -> None:
    """Refuses a database that is missing or not up to date.

    Raises:
        StoreMissing: there is no database, or no schema in it.
        UsageError: its schema is older or newer than this program.
    """
    where = engine.url.render_as_string(hide_password=True)
    database = engine.url.database
    if engine.url.get_backend_name() == "sqlite" and (not database or not Path(database).is_file()):
        raise StoreMissing(f"there is no database at {where}; run `reminder init` or `reminder import FILE` first")
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as fault:
        raise UsageError(f"cannot open the database {where}: {fault.orig}") from fault
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    if current is None:
        raise StoreMissing(f"the database at {where} is empty; run `reminder db upgrade` first")
    if current != head:
        raise UsageError(f"the database at {where} is not up to date; run `reminder db upgrade`")
