"""One report sent fifty times at once is one change on PostgreSQL too, where transactions write side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlmodel import SQLModel, select

from reminder.domain.measure import Measure
from reminder.office.act import Office
from reminder.office.unit_report import Touched, UnitReport, hand_in, open_measures
from reminder.store.engine import open_engine, reading, upgrade, writing
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow, ReportRow
from tests.integration.web.conftest import NOW
from tests.makers import SHANGHAI


@pytest.fixture
def engine(postgres_url):
    opened = open_engine(postgres_url)
    upgrade(opened)
    with writing(opened) as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            if not table.name.startswith("delivery"):  # an append-only log is nothing of ours
                session.connection().execute(table.delete())
        row = MeasureRow(
            code="1", text="硬化道路", deadline_kind="ongoing", status="in_progress", known_on=date(2021, 6, 7)
        )
        session.add(row)
        session.flush()
        session.add(MeasureUnitRow(measure_id=row.id, role="responsible", position=0, unit="建设局"))
    yield opened
    opened.dispose()


def test_fifty_at_once_are_one_change(engine):
    with reading(engine) as session:
        [measure] = open_measures(session, ["建设局"])
    assert isinstance(measure, Measure)
    said = Touched(measure=measure, percent=30, text="开工")
    report = UnitReport(unit="建设局", week="2021-W23", by="李四", via="R-1", touched=(said,))

    def send(_):
        with writing(engine) as session:
            return hand_in(session, report, Office(now=NOW, zone=SHANGHAI))

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(send, range(50))) == 1
    with reading(engine) as session:
        assert len(session.exec(select(ReportRow)).all()) == 1
        assert [one.act for one in session.exec(select(EventRow))] == ["progress"]
