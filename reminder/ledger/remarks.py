"""What an import adds to a row's problems, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from reminder.domain.measure import Deadline, Status
from reminder.ledger.matching import Matched, carries_another_text
from reminder.ledger.reconcile import Finding, Merged
from reminder.ledger.rows import RowProblem
from reminder.words import say

_SHOWN = 60  # characters of a cell in a sentence


def shown(value: Any, locale: str) -> str:
    """A stored value as a sentence shows it."""
    if isinstance(value, Status):
        return say(locale, f"letters.status_{value}")
    if isinstance(value, Deadline):
        value = value.on or value.text
    if isinstance(value, date):
        return value.isoformat()
    text = str(value if value is not None else "")
    return text[:_SHOWN] or say(locale, "register.blank")


def problems_of(pair: Matched, merged: Merged, locale: str) -> tuple[RowProblem, ...]:
    """The row's own problems and those that only the comparison shows."""
    own = [one for one in pair.row.problems if not (_settled(pair, merged) and one.code.startswith("deadline_"))]
    return (*own, *_replaced(pair, locale), *(_problem(finding, locale) for finding in merged.findings))


def _settled(pair: Matched, merged: Merged) -> bool:
    """Whether the office has set the limit itself since this wording was typed: no need to ask again."""
    conflict = any(finding.field == "deadline" for finding in merged.findings)
    return pair.known is not None and "deadline" in pair.known.edited and not conflict


def _replaced(pair: Matched, locale: str) -> Iterator[RowProblem]:
    if pair.row.code and pair.known and carries_another_text(pair, frozenset()):
        column = say(locale, "register.column_text")
        facts = {"code": pair.row.code, "kept": shown(pair.known.values["text"], locale)}
        yield RowProblem("text_replaced", column, pair.row.text, say(locale, "register.text_replaced", **facts))


def _problem(finding: Finding, locale: str) -> RowProblem:
    column = say(locale, f"register.column_{finding.field}")
    sentence = finding.code
    if sentence == "deadline_moved" and finding.proposed is None:
        sentence = "deadline_moved_endless"
    facts = {
        "field": column,
        "text": shown(finding.text, locale),
        "kept": shown(finding.kept, locale),
        "proposed": shown(finding.proposed, locale),
    }
    return RowProblem(finding.code, column, finding.text, say(locale, f"register.{sentence}", **facts))
