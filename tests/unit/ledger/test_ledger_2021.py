"""The real ledger of 2021, as workbook and as text, gives what people read in it."""

import json
from datetime import date
from pathlib import Path

import pytest

from reminder.ledger.read import read_ledger
from reminder.ledger.rows import ReadSettings, Skipped

DATA = Path(__file__).parents[2] / "data"
EXPECTED = json.loads((DATA / "ledger_2021_expected.json").read_text(encoding="utf-8"))
NAMES = {name: unit["unit"] for unit in EXPECTED["directory"] for name in (unit["unit"], *unit["aliases"])}
STATUS = {
    "已完成": "written_off",
    "阶段性完成": "phase_complete",
    "推进中": "in_progress",
    "暂缓": "suspended",
    "未启动": "not_started",
}
EVERY = {"month": "FREQ=MONTHLY;BYMONTHDAY=-1", "year": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31"}
WEEK = {1: "FREQ=WEEKLY;BYDAY=MO", None: "FREQ=WEEKLY;BYDAY=SU"}


def as_expected(row):
    limit = row["deadline"]
    rule = WEEK[limit["weekday"]] if limit.get("every") == "week" else EVERY.get(limit.get("every"))
    return {
        "code": str(row["seq"]),
        "measure": row["measure"],
        "problem": str(row["problem"]),
        "units": tuple(row["units"]),
        "support": tuple(row["support"]),
        "status": STATUS[row["status"]],
        "percent": row["percent"],
        "kind": limit["kind"],
        "date": limit.get("date"),
        "then_ongoing": limit.get("then_ongoing", False),
        "rule": rule,
        "progress": row["last_progress"],
        "progress_on": row["last_progress_date"],
    }


def as_read(row):
    limit = row.deadline
    return {
        "code": row.code,
        "measure": row.text,
        "problem": row.problem,
        "units": row.units,
        "support": row.supporting_units,
        "status": row.status,
        "percent": row.percent,
        "kind": limit.kind,
        "date": str(limit.on) if limit.on else None,
        "then_ongoing": limit.then_ongoing,
        "rule": limit.rule,
        "progress": row.progress,
        "progress_on": str(row.progress_on),
    }


@pytest.fixture(scope="module", params=["xlsx-2021", "xlsx-None", "csv-2021", "csv-None"])
def sheet(request):
    kind, year = request.param.split("-")
    default_year = None if year == "None" else int(year)
    settings = ReadSettings(
        as_of=date(2021, 9, 27), dated=date(2021, 4, 8), default_year=default_year, unit_names=NAMES
    )
    return read_ledger(DATA / f"ledger_2021.{kind}", settings)


def test_every_row_is_read_as_people_read_it(sheet):
    assert [as_read(row) for row in sheet.rows] == [as_expected(row) for row in EXPECTED["rows"]]


def test_only_what_names_no_day_is_reported(sheet):
    reported = [(row.code, problem.code) for row in sheet.rows for problem in row.problems]
    assert reported == [
        ("23", "deadline_conditional"),
        ("33", "deadline_conditional"),
        ("44", "deadline_vague"),
        ("45", "deadline_conditional"),
    ]


def test_supporting_bodies_outside_the_directory_are_one_list(sheet):
    assert sorted(sheet.unknown_bodies) == EXPECTED["external_units"]


def test_rows_keep_the_numbers_of_the_sheet(settings):
    sheet = read_ledger(DATA / "ledger_2021.xlsx", settings(unit_names=NAMES))
    assert (sheet.sheet, sheet.header_row) == ("整改台账", 3)
    assert [row.row for row in sheet.rows] == [row["xlsx_row"] for row in EXPECTED["rows"]]
    assert sheet.skipped == (Skipped(130, "footer"),)
    assert "basis" not in sheet.fields
