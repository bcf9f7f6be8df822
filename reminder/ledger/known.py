"""A measure as the store holds it, beside a row as the sheet says it: the same fields, so that they compare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from reminder.domain.measure import Change, Deadline, Status
from reminder.ledger.rows import ReadRow
from reminder.ledger.text import squeeze
from reminder.ledger.values import read_code

FIELDS = (
    "text",
    "problem",
    "problem_text",
    "aspect",
    "goal",
    "leader",
    "units",
    "supporting_units",
    "deadline",
    "status",
    "percent",
    "progress",
    "progress_on",
    "parent",
    "tags",
    "standing",
)
_INTERNAL = re.compile(r"(~[0-9a-f]{8})(?:#\d+)?")  # the code of a row that has none

Values = Mapping[str, Any]  # by field of FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A measure of the store. `imported` are its cells at the last import, `edited` the fields changed since."""

    id: int
    code: str
    values: Values
    imported: Mapping[str, str] = field(default_factory=dict)
    edited: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    standing_at: Status = Status.IN_PROGRESS  # today, where changes are dated later
    closed_on: date | None = None
    wording_read_on: date | None = None  # the day from which the deadline's wording was read
    vanished_on: date | None = None
    row: int | None = None

    @property
    def shown_code(self) -> str | None:
        """The code as the sheet had it."""
        return None if _INTERNAL.fullmatch(self.code) else read_code(self.imported.get("code")) or self.code

    @property
    def group(self) -> str:
        """What rows of the sheet are found by: the code, or what stands for a missing one."""
        internal = _INTERNAL.fullmatch(self.code)
        return internal[1] if internal else self.shown_code or self.code

    @property
    def deadline(self) -> Deadline:
        """The stored limit."""
        limit: Deadline = self.values["deadline"]
        return limit


def values_of(row: ReadRow) -> dict[str, Any]:
    """What a row of the sheet says, by field."""
    return {name: getattr(row, name) for name in FIELDS}


def group_of(row: ReadRow) -> str:
    """The row's code; where it has none, a name made of its problem and text."""
    return row.code or stand_in(row.problem, row.text)


def stand_in(problem: str, text: str) -> str:
    """The internal code of a row without one: the same for the same problem and text."""
    return "~" + sha256(f"{squeeze(problem)}|{squeeze(text)}".encode()).hexdigest()[:8]
