"""What an import writes for one measure: its columns, and the dated events of its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from reminder.domain.history import closed_since, moved
from reminder.domain.measure import OPEN, Change, Status
from reminder.ledger.book import Event, Write, columns_of
from reminder.ledger.known import Known
from reminder.ledger.matching import Matched, Matching
from reminder.ledger.reconcile import Merged


def write_of(pair: Matched, merged: Merged, as_of: date, dated: date | None = None) -> Write | None:
    """What has to be written for a row; None where the store says the same already."""
    known, row = pair.known, pair.row
    imported = {**(known.imported if known else {}), **row.cells}
    columns: dict[str, Any] = {"imported": imported, "edited": sorted(merged.edited), "row": row.row}
    columns |= {"vanished_on": None}
    if known is not None and not merged.changed and pair.code == known.code and _same(known, columns):
        return None
    changes = _changes(pair, merged, as_of)
    columns |= columns_of(merged.values) | {"closed_on": closed_since((*(known.changes if known else ()), *changes))}
    if known is None or imported.get("deadline") != known.imported.get("deadline"):
        columns["deadline_read_on"] = as_of
    else:
        columns["deadline_read_on"] = known.wording_read_on
    if known is None:
        columns |= {"known_on": as_of, "dated_on": dated or as_of}
    return Write(
        known=known,
        code=pair.code,
        values=merged.values,
        columns=columns,
        events=(*_moves(changes, known), *_applied(pair, merged, as_of)),
    )


def _same(known: Known, columns: Mapping[str, Any]) -> bool:
    stored = (known.imported, sorted(known.edited), known.row, known.vanished_on)
    return stored == tuple(columns[name] for name in ("imported", "edited", "row", "vanished_on"))


def _changes(pair: Matched, merged: Merged, as_of: date) -> tuple[Change, ...]:
    """How the status cell moves the measure: closed on its progress date, reopened on the day of the import."""
    status: Status = merged.values["status"]
    known = pair.known
    if (known is None and status in OPEN) or (known is not None and "status" not in merged.changed):
        return ()
    before = known.changes if known else ()
    return moved(before, _day(status, merged.values["progress_on"], before, as_of), status)


def _day(status: Status, progress_on: date | None, before: tuple[Change, ...], as_of: date) -> date:
    last = max((change.on for change in before if change.on <= as_of), default=date.min)
    if status in OPEN or progress_on is None or progress_on < last:  # a date from before it was last moved is stale
        return as_of
    return progress_on


def _moves(changes: tuple[Change, ...], known: Known | None) -> list[Event]:
    was = {"was": known.values["status"].value} if known else {}
    return [
        Event(act="import", on=change.on, status=change.status, facts=was | ({"repeat": True} if n else {}))
        for n, change in enumerate(changes)
    ]


def _applied(pair: Matched, merged: Merged, as_of: date) -> list[Event]:
    """What else the import changed, for the measure's history."""
    names = sorted(merged.changed - {"status"})
    if pair.known is None or not names:
        return []
    before = pair.known.values
    changed = {name: [_plain(before[name]), _plain(merged.values[name])] for name in names}
    return [Event(act="import", on=as_of, facts={"changed": changed})]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else {"text": value.text, "on": str(value.on or "")}


def write_of_missing(known: Known, matching: Matching, as_of: date) -> Write | None:
    """Marks a measure as vanished from its ledger, and takes its code where another one needs it."""
    code = matching.displaced.get(known.id, known.code)
    if known.vanished_on and code == known.code:
        return None
    columns = {"vanished_on": known.vanished_on or as_of}
    return Write(known=known, code=code, values=known.values, columns=columns)
