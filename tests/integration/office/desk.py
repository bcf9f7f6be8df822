"""An office at its desk: imports rows, acts on measures, looks at what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import select

from reminder.domain.measure import Measure
from reminder.ledger.grid import Grid
from reminder.ledger.read import choose, read_ledger, read_sheet
from reminder.ledger.register import Import, known_wordings, register
from reminder.ledger.registered import Registered
from reminder.ledger.rows import ReadSettings, ReadSheet
from reminder.office.act import Act, Office
from reminder.office.acts import perform
from reminder.office.history import Entry, history
from reminder.store.engine import reading, writing
from reminder.store.measures import load_measures
from reminder.store.tables import ImportRow, MeasureRow
from tests.makers import SHANGHAI

HEADER = (
    "序号",
    "问题",
    "整改措施",
    "责任部门",
    "配合单位",
    "整改时限",
    "状态",
    "完成比例",
    "最近进展",
    "最近进展日期",
)
PLACE = {
    "code": 0,
    "problem": 1,
    "text": 2,
    "units": 3,
    "deadline": 5,
    "status": 6,
    "percent": 7,
    "progress": 8,
    "on": 9,
}
DAY = date(2021, 5, 6)


def row(code: object = "1", text: str = "补齐交通标识牌", **cells: object) -> tuple[object, ...]:
    """One row of the workbook, due on 2021-06-30."""
    usual = {"units": "建设局", "deadline": "2021年6月30日前", "status": "推进中"}
    written = {**usual, "code": code, "text": text, **cells}
    return tuple(written.get(name) for name in ("code", "problem", "text", "units", "supporting", "deadline")) + tuple(
        written.get(name) for name in ("status", "percent", "progress", "on")
    )


class Desk:
    """One office with its database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def read(self, rows: Sequence[tuple[object, ...]], as_of: date = DAY, **settings: Any) -> ReadSheet:
        """The rows as the ledger room reads them, without a file."""
        reading_with = ReadSettings(**({"as_of": as_of, "dated": date(2021, 4, 8)} | settings))
        wordings = settings.pop("wordings", {})
        grid = Grid("台账", (HEADER, *rows))  # type: ignore[arg-type]  # rows of plain cells
        return read_sheet(choose([grid], reading_with, None), reading_with, wordings)

    def imports(self, *rows: tuple[object, ...], as_of: date = DAY, **about: Any) -> Registered:
        """One import of these rows."""
        settings = about.pop("settings", {})
        return self.registers(self.read(rows, as_of, **settings), as_of=as_of, **about)

    def imports_file(self, path: Path, as_of: date = DAY, **about: Any) -> Registered:
        """One import of a real workbook."""
        with reading(self.engine) as session:
            wordings = known_wordings(session, about.get("ledger", ""))
        sheet = read_ledger(path, ReadSettings(as_of=as_of, dated=date(2021, 4, 8)), None, wordings)
        return self.registers(sheet, as_of=as_of, **about)

    def registers(self, sheet: ReadSheet, *, as_of: date, **about: Any) -> Registered:
        now = datetime.combine(as_of, time(10), SHANGHAI)
        with writing(self.engine) as session:
            return register(
                session, sheet, Import(**({"as_of": as_of, "now": now, "file": "台账", "sha256": ""} | about))
            )

    def does(self, name: Any, key: str = "1", on: date = DAY, today: date | None = None, **facts: Any) -> None:
        """One act by the office; it happens today unless `today` says otherwise."""
        office = Office(now=datetime.combine(today or on, time(10), SHANGHAI), zone=SHANGHAI)
        with writing(self.engine) as session:
            perform(session, key, Act(name=name, on=on, by="督办科", because="经办", **facts), office)

    def measure(self, code: str = "1", ledger: str = "") -> Measure:
        """The measure as rules see it."""
        with reading(self.engine) as session:
            (found,) = load_measures(session, MeasureRow.ledger == ledger, MeasureRow.code == code)
            return found

    def measures(self) -> list[Measure]:
        with reading(self.engine) as session:
            return load_measures(session)

    def rows(self) -> list[MeasureRow]:
        with reading(self.engine) as session:
            return list(session.exec(select(MeasureRow).order_by(MeasureRow.id)))

    def history(self, key: str = "1") -> list[Entry]:
        with reading(self.engine) as session:
            return history(session, key)

    def count_imports(self) -> int:
        with reading(self.engine) as session:
            return len(session.exec(select(ImportRow)).all())
