"""A weekly report that names a measure answers for it: the next step of its chain is put off."""

from __future__ import annotations

from datetime import date

import pytest

from reminder.office.naming import names
from reminder.office.reports import Report, record_report
from reminder.store.engine import writing
from tests.integration.office.desk import row
from tests.makers import SHANGHAI, at

NAMED = [
    ("第27项已完成招标", "27", True),
    ("措施27 正在公示", "27", True),
    ("27号措施推进中", "27", True),
    ("#27 done", "27", True),
    ("Measure 27 is under way", "27", True),
    ("第２７项", "27", True),
    ("第1.2条已办", "1.2", True),
    ("第1.2条已办", "1", False),
    ("第12条已办", "1.2", False),
    ("27日前完成", "27", False),
    ("完成27%", "27", False),
    ("第127项", "27", False),
    ("第27-1项", "27", False),
    ("共27项", "2", False),
    ("本周无进展", "27", False),
    ("第A-7项", "A-7", True),
]


@pytest.mark.parametrize(("text", "code", "named"), NAMED)
def test_a_measure_is_named_where_no_doubt_is_left(text, code, named):
    assert names(text, code) is named


def test_a_report_that_names_a_measure_answers_for_it_alone(desk):
    desk.imports(row(code="27"), row(code="28", text="二"), row(code="29", text="三", units="财政局"))
    told = Report(unit="建设局", week="2021-W23", submitted_at=at("2021-06-11 23:30"), note="第27项、第29项已开工")
    with writing(desk.engine) as session:
        assert record_report(session, told, SHANGHAI)
        assert not record_report(session, told, SHANGHAI)  # the very same again says nothing more
    answers = {code: desk.measure(code).answers for code in ("27", "28", "29")}
    assert answers == {"27": (date(2021, 6, 11),), "28": (), "29": ()}  # another unit's measure is not answered
    assert [(entry.act, entry.by, entry.because) for entry in desk.history("27")] == [
        ("report", "建设局", "第27项、第29项已开工")
    ]
