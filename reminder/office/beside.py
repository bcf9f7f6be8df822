"""What an act has to agree with beside the measure itself: its children, its parent, a request that waits."""

from __future__ import annotations

from sqlmodel import Session, col, select

from reminder.domain.measure import CLOSED, Status
from reminder.office.act import Act, Office
from reminder.office.waiting import request_of
from reminder.store.tables import MeasureRow
from reminder.words import say

_SETTLED = [status.value for status in CLOSED if status is not Status.SUSPENDED]


def check_beside(session: Session, measure: MeasureRow, act: Act, office: Office) -> None:
    """Refuses what does not agree.

    Raises:
        UsageError: a parent with children that are not done is written off without saying so, no request waits to be
            refused, or the parent does not exist or is the measure itself or one of its children.
    """
    if act.name == "write_off" and not act.despite_children:
        undone = [child.code for child in children(session, measure) if child.status not in _SETTLED]
        if undone:
            codes = say(office.locale, "office.comma").join(undone)
            raise office.refuse("children_undone", code=measure.code, children=codes)
    if act.name == "refuse_extension" and request_of(session, measure.id or 0) is None:
        raise office.refuse("no_request", code=measure.code)
    if act.name == "mark" and act.marks.parent:
        _check_parent(session, measure, act.marks.parent, office)


def children(session: Session, measure: MeasureRow) -> list[MeasureRow]:
    """The measures of the same ledger that name it as their parent, in the ledger's order."""
    named = select(MeasureRow).where(MeasureRow.ledger == measure.ledger, MeasureRow.parent == measure.code)
    return list(session.exec(named.order_by(col(MeasureRow.id))))


def _check_parent(session: Session, measure: MeasureRow, parent: str, office: Office) -> None:
    code, seen = parent, {measure.code}
    while code:
        if code in seen:
            raise office.refuse("parent_circle", code=measure.code, parent=parent)
        seen.add(code)
        row = session.exec(
            select(MeasureRow).where(MeasureRow.ledger == measure.ledger, MeasureRow.code == code)
        ).first()
        if row is None and code == parent:
            raise office.refuse("code_unknown", code=parent)
        code = (row.parent or "") if row else ""
