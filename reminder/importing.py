"""An import of a workbook as one transaction: read in its child process, compared with the last import, stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from reminder.app import App, now
from reminder.ledger.read import read_ledger
from reminder.ledger.register import Import, known_wordings, register
from reminder.ledger.registered import Registered
from reminder.store.engine import reading, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How somebody wants a workbook imported. `as_of`: the day on which its statuses are true."""

    as_of: date
    sheet: str | None = None
    ledger: str = ""
    dry_run: bool = False
    renumbered: bool = False


def import_into(app: App, file: Path, order: Order) -> Registered:
    """One import, as one transaction. Raises UnreadableLedger or UsageError; then nothing was stored."""
    with reading(app.engine) as session:
        wordings = known_wordings(session, order.ledger, renumbered=order.renumbered)
    read = read_ledger(file, app.read_settings(order.ledger, order.as_of), order.sheet, wordings)
    about = Import(
        ledger=order.ledger,
        as_of=order.as_of,
        dated=app.configuration.reading(order.ledger).dated,
        now=now(),
        file=file.name,
        sha256=sha256(file.read_bytes()).hexdigest(),
        renumbered=order.renumbered,
        dry_run=order.dry_run,
        locale=app.configuration.locale,
    )
    with writing(app.engine) as session:
        return register(session, read, about)
