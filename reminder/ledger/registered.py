"""What an import did, row by row: the facts for people and for `import --json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reminder.domain.measure import Deadline
from reminder.ledger.rows import RowProblem, Skipped
from reminder.words import say

Action = Literal["added", "updated", "unchanged", "conflict", "rejected"]
ACTIONS: tuple[Action, ...] = ("added", "updated", "unchanged", "conflict", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredRow:
    """One row of the sheet and what became of it. `values` is the measure after the import, by field."""

    row: int
    code: str | None
    action: Action
    values: Mapping[str, Any]
    problems: tuple[RowProblem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The row as the contract writes it."""
        values = self.values
        return {
            "row": self.row,
            "code": self.code,
            "action": self.action,
            "measure": values["text"],
            "deadline": deadline_json(values["deadline"]),
            "units": list(values["units"]),
            "supporting_units": list(values["supporting_units"]),
            "status": values["status"].value,
            "percent": values["percent"],
            "progress_on": values["progress_on"] and values["progress_on"].isoformat(),
            "problems": [
                {"code": one.code, "column": one.column, "text": one.text, "message": one.message}
                for one in self.problems
            ],
        }


def deadline_json(deadline: Deadline) -> dict[str, str | None]:
    """A limit as the contract writes it."""
    return {
        "kind": deadline.kind.value,
        "date": deadline.on.isoformat() if deadline.on else None,
        "rule": deadline.rule,
        "text": deadline.text,
    }


@dataclass(frozen=True, slots=True)
class Vanished:
    """A measure the store knows and the sheet no longer holds."""

    code: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One import. With `dry_run` nothing of it was stored."""

    sheet: str
    header_row: int
    rows: tuple[RegisteredRow, ...]
    skipped: tuple[Skipped, ...] = ()
    vanished: tuple[Vanished, ...] = ()
    unknown_bodies: tuple[str, ...] = ()
    dry_run: bool = False
    locale: str = field(default="zh_CN")

    @property
    def needs_person(self) -> bool:
        """Whether somebody should look at it (exit code 1)."""
        return bool(self.vanished) or any(row.problems or row.action == "rejected" for row in self.rows)

    @property
    def summary(self) -> dict[str, Any]:
        """The counts: rows by what became of them, problems by code."""
        actions = Counter(row.action for row in self.rows)
        problems = Counter(problem.code for row in self.rows for problem in row.problems)
        return {
            "rows": len(self.rows),
            **{action: actions[action] for action in ACTIONS},
            "vanished": len(self.vanished),
            "skipped": len(self.skipped),
            "problems": dict(sorted(problems.items())),
            "unknown_supporting_units": list(self.unknown_bodies),
            "dry_run": self.dry_run,
        }

    def lines(self) -> Iterator[str]:
        """The summary in sentences."""
        yield say(self.locale, "register.summary_dry" if self.dry_run else "register.summary", **self.summary)
        if self.unknown_bodies:
            names = say(self.locale, "register.comma").join(self.unknown_bodies)
            yield say(self.locale, "register.unknown_bodies", count=len(self.unknown_bodies), names=names)

    def as_json(self) -> dict[str, Any]:
        """The whole import as the contract writes it."""
        return {
            "sheet": self.sheet,
            "header_row": self.header_row,
            "rows": [row.as_json() for row in self.rows],
            "skipped": [{"row": one.row, "why": one.why} for one in self.skipped],
            "vanished": [{"code": one.code, "measure": one.text} for one in self.vanished],
            "summary": self.summary,
        }
