"""Which measures a report's text names: by their codes, in words that leave no doubt that a measure is meant."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

from sqlmodel import Session, col, select

from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow

_BEFORE = r"(?:第|措施|序号|编号|#|no\.?|measure)\s*"  # 第27项, 措施27, #27, measure 27
_AFTER = r"\s*(?:号|项|条)"  # 27号, 27项; never "27日"


def names(text: str, code: str) -> bool:
    """Whether `text` speaks of the measure with this code."""
    plain = unicodedata.normalize("NFKC", text)
    wanted = re.escape(unicodedata.normalize("NFKC", code))
    whole = rf"(?<![0-9A-Za-z.\-]){wanted}(?![0-9A-Za-z\-]|\.\d)"
    return bool(re.search(rf"(?i){_BEFORE}{whole}|{whole}{_AFTER}", plain))


def note_answers(session: Session, unit: str, text: str, on: date, now: datetime) -> list[int]:
    """Records for each measure of `unit` that `text` names that the unit answered on `on`; returns their ids."""
    if not text.strip():
        return []
    own = (
        select(MeasureRow)
        .join(MeasureUnitRow, col(MeasureUnitRow.measure_id) == col(MeasureRow.id))
        .where(MeasureUnitRow.unit == unit, MeasureUnitRow.role == "responsible")
    )
    named = [row.id for row in session.exec(own) if row.id is not None and names(text, row.code)]
    for measure_id in named:
        session.add(
            EventRow(measure_id=measure_id, act="report", on=on, by=unit, because=text.strip(), recorded_at=now)
        )
    return named
