"""A county's ledger as it comes: three header rows, sections, sums, repeated headers, signatures, and every wording."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from openpyxl import Workbook

from reminder.ledger.read import read_ledger
from reminder.ledger.rows import ReadSettings

UNITS = {name: name for name in ("建设局", "财政局", "区两委办")}
MERGES = ["A1:I1", "A3:A5", "B3:B5", "C3:C5", "D3:F3", "D4:E4", "F4:F5", "G3:G5", "H3:I3", "H4:H5", "I4:I5", "A6:I6"]
TOP = [
    ["XX县委巡察反馈问题整改任务清单"],
    ["填报单位：县纪委", "", "", "", "", "", "", "填报日期：2022年3月1日"],
    ["序号", "反馈问题", "整改措施", "责任落实", "", "", "完成时限", "完成情况", ""],
    ["", "", "", "责任单位", "", "责任人", "", "状态", "完成率"],
    ["", "", "", "牵头单位", "配合单位", "", "", "", ""],
    ["一、党的领导方面"],
]
# 序号, 牵头单位, 配合单位, 完成时限, 状态, 完成率 → date, units, problems
ROWS = [
    ("1", "建设局", "财政局\n区两委办", datetime(2022, 6, 30), "整改中", 0.8, "2022-06-30", ["建设局"], []),
    ("2", "财政局", "", "2022年9月底前", "已完成", "100%", "2022-09-30", ["财政局"], []),
    ("3", "建设局、财政局", "", "2022.12", "未开始", "0", "2022-12-31", ["建设局", "财政局"], []),
    ("4", "牵头：建设局；配合：财政局", "", 44742, "基本完成", "４０％", "2022-06-30", ["建设局"], []),
    ("5", "县水利局", "", "长期坚持", "整改中", "120%", None, ["县水利局"], ["unit_unknown", "percent_range"]),
    ("6", "建设局", "", "6月31日前", "完成", "", None, ["建设局"], ["deadline_impossible", "code_duplicate"]),
    ("6", "建设局", "", "22.6.30", "完成", "", None, ["建设局"], ["deadline_ambiguous", "code_duplicate"]),
    ("", "建设局", "", "年内", "推进中", "", "2022-12-31", ["建设局"], ["code_missing"]),
    ("8", "建设局", "", "每周一报", "推进中", "", None, ["建设局"], ["deadline_ambiguous"]),
    ("9", "建设局", "", "2022年6月-9月", "推进中", "", "2022-09-30", ["建设局"], []),
    ("10", "建设局", "", "2022年10月31日前，并长期坚持", "推进中", "", "2022-10-31", ["建设局"], []),
    ("11", "建设局", "", "立即整改，3月底前完成", "推进中", "", "2022-03-31", ["建设局"], []),
    ("12", "建设局", "", "接到通知后5个工作日内", "推进中", "", None, ["建设局"], ["deadline_conditional"]),
    ("13", "建设局", "", "2022年6月30日（星期四）前", "推进中", "", "2022-06-30", ["建设局"], []),
    ("14", "建设局", "", "6月底前完成整改，12月底前巩固", "推进中", "", None, ["建设局"], ["deadline_ambiguous"]),
    ("15", "建设局", "", "2022年五一前", "推进中", "", "2022-04-29", ["建设局"], []),
    ("16", "建设局", "", "二〇二二年十二月底前", "推进中", "", "2022-12-31", ["建设局"], []),
    ("17", "建设局", "", "2022年6月30日前完成前期工作", "推进中", "", None, ["建设局"], ["deadline_vague"]),
    ("18", "建设局", "", "１２月３１日", "推进中", "", "2022-12-31", ["建设局"], []),
    ("19", "建设局", "", "2022年4月1日起", "推进中", "", None, ["建设局"], ["deadline_vague"]),
    ("20", "建设局", "", "2022年6月30日、9月30日", "推进中", "", None, ["建设局"], ["deadline_ambiguous"]),
]
BOTTOM = [
    ["合计", "", "21项"],
    ["填表人：张三", "", "联系电话：123"],
    ["注：请于每周五前报送。"],
]


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    book = Workbook()
    page = book.active
    for row in TOP:
        page.append(row)
    for n, (code, lead, support, limit, status, percent, *_) in enumerate(ROWS):
        page.append([code, "问题", f"措施{n}", lead, support, "张三", limit, status, percent])
        if n == 2:
            page.append(["小计"])
            page.append(
                ["序号", "反馈问题", "整改措施", "牵头单位", "配合单位", "责任人", "完成时限", "状态", "完成率"]
            )
    for row in BOTTOM:
        page.append(row)
    for merge in MERGES:
        page.merge_cells(merge)
    book.create_sheet("说明").append(["本表说明"])
    path = tmp_path_factory.mktemp("ledger") / "清单.xlsx"
    book.save(path)
    return read_ledger(path, ReadSettings(as_of=date(2022, 3, 10), unit_names=UNITS))


@pytest.mark.parametrize("n", range(len(ROWS)), ids=[str(row[3]) for row in ROWS])
def test_each_row_is_read_as_a_careful_person_would(sheet, n):
    row, (*_, on, units, problems) = sheet.rows[n], ROWS[n]
    assert row.text == f"措施{n}"
    assert (row.deadline.on and str(row.deadline.on)) == on
    assert list(row.units) == units
    assert sorted(problem.code for problem in row.problems) == sorted(problems)


def test_what_is_no_measure_is_skipped_and_said(sheet):
    assert len(sheet.rows) == len(ROWS)
    assert [skipped.why for skipped in sheet.skipped] == [
        "repeated_header", "subtotal", "repeated_header", "total", "footer", "footer",
    ]  # fmt: skip


def test_supporting_units_stand_apart(sheet):
    assert sheet.rows[0].supporting_units == ("财政局", "区两委办")
    assert sheet.rows[3].supporting_units == ("财政局",)
    assert [sheet.rows[n].percent for n in range(5)] == [80, 100, 0, 40, None]
