"""Weekly reports: how weeks and instants are written, lists of them, and who owed what."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlmodel import select

from reminder.errors import UsageError
from reminder.office.reports import Report, canonical_unit, import_reports, read_reports, record_report, reports_of_week
from reminder.office.weeks import instant_of, week_of
from reminder.store.engine import reading, writing
from reminder.store.tables import MeasureRow, MeasureUnitRow, ReportRow
from tests.makers import SHANGHAI, a_practice, a_rule

NAMES = {"建设局": "建设局", "区建设局": "建设局", "城管局": "城管局"}
WEEKS = [
    ("2021-W17", "2021-W17"),
    ("2021W17", "2021-W17"),
    ("２０２１－Ｗ１７", "2021-W17"),
    ("2021年第17周", "2021-W17"),
    ("2021-04-30", "2021-W17"),
    ("2021/4/26", "2021-W17"),
    ("2021年5月2日", "2021-W17"),
    (date(2021, 4, 30), "2021-W17"),
    (datetime(2021, 4, 30), "2021-W17"),
    ("2021-01-01", "2020-W53"),
]


@pytest.mark.parametrize(("text", "week"), WEEKS)
def test_a_week_is_named_or_any_day_in_it(text, week):
    assert week_of(text) == week


@pytest.mark.parametrize("text", ["2021-W54", "2021-02-30", "上周", "", None, "17"])
def test_no_such_week(text):
    with pytest.raises(UsageError, match="2021-W17"):
        week_of(text)


INSTANTS = [
    ("2021-04-30 16:05", "2021-04-30T16:05:00+08:00"),
    ("2021/4/30 16:05", "2021-04-30T16:05:00+08:00"),
    ("2021年4月30日16时05分", "2021-04-30T16:05:00+08:00"),
    ("2021-04-30T16:05:00+00:00", "2021-04-30T16:05:00+00:00"),
    (datetime(2021, 4, 30, 16, 5), "2021-04-30T16:05:00+08:00"),
]


@pytest.mark.parametrize(("text", "instant"), INSTANTS)
def test_an_instant_is_on_the_office_clock(text, instant):
    assert instant_of(text, SHANGHAI) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["2021-04-30", datetime(2021, 4, 30), "16:05", "2021-04-30 25:00", ""])
def test_a_bare_day_is_no_instant(text):
    with pytest.raises(UsageError, match="时分"):
        instant_of(text, SHANGHAI)


def test_a_list_is_read_with_chinese_and_english_headers():
    cells = ["区建设局", "2021-W17", "2021-04-30 16:05", "补报"]
    expected = Report(
        unit="建设局", week="2021-W17", submitted_at=datetime(2021, 4, 30, 16, 5, tzinfo=SHANGHAI), note="补报"
    )
    for header in (["单位", "周", "报送时间", "备注"], ["unit", "week", "submitted_at", "note"]):
        assert read_reports([["周报告登记"], header, cells, [None, "", "", ""]], NAMES, SHANGHAI) == [expected]


def test_all_faults_of_a_list_are_told_by_row():
    rows = [["单位", "周", "报送时间"], ["建没局", "2021-W17", "2021-04-30"], ["城管局", "2021-W60", "2021-04-30 9:00"]]
    with pytest.raises(UsageError) as refused:
        read_reports(rows, NAMES, SHANGHAI)
    lines = str(refused.value).splitlines()
    assert [line[:6] for line in lines] == ["第 2 行：", "第 2 行：", "第 3 行："]
    assert "是不是“建设局”" in lines[0]


def test_a_list_without_a_header():
    with pytest.raises(UsageError, match="报送时间"):
        read_reports([["a", "b"]], NAMES, SHANGHAI)


def test_an_unknown_unit():
    with pytest.raises(UsageError, match=r"units\.toml"):
        canonical_unit("财政厅", {"城管": "城管"})


def test_reports_are_stored_once_and_amendments_beside_them(desk):
    first = Report(unit="建设局", week="2021-W17", submitted_at=datetime(2021, 4, 30, 16, tzinfo=SHANGHAI))
    amended = Report(unit="建设局", week="2021-W17", submitted_at=datetime(2021, 5, 6, 9, tzinfo=SHANGHAI), note="补充")
    with writing(desk.engine) as session:
        assert import_reports(session, [first, amended], SHANGHAI) == 2
        assert record_report(session, first, SHANGHAI) is False
    with reading(desk.engine) as session:
        assert len(session.exec(select(ReportRow)).all()) == 2


def measures_of(desk, *units):
    with writing(desk.engine) as session:
        for n, unit in enumerate(units, 1):
            known = {"status": "in_progress", "known_on": date(2020, 1, 1)}
            session.add(MeasureRow(id=n, code=str(n), text="措施", deadline_kind="empty", **known))
            session.flush()
            session.add(MeasureUnitRow(measure_id=n, role="responsible", position=0, unit=unit))


def told_of(desk, rule, week):
    with reading(desk.engine) as session:
        return reports_of_week(session, rule, a_practice(), frozenset(), week)


def test_who_owed_a_report_and_what_became_of_it(desk):
    rule = a_rule("report", due="friday 17:00")
    measures_of(desk, "建设局", "城管局", "财政局")
    submitted = {
        ("建设局", "2021-W16"): datetime(2021, 4, 23, 16, tzinfo=SHANGHAI),
        ("城管局", "2021-W16"): datetime(2021, 4, 25, 9, tzinfo=SHANGHAI),
        ("教育局", "2021-W16"): datetime(2021, 4, 23, 9, tzinfo=SHANGHAI),
    }
    with writing(desk.engine) as session:
        session.add_all(ReportRow(unit=unit, week=week, submitted_at=at) for (unit, week), at in submitted.items())
    told = told_of(desk, rule, "2021-W16")
    assert {one.unit: one.state for one in told} == {
        "建设局": "received",
        "城管局": "late",
        "财政局": "missing",
        "教育局": "not_owed",
    }
    assert told[0].as_json() == {
        "unit": "城管局",
        "week": "2021-W16",
        "due_at": "2021-04-23T17:00:00+08:00",
        "state": "late",
        "submitted_at": "2021-04-25T09:00:00+08:00",
    }


# the week, when its report fell due, what an open measure's unit owed
DUE = [
    ("2021-W16", "2021-04-23T17:00:00+08:00", "missing"),
    ("2021-W06", "2021-02-10T17:00:00+08:00", "missing"),  # Spring Festival from Thursday: due on Wednesday
    ("2020-W05", None, "not_owed"),  # Spring Festival, the whole week
]


@pytest.mark.parametrize(("week", "due_at", "state"), DUE)
def test_a_report_is_due_on_the_last_working_day_up_to_friday(desk, week, due_at, state):
    rule = a_rule("report", due="friday 17:00")
    measures_of(desk, "建设局")
    (one,) = told_of(desk, rule, week)
    assert (one.as_json()["due_at"], one.state) == (due_at, state)
