"""A measure handed over from one unit to another: what the office does where a unit rightly says that it is not its."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from reminder.office.act import Act, Office
from reminder.office.effects import edit
from reminder.office.waiting import passed_on
from reminder.store.tables import MeasureRow, MeasureUnitRow


def hand_over(session: Session, measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    """Puts the unit `act.text` in the place of `act.instead_of`: of the unit that asked for it, or of the only one,
    where none is named. The workbook is then behind: until it says the same, its cell changes nothing.

    Raises:
        UsageError: no unit is named, it is responsible already, or it is not clear instead of which.
    """
    rows = _responsible(session, measure)
    units, new = [row.unit for row in rows], act.text.strip()
    if not new:
        raise office.refuse("pass_on_needs", code=measure.code)
    old = act.instead_of.strip() or _asking(session, measure, units) or (units[0] if len(units) == 1 else "")
    if old not in units or old == new:
        raise office.refuse("hand_over_which", code=measure.code, units="、".join(units), unit=new)
    place = rows[units.index(old)]
    if new in units:
        session.delete(place)
    else:
        place.unit = new
        session.add(place)
    edit(measure, "units")
    return {"unit": new, "was_unit": old}


def _responsible(session: Session, measure: MeasureRow) -> list[MeasureUnitRow]:
    wanted = select(MeasureUnitRow).where(MeasureUnitRow.measure_id == measure.id, MeasureUnitRow.role == "responsible")
    return list(session.exec(wanted.order_by(col(MeasureUnitRow.position))))


def _asking(session: Session, measure: MeasureRow, units: list[str]) -> str:
    """The unit that said last that it is not its, where nobody has answered that yet."""
    said = passed_on(session, measure.id or 0)
    asking = str(said.facts.get("by_unit", "")) if said else ""
    return asking if asking in units else ""
