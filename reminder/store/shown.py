"""What a letter shows of measures that were only outlined: their rows are read for the few that it has room for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any

from sqlmodel import Session

from reminder.domain.measure import Deadline, Measure, measure_of
from reminder.store.listed import Listed, read
from reminder.store.measures import STATUSES, changes_of
from reminder.store.tables import MeasureRow

_COLUMNS = MeasureRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_AS_IT_IS = ("code", "text", "problem", "problem_text", "leader", "percent", "progress", "progress_on", "blocked_by")
_OUTLINED = attrgetter("kind", "on", "confirmed")  # what an outline knows of a deadline
_OF_DEADLINE = ("deadline_text", "then_ongoing", "deadline_computed")
_SHOWN = Listed([_COLUMNS[name] for name in ("id", "status", *_AS_IT_IS, *_OF_DEADLINE)], _COLUMNS.id)


def shown(session: Session, outlined: Sequence[Measure]) -> list[Measure]:
    """The same measures, each of one unit, with all that letters say of them; one that no longer exists is left out."""
    rows = {row[0]: row for row in _SHOWN.rows(session, {measure.id for measure in outlined})}
    if not rows:
        return []
    there = [measure for measure in outlined if measure.id in rows]
    ids = [measure.id for measure in there]
    told = read(_SHOWN.columns, [rows[one] for one in ids], session.get_bind().dialect)
    columns: dict[str, Sequence[Any]] = dict(zip(Measure._fields, zip(*there, strict=True), strict=True))
    changes = changes_of(session, ids)
    made = {
        "status": tuple(map(STATUSES.__getitem__, told["status"])),
        "deadline": tuple(map(_deadline, map(_OUTLINED, columns["deadline"]), *(told[name] for name in _OF_DEADLINE))),
        "blocked": tuple(map(bool, told["blocked_by"])),
        "changes": tuple(map(changes.get, ids, repeat(()))) if changes else columns["changes"],
    }
    columns |= made | {name: told[name] for name in _AS_IT_IS}
    return list(map(measure_of, zip(*columns.values(), strict=True)))


@lru_cache(maxsize=8192)  # by plain values: a Deadline takes much longer to hash
def _deadline(outlined: tuple[Any, ...], text: str, then_ongoing: bool, computed: bool) -> Deadline:
    kind, on, confirmed = outlined
    return Deadline(kind, on, text=text, then_ongoing=then_ongoing, confirmed=confirmed, computed=computed)
