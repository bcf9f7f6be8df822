"""Opening the database: SQLite (WAL, synchronous=FULL) or PostgreSQL, and bringing its schema up to date."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from reminder.errors import StoreMissing, UsageError
from reminder.store import files

_MIGRATIONS = Path(__file__).parent / "migrations"
_READING = "reminder_reading"
_BUSY_TIMEOUT_MS = 10_000  # a clerk's import and the daemon share the file
_RESTS_SINCE = "reminder_rests_since"
_ASKED_AFTER_SECONDS = 0.1  # transactions of a delivery follow each other within it; a click or a heartbeat does not
_FROZEN_MS = 120_000  # within a lease; between two statements of a cycle lie some seconds at most


def open_engine(url: str) -> Engine:
    """An engine for `url`. Nothing is created or changed.

    Raises:
        UsageError: the URL is not one of sqlite:///… or postgresql://…
    """
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        raise UsageError(
            "store.url: 应写 sqlite:///文件 或 postgresql://… · expected sqlite:///FILE or postgresql://…"
        ) from fault
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(parsed, pool_use_lifo=True)  # of several, the one whose pages are still in its cache
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    if backend == "postgresql":
        try:
            engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_use_lifo=True)
        except ModuleNotFoundError as fault:
            raise UsageError(
                "store.url: 缺少 psycopg，请运行 pip install '.[postgres]' · PostgreSQL needs it: install that extra"
            ) from fault
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkin", _rests)
        event.listen(engine, "checkout", _asked_whether_it_lives)
        return engine
    raise UsageError(f"store.url: 不支持 {backend}，请用 sqlite:///文件 或 postgresql://… · {backend} is not supported")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, see _begin
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what is committed survives a power cut
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # A machine that freezes in the midst of a transaction keeps its locks: its messages could not be rescued by others.
    connection.execute(f"SET idle_in_transaction_session_timeout = {_FROZEN_MS}")
    connection.execute("SET DateStyle = ISO")  # days in a text that the server puts together, see store/outlines.py
    connection.commit()


def _rests(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_RESTS_SINCE] = time.monotonic()


def _asked_whether_it_lives(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """The server may have gone while a connection rested. One that was used just now is not asked: before each of a
    delivery's transactions that would be another round trip, and delivery goes on after an error by itself."""
    since = record.info.get(_RESTS_SINCE)
    if since is None or time.monotonic() - since < _ASKED_AFTER_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except connection.Error as fault:
        raise InvalidatePoolError from fault  # whereupon all that rest are opened anew


def _begin(connection: Any) -> None:
    # A deferred transaction that reads first and writes later can be refused as "locked" with no way to wait.
    reading_only = connection.get_execution_options().get(_READING)
    begin = "BEGIN" if reading_only else "BEGIN IMMEDIATE"
    try:  # by the driver: SQLAlchemy's way is a fifth of what an empty transaction takes
        connection.connection.driver_connection.execute(begin)
    except sqlite3.Error as fault:
        raise DBAPIError.instance(begin, None, fault, sqlite3.Error) from fault


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


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """The same without a session, for what has no objects: one takes as long to begin and end as a statement."""
    with engine.begin() as connection:
        yield connection


def one_at_a_time(session: Session, what: str) -> None:
    """Until this transaction ends nobody else does `what`. SQLite lets only one transaction write anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(sha256(what.encode()).digest()[:8], signed=True)
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def upgrade(engine: Engine) -> bool:
    """Brings the schema to the newest migration; True where there was no database yet.

    Raises:
        UsageError: the database was made by a newer version of this program.
    """
    from alembic import command  # noqa: PLC0415  # 10 MB that the daemon would carry for years
    from alembic.config import Config  # noqa: PLC0415  # the same

    _make_file(engine)
    current = _revision(engine)
    if current is not None and current not in _revisions():
        raise UsageError(
            "数据库由更新的版本写成，请安装那个版本 · the database was written by a newer version: install that one"
        )
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
    return current is None


def _make_file(engine: Engine) -> None:
    database = engine.url.database
    if engine.url.get_backend_name() == "sqlite" and database and not Path(database).exists():
        with suppress(OSError):  # whoever cannot make it is told when it is opened
            files.make(Path(database))


def require_current(engine: Engine) -> None:
    """Refuses a database that is missing or not up to date.

    Raises:
        StoreMissing: there is no database, or no schema in it.
        UsageError: its schema is older or newer than this program.
    """
    where = shown(engine)
    database = engine.url.database
    if engine.url.get_backend_name() == "sqlite" and (not database or not Path(database).is_file()):
        raise StoreMissing(
            f"{where} 还没有数据库，请先运行 reminder init 或 reminder import · no database: init or import first"
        )
    current = _revision(engine)
    if current is None:
        raise StoreMissing(
            f"数据库 {where} 是空的，请先运行 reminder db upgrade · it is empty: run `reminder db upgrade` first"
        )
    if current not in _revisions():
        raise UsageError(
            f"数据库 {where} 由更新的版本写成，请安装那个版本 · it was written by a newer version: install that one"
        )
    if current != _revisions()[-1]:
        raise UsageError(
            f"数据库 {where} 需要升级，请先运行 reminder db upgrade · it is not up to date: run `reminder db upgrade`"
        )


def shown(engine: Engine) -> str:
    """Where the database is, without what opens it: a password may also stand among the URL's parameters."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def _revisions() -> list[str]:
    """Every migration of this program, oldest first: their files are numbered."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(engine: Engine) -> str | None:
    """The migration a database stands at; None where it has no schema.

    Raises:
        UsageError: the database cannot be opened.
    """
    try:
        with engine.execution_options(**{_READING: True}).connect() as connection:  # whoever else writes just now
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError as fault:
        where = shown(engine)
        raise UsageError(f"打不开数据库 {where} · cannot open the database: {fault.orig}") from fault
