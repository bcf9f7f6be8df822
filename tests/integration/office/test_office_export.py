"""The ledger out and in again: no difference."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from reminder.ledger.export import export
from reminder.store.engine import open_engine, reading, upgrade
from tests.integration.office.desk import Desk, row

LEDGERS = Path(__file__).parents[2] / "data"
AS_OF = date(2021, 9, 27)


def exported(desk, path):
    with reading(desk.engine) as session:
        export(session, path, ledger="", now=datetime(2021, 9, 27, 12, tzinfo=UTC))
    return path


def another_desk(folder):
    engine = open_engine(f"sqlite:///{folder}/another.db")
    upgrade(engine)
    return Desk(engine)


@pytest.mark.parametrize("ledger", ["ledger_2021.xlsx", "ledger_2021.csv"])
def test_the_2021_ledger_goes_round(sqlite_desk, tmp_path, ledger):
    sqlite_desk.imports_file(LEDGERS / ledger, AS_OF)
    out = exported(sqlite_desk, tmp_path / "台账.xlsx")
    assert {one.action for one in sqlite_desk.imports_file(out, AS_OF).rows} == {"unchanged"}
    other = another_desk(tmp_path)
    other.imports_file(out, AS_OF)
    assert other.measures() == sqlite_desk.measures()


def test_what_the_service_changed_goes_out_and_is_no_difference_when_it_comes_back(sqlite_desk, tmp_path):
    sqlite_desk.imports_file(LEDGERS / "ledger_2021.xlsx", AS_OF)
    chased = [one.code for one in sqlite_desk.measures() if one.chased_on(AS_OF)]
    sqlite_desk.does("progress", key=chased[0], on=AS_OF, percent=55, text="=1+1")
    sqlite_desk.does("write_off", key=chased[1], on=AS_OF)
    sqlite_desk.does("extend", key=chased[2], on=AS_OF, to=date(2022, 6, 30))
    sqlite_desk.does("suspend", key=chased[3], on=AS_OF, until=AS_OF + timedelta(30))
    before = sqlite_desk.measures()
    out = exported(sqlite_desk, tmp_path / "台账.xlsx")
    again = sqlite_desk.imports_file(out, AS_OF)
    assert [(one.code, one.action) for one in again.rows if one.action != "unchanged"] == []
    assert sqlite_desk.measures() == before
    assert all(one.edited == [] for one in sqlite_desk.rows())


# what a clerk may type, and a spreadsheet may take for something else
TRICKY = ["=1+1", "+86", "-", "@SUM(A1)", '=HYPERLINK("http://x")', "第一行\n第二行", "0001", "2021-01-01", "（全角）"]


@pytest.mark.parametrize("text", TRICKY)
def test_cwe_1236_a_text_stays_a_text(sqlite_desk, tmp_path, text):
    sqlite_desk.imports(row("001", "修补路面", progress=text, percent="0.5", on="2021-05-01"))
    stored = sqlite_desk.measure("001")
    out = exported(sqlite_desk, tmp_path / "台账.xlsx")
    cells = [cell for line in openpyxl.load_workbook(out).active.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert sqlite_desk.imports_file(out).rows[0].action == "unchanged"
    assert sqlite_desk.measure("001") == stored


def test_what_no_workbook_can_hold_is_left_out(sqlite_desk, tmp_path):
    sqlite_desk.imports(row(progress="\x07响铃"))
    sqlite_desk.imports_file(exported(sqlite_desk, tmp_path / "台账.xlsx"))
    assert sqlite_desk.measure().progress == "响铃"


def test_vanished_rows_stay_out_and_odd_codes_come_back(sqlite_desk, tmp_path):
    ledger = [row(None, "修订制度"), row("73", "安装路灯"), row("73", "修补路面"), row("9", "清理台账")]
    sqlite_desk.imports(*ledger)
    sqlite_desk.imports(*ledger[:3])
    again = sqlite_desk.imports_file(exported(sqlite_desk, tmp_path / "台账.xlsx"))
    assert [(one.code, one.action) for one in again.rows] == [(None, "unchanged")] + [("73", "unchanged")] * 2
