"""One row of the sheet against one known measure, cell by cell: what applies, what stays, what a person must see.

Cells are compared with the last import. An unchanged cell changes nothing; a changed one applies; one changed both
in the workbook and in the service stays as the service has it. A stored date gives way only to an earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from reminder.domain.measure import Deadline, DeadlineKind
from reminder.ledger.known import FIELDS, Known, values_of
from reminder.ledger.rows import ReadRow
from reminder.ledger.text import cell_text, is_error

# the cells a field is read from, where these are not just its own
_SOURCES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "problem_text", "goal"),
    "supporting_units": ("supporting_units", "units"),
    "status": ("status", "percent"),
    "percent": ("percent", "status"),
    "progress": ("progress", "status"),
}
_AT_TIMES = ("percent", "progress")  # what a column for the status tells in some rows only
# A new alias or a new word for a status reads unchanged cells anew; nothing else does.
_READ_ANEW = ("units", "supporting_units", "status")
_UNREADABLE = {
    "status_unknown": "status",
    "percent_range": "percent",
    "percent_invalid": "percent",
    "progress_date_invalid": "progress_on",
}
_ENDLESS = (DeadlineKind.ONGOING, DeadlineKind.RECURRING, DeadlineKind.IMMEDIATE)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person must see: a code of register.toml, the field, the cell's text and what the service keeps."""

    code: str
    field: str
    text: str
    kept: Any = None
    proposed: Any = None


@dataclass(frozen=True, slots=True)
class Merged:
    """The measure after the import. `edited` are the fields in which the service is still ahead of the workbook."""

    values: Mapping[str, Any]
    changed: frozenset[str] = frozenset()
    edited: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()

    @property
    def conflict(self) -> bool:
        """Whether a cell was changed on both sides."""
        return any(finding.code == "conflict" for finding in self.findings)


def reconcile(known: Known, row: ReadRow, columns: Collection[str], *, same_wording_dated: bool) -> Merged:
    """`columns` are the fields the sheet has. `same_wording_dated`: unchanged wording was read from its first day."""
    said = values_of(row)
    values = dict(known.values)
    edited = set(known.edited)
    findings: list[Finding] = []
    doubtful = {_UNREADABLE.get(problem.code) for problem in row.problems}
    for name in FIELDS:
        silent = name in _AT_TIMES and name not in columns and not said[name]
        if silent or name in doubtful or not _told(name, columns) or is_error(row.cells.get(name, "")):
            continue  # what cannot be read takes nothing away; the row's own problems tell it
        changed = _cell_changed(known, row, name)
        if name in edited:
            if _same(said[name], _current(known, name)):
                edited.discard(name)  # the workbook has caught up
            elif changed:
                findings.append(Finding("conflict", name, row.cells.get(name, ""), _current(known, name)))
        elif name == "deadline":
            values[name], finding = _deadline(known, row, changed=changed, dated=same_wording_dated)
            findings += [finding] if finding else []
        elif changed or _read_anew(known, name):
            values[name] = said[name]
    moved = frozenset(name for name in FIELDS if values[name] != known.values[name])
    return Merged(values, moved, frozenset(edited), tuple(findings))


def _read_anew(known: Known, name: str) -> bool:
    # a status with a history is not taken from an old cell: the suspension it tells of may have ended since
    return name in _READ_ANEW and not (name == "status" and known.changes)


def _told(name: str, columns: Collection[str]) -> bool:
    return any(source in columns for source in _SOURCES.get(name, (name,)))


def _cell_changed(known: Known, row: ReadRow, name: str) -> bool:
    source = next((one for one in _SOURCES.get(name, (name,)) if one in row.cells), name)
    return row.cells.get(source, "") != known.imported.get(source, "")


def _current(known: Known, name: str) -> Any:
    return known.standing_at if name == "status" else known.values[name]


def _same(said: Any, stored: Any) -> bool:
    if not isinstance(said, Deadline):
        return bool(said == stored)
    if said.on or stored.on:
        return (said.on, said.confirmed) == (stored.on, stored.confirmed)
    return (said.kind, said.rule) == (stored.kind, stored.rule)


def _deadline(known: Known, row: ReadRow, *, changed: bool, dated: bool) -> tuple[Deadline, Finding | None]:
    """The limit after the import. Unchanged wording keeps its date for ever."""
    stored, said = known.deadline, row.deadline
    text = row.cells.get("deadline", "")
    if changed:
        return _applied(stored, said, text)
    if cell_text(stored.text) != text:  # a later date was typed in before and is still waiting for `extend`
        return stored, _applied(stored, said, text)[1]
    if _settled(said) and not _settled(stored) and dated:
        return said, None
    return stored, None


def _settled(deadline: Deadline) -> bool:
    return deadline.on is not None and deadline.confirmed


def _applied(stored: Deadline, said: Deadline, text: str) -> tuple[Deadline, Finding | None]:
    if _same(said, stored) or not _settled(stored):
        return said, None
    if said.on is not None and said.confirmed and stored.on is not None and said.on < stored.on:
        return said, None
    if _settled(said) or (said.kind in _ENDLESS and said.on is None):
        return stored, Finding("deadline_moved", "deadline", text, stored.on, said.on)
    return stored, Finding("deadline_kept", "deadline", text, stored.on)
