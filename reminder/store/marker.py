"""The last cycle's instant, kept once more outside the database: a database that lies behind it was restored. Below it
stands the delivery log's head, so that a log cut short since is found.

For SQLite the file stands beside the database. For PostgreSQL it stands in the configuration's folder of each
machine, where it may be missing (a new machine) or behind (another machine worked). What no marker can tell: a folder
put back together with its marker, or a copy made after the last cycle.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine

log = logging.getLogger("reminder.store")


@dataclass(frozen=True, slots=True)
class Marker:
    """Where it is kept. `must_exist`: where the database says that it was marked, a missing file is a restore too."""

    file: Path
    must_exist: bool

    def read(self) -> datetime | None:
        """The instant kept; None where there is none or it cannot be read."""
        try:
            return datetime.fromisoformat(self._lines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def head(self) -> str:
        """The head of the delivery log that was kept; "" where there is none."""
        try:
            return "".join(self._lines()[1:2])
        except (OSError, ValueError):
            return ""

    def _lines(self) -> list[str]:
        return self.file.read_text(encoding="ascii").split()

    def write(self, at: datetime, head: str = "") -> None:
        """Keeps these in the place of what was kept. Where that fails it is logged: the cycle itself was good."""
        draft = self.file.with_name(self.file.name + ".new")
        try:
            draft.write_text(f"{at.isoformat()}\n{head}".rstrip(), encoding="ascii")
            draft.replace(self.file)
        except OSError as error:
            log.warning("cannot keep the last cycle's instant in %s: %s", self.file, error.strerror or error)

    def forget(self) -> None:
        """Removes what was kept: the database that it belonged to is gone."""
        self.file.unlink(missing_ok=True)

    def tells_restored(self, last_at: datetime | None, *, marked: bool) -> bool:
        """Whether a database whose last cycle was at `last_at` lies behind what was kept of it outside."""
        kept = self.read()
        if kept is None:
            return marked and self.must_exist
        return last_at is None or last_at < kept


def marker_of(engine: Engine, folder: Path) -> Marker | None:
    """The marker of this database; `folder` is the configuration's. None for a database in memory."""
    if engine.url.get_backend_name() == "sqlite":
        name = engine.url.database
        return Marker(Path(f"{name}.cycle"), must_exist=True) if name and name != ":memory:" else None
    which = f"{engine.url.host}:{engine.url.port}/{engine.url.database}"
    return Marker(folder / f".{sha256(which.encode()).hexdigest()[:12]}.cycle", must_exist=False)
