"""What a ledger's sheet says, row by row: the values that reading yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from reminder.domain.measure import Deadline, Status
from reminder.rules.calendar import Calendar

Why = Literal["blank", "repeated_header", "subtotal", "total", "footer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """How a sheet is to be read.

    `as_of` is the day on which its statuses are true; relative wording counts from `dated`, else from `as_of`.
    `columns` and `statuses` add names to the usual ones. `unit_names` maps every known name and alias to the
    canonical name; while it is empty there is no directory yet and no unit is called unknown.
    """

    locale: str = "zh_CN"
    as_of: date
    dated: date | None = None
    default_year: int | None = None
    immediate_within: str | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unit_names: Mapping[str, str] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Something in a row that a person should look at. `column` is the header's text, `text` the cell's."""

    code: str
    column: str
    text: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """One row. `row` is the sheet's own number; `cells` holds each field's comparable text for the next import."""

    row: int
    code: str | None
    text: str
    problem: str = ""
    problem_text: str = ""
    aspect: str = ""
    goal: str = ""
    leader: str | None = None
    units: tuple[str, ...] = ()
    supporting_units: tuple[str, ...] = ()
    deadline: Deadline
    status: Status
    percent: int | None = None
    progress: str = ""
    progress_on: date | None = None
    parent: str | None = None
    tags: tuple[str, ...] = ()
    standing: bool = False
    cells: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[RowProblem, ...] = ()
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that holds no measure."""

    row: int
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSheet:
    """A sheet as read. `fields` are the columns it has; `unknown_bodies` the supporting bodies no directory knows."""

    sheet: str
    header_row: int
    rows: tuple[ReadRow, ...]
    skipped: tuple[Skipped, ...] = ()
    fields: tuple[str, ...] = ()
    unknown_bodies: tuple[str, ...] = ()
