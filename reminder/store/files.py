"""The database as a file: copied while it is in use, and put back. SQLite only; PostgreSQL has tools of its own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine

from reminder.errors import UsageError
from reminder.store.contents import Content

_HEADER = b"SQLite format 3\x00"


def make(file: Path) -> None:
    """Makes an empty file for a database: the group may write where the umask lets it, others may not even read.
    SQLite's own mode keeps a clerk from writing and shows the ledger to all; it gives -wal and -shm the database's.

    Raises:
        OSError: it exists, or cannot be made.
    """
    os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o660))


def database_file(engine: Engine) -> Path:
    """The database's file. UsageError where it is not an SQLite database."""
    if engine.url.get_backend_name() != "sqlite" or not engine.url.database:
        raise UsageError(
            "这个数据库不是文件，请用 pg_dump 和 pg_restore · this database is not a file: use pg_dump and pg_restore"
        )
    return Path(engine.url.database)


def backup(engine: Engine, to: Path) -> dict[str, Content]:
    """Copies the database to the new file `to`, as it stands at one moment, while others use it; returns what each
    table holds, which is the same in both.

    Raises:
        UsageError: `to` exists, or cannot be written, or the copy is not sound.
    """
    source = database_file(engine)
    if to.exists():
        raise UsageError(f"{to} 已经存在，没有覆盖 · it exists already: nothing was overwritten")
    draft = to.with_name(to.name + ".part")
    draft.unlink(missing_ok=True)
    try:
        make(draft)
        found = _copy(source, draft)
        check(draft)
        draft.replace(to)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"写不了 {to} · cannot write it: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return found


def keep(engine: Engine, to: Path) -> None:
    """Sets the present database aside as `to`: copied, or moved where it is too damaged to be copied."""
    source = database_file(engine)
    try:
        backup(engine, to)
    except UsageError:
        if to.exists():
            raise
        for tail in ("", "-wal", "-shm"):
            part = source.with_name(source.name + tail)
            if part.is_file():
                part.rename(to.with_name(to.name + tail))


def restore(engine: Engine, file: Path) -> dict[str, Content]:
    """Puts the database in `file` in place of the present one, whose connections see it from then on; returns what each
    table holds, which is the same in both.

    Raises:
        UsageError: `file` is not a sound database of this program, or the present one is being written to.
    """
    check(file)
    target = database_file(engine)
    try:
        if not target.exists():
            make(target)
        return _copy(file, target)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(
            f"恢复不了 {target}，请先停下服务 · cannot restore it, is the service running? {error}"
        ) from error


def check(file: Path) -> None:
    """Refuses a file that is not a sound database of this program, with a UsageError."""
    try:
        with file.open("rb") as stream:
            if stream.read(len(_HEADER)) != _HEADER:
                raise UsageError(f"{file} 不是数据库 · it is not a database")
        with _opened(file) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except OSError as error:
        raise UsageError(f"读不了 {file} · cannot read it: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise UsageError(f"{file} 不是本程序的数据库 · it is not a database of this program: {error}") from error
    if verdict != "ok":
        raise UsageError(f"{file} 已损坏 · it is damaged: {verdict}")


def last_cycle(file: Path) -> datetime | None:
    """When the last cycle of the database in `file` ran, aware; None where none did or there is no database."""
    if not file.is_file():
        return None
    try:
        with _opened(file) as connection:
            row = connection.execute("SELECT last_at FROM cycle").fetchone()
    except sqlite3.Error:
        return None
    if not row or not row[0]:
        return None
    at = datetime.fromisoformat(row[0])
    return at if at.tzinfo else datetime.fromisoformat(row[0] + "+00:00")


def _copy(source: Path, target: Path) -> dict[str, Content]:
    with _opened(source) as one, closing(sqlite3.connect(target, timeout=5)) as other:
        one.execute("BEGIN")  # what is copied and what is compared are one state
        expected = _contents(one)
        one.backup(other)
        found = _contents(other)
    if found != expected:
        raise UsageError(f"{target} 与 {source} 不一致，请重试 · the copy is not the same as its source, try again")
    return found


def _contents(connection: sqlite3.Connection) -> dict[str, Content]:
    """What each table holds, whatever version of the schema it has. The index of words is no table of rows."""
    every = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'measure_words*' ORDER BY name"
    names = connection.execute(every).fetchall()
    return {name: _content(connection, name) for (name,) in names}


def _content(connection: sqlite3.Connection, name: str) -> Content:
    digest, rows = sha256(), 0
    for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid'):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
        rows += 1
    return Content(rows, digest.hexdigest())


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that creates nothing."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=5)) as connection:
        yield connection
