"""The same small ledger in every format and encoding an office saves."""

from datetime import date

import openpyxl
import pytest
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import CoveredTableCell, Table, TableCell, TableRow
from odf.text import P
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from reminder.ledger.grid import read_grid
from reminder.ledger.read import read_ledger

LINES = [
    ("问题", "序号", "整改措施", "责任单位", "整改时限", "完成比例"),
    ("甲", 1, "修订", "财政局", date(2021, 6, 30), 0.8),
    ("", 2, "公示", "建设局", "年底前", 1),
]
TEXT = "\r\n".join(",".join(str(cell) for cell in line) for line in LINES)


def facts(sheet):
    return [(row.row, row.problem_text, row.code, row.text, str(row.deadline.on), row.percent) for row in sheet.rows]


MERGED = [(2, "甲", "1", "修订", "2021-06-30", 80), (3, "甲", "2", "公示", "2021-12-31", 100)]
PLAIN = [(2, "甲", "1", "修订", "2021-06-30", 80), (3, "", "2", "公示", "2021-12-31", 100)]


def save_xls(path):
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("台账")
    as_date = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for r, line in enumerate(LINES):
        for c, cell in enumerate(line):
            if c == 0 and r:
                continue
            sheet.write(r, c, cell, *([as_date] if isinstance(cell, date) else []))
    sheet.write_merge(1, 2, 0, 0, "甲")
    book.save(str(path))


def save_ods(path):
    document = OpenDocumentSpreadsheet()
    table = Table(name="台账")
    for r, line in enumerate(LINES):
        row = TableRow()
        for c, cell in enumerate(line):
            row.addElement(CoveredTableCell() if (r, c) == (2, 0) else ods_cell(cell, 2 if (r, c) == (1, 0) else 1))
        table.addElement(row)
    document.spreadsheet.addElement(table)
    document.save(str(path))


def ods_cell(cell, down):
    if isinstance(cell, date):
        made = TableCell(valuetype="date", datevalue=cell.isoformat())
    elif isinstance(cell, str):
        made = TableCell(valuetype="string", numberrowsspanned=down)
    else:
        made = TableCell(valuetype="float", value=str(cell))
    made.addElement(P(text=str(cell)))
    return made


def save_xlsx(path):
    book = openpyxl.Workbook()
    for line in LINES:
        book.active.append(line)
    book.active.merge_cells("A2:A3")
    book.save(path)


@pytest.mark.parametrize("save", [save_xlsx, save_xls, save_ods], ids=["xlsx", "xls", "ods"])
def test_workbooks_with_a_merged_problem(tmp_path, settings, save):
    path = tmp_path / f"台账.{save.__name__.removeprefix('save_')}"
    save(path)
    assert facts(read_ledger(path, settings())) == MERGED


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_text_files(tmp_path, settings, encoding, delimiter):
    path = tmp_path / "台账.csv"
    path.write_bytes(TEXT.replace(",", delimiter).encode(encoding))
    assert facts(read_ledger(path, settings())) == PLAIN


def test_a_quoted_cell_keeps_its_commas_and_an_escaped_one_loses_its_quote(tmp_path):
    path = tmp_path / "台账.csv"
    path.write_text('"一,二","三\n四","\'=1+1","\'普通"\n', encoding="utf-8")
    assert read_grid(path)[0].rows == (("一,二", "三\n四", "=1+1", "'普通"),)


def test_a_workbook_named_like_another_format_is_known_by_its_content(tmp_path, settings):
    save_xlsx(tmp_path / "台账.xlsx")
    path = (tmp_path / "台账.xlsx").rename(tmp_path / "台账.xls")
    assert facts(read_ledger(path, settings())) == MERGED


@pytest.mark.parametrize("cell", [44377 - 1462, str(44377 - 1462), date(2021, 6, 30)], ids=["number", "text", "date"])
def test_workbooks_that_count_from_1904(tmp_path, settings, cell):
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for line in (LINES[0], ("甲", 1, "修订", "财政局", cell, 0.8)):
        book.active.append(line)
    book.save(tmp_path / "台账.xlsx")
    assert read_ledger(tmp_path / "台账.xlsx", settings()).rows[0].deadline.on == date(2021, 6, 30)


def test_hidden_rows_columns_and_sheets_are_data(tmp_path, settings):
    save_xlsx(tmp_path / "台账.xlsx")
    book = openpyxl.load_workbook(tmp_path / "台账.xlsx")
    book.active.row_dimensions[2].hidden = True
    book.active.column_dimensions["A"].hidden = True
    book.create_sheet("说明")
    book.active.sheet_state = "hidden"
    book.active = 1
    book.save(tmp_path / "台账.xlsx")
    assert facts(read_ledger(tmp_path / "台账.xlsx", settings())) == MERGED


def test_a_table_that_starts_away_from_the_corner_keeps_its_row_numbers(xlsx, settings):
    path = xlsx([(), (), *[("", "", *line) for line in LINES]])
    assert [row.row for row in read_ledger(path, settings()).rows] == [4, 5]
