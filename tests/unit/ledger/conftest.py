"""Real workbooks, built for one test each."""

from datetime import date

import openpyxl
import pytest

from reminder.ledger.read import read_ledger
from reminder.ledger.rows import ReadSettings

HEADER = ("序号", "整改措施", "责任单位", "整改时限")


@pytest.fixture
def xlsx(tmp_path):
    """xlsx(rows, merge=["A1:A2"], name="台账.xlsx", sheet="台账") → the path of a saved workbook."""

    def build(rows, merge=(), name="台账.xlsx", sheet="台账", **more_sheets):
        book = openpyxl.Workbook()
        book.active.title = sheet
        for title, lines in {sheet: rows, **more_sheets}.items():
            page = book[title] if title in book.sheetnames else book.create_sheet(title)
            for line in lines:
                page.append(list(line))
        for area in merge:
            book[sheet].merge_cells(area)
        book.save(tmp_path / name)
        return tmp_path / name

    return build


@pytest.fixture
def settings():
    def build(**changes):
        return ReadSettings(**({"as_of": date(2021, 9, 27), "dated": date(2021, 4, 8), "default_year": 2021} | changes))

    return build


@pytest.fixture
def read(xlsx, settings):
    """read(rows) → the sheet as read; the usual header goes before the rows unless `header` says otherwise."""

    def build(rows, header=HEADER, merge=(), **changes):
        return read_ledger(xlsx([header, *rows] if header else rows, merge), settings(**changes))

    return build
