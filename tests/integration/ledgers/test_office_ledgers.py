"""Office ledgers as real files, each with what a careful person reads there: headers, units, statuses, wordings."""

from __future__ import annotations

import csv
from datetime import date, datetime

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from reminder.errors import UsageError
from reminder.ledger.read import read_ledger
from reminder.ledger.rows import ReadSettings

UNITS = {name: name for name in ("建设局", "财政局", "机关工会")}
HEADER = ["序号", "问题", "整改措施", "责任单位", "责任人", "完成时限", "完成情况"]
DUAL = ["A1:A2", "B1:B2", "C1:C2", "D1:D2", "E1:F1", "G1:G2"]


@pytest.fixture
def read(tmp_path):
    def write_and_read(rows, merges=(), epoch=None):
        book = Workbook()
        if epoch:
            book.epoch = epoch
        for row in rows:
            book.active.append(row)
        for merge in merges:
            book.active.merge_cells(merge)
        book.save(tmp_path / "台账.xlsx")
        return read_ledger(tmp_path / "台账.xlsx", ReadSettings(as_of=date(2022, 3, 10), unit_names=UNITS))

    return write_and_read


def _two_titles(left, right):
    return [
        ["序号", "问题", "整改措施", "责任单位", "完成时限", None, "完成情况"],
        [None, None, None, None, left, right, None],
        [1, "甲", "措施1", "建设局", "2022年3月15日", "2022年6月30日", "整改中"],
    ]


@pytest.mark.parametrize("merges", [DUAL, []], ids=["merged", "unmerged"])
@pytest.mark.parametrize(
    "titles", [("开始时间", "结束时间"), ("起始时间", "截止时间"), ("实际完成时间", "计划完成时间")]
)
def test_a_start_under_the_limits_title_is_not_the_limit(read, titles, merges):
    sheet = read(_two_titles(*titles), merges)
    assert [(row.text, str(row.deadline.on)) for row in sheet.rows] == [("措施1", "2022-06-30")]


@pytest.mark.parametrize("titles", [("年", "月"), ("原时限", "延期后时限")])
def test_a_limit_parted_without_a_plain_end_is_refused_not_guessed(read, titles):
    with pytest.raises(UsageError):
        read(_two_titles(*titles), DUAL)


def test_a_csv_ledger_with_a_start_and_an_end(tmp_path):
    path = tmp_path / "台账.csv"
    with path.open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows(_two_titles("开始时间", "结束时间"))
    sheet = read_ledger(path, ReadSettings(as_of=date(2022, 3, 10), unit_names=UNITS))
    assert [str(row.deadline.on) for row in sheet.rows] == ["2022-06-30"]


@pytest.mark.parametrize("first", ["原定6月底", "延期至2022年9月30日", "日"])
def test_the_first_measures_wording_is_no_part_of_the_header(read, first):
    sheet = read([HEADER, [1, "甲", "措施1", "建设局", "", first, ""]])
    assert [row.text for row in sheet.rows] == ["措施1"]


LIMITS = [
    ("即日起至6月30日", "2022-06-30"), ("延期至2022年9月30日", "2022-09-30"), ("2022年6月30日/长期坚持", "2022-06-30"),
    ("2022年6月30日+长期坚持", "2022-06-30"), ("原2022年6月30日，延期至2022年9月30日", None), ("6月30日/9月30日", None),
    ("2022年6月30日前（需延期至9月30日）", None), ("每周一报", None), ("2022/6/30", "2022-06-30"),
]  # fmt: skip


def test_limits_are_read_whole_or_not_at_all(read):
    sheet = read([HEADER, *([n, "甲", f"措施{n}", "建设局", "", text, ""] for n, (text, _) in enumerate(LIMITS))])
    assert [(row.deadline.text, row.deadline.on and str(row.deadline.on)) for row in sheet.rows] == LIMITS
    assert "deadline_ambiguous" in [problem.code for problem in sheet.rows[7].problems]


BODIES = [
    ("由建设局牵头，财政局、机关工会配合", ["建设局"], ["财政局", "机关工会"]),
    ("建设局牵头", ["建设局"], []),
    ("建设局（财政局配合）", ["建设局"], []),
    ("建设局（牵头），财政局（配合）", ["建设局"], ["财政局"]),
    ("牵头单位：建设局\n配合单位：财政局、机关工会", ["建设局"], ["财政局", "机关工会"]),
    ("★建设局，财政局", ["建设局", "财政局"], []),
    ("1.建设局 2.财政局", ["建设局", "财政局"], []),
]


def test_who_leads_is_never_turned_into_who_helps(read):
    sheet = read([HEADER, *([n, "甲", f"措施{n}", body[0], "", "年底", ""] for n, body in enumerate(BODIES))])
    assert [(list(row.units), list(row.supporting_units)) for row in sheet.rows] == [body[1:] for body in BODIES]


STATUSES = {
    "整改完毕": "written_off", "完成销号": "written_off", "已完成，长期坚持": "phase_complete",
    "尚未完成": "in_progress", "已完成并长期坚持": "phase_complete",
    "正在办理": "in_progress", "未整改": "not_started", "待完成": "in_progress",
}  # fmt: skip


def test_statuses_as_offices_write_them(read):
    sheet = read([HEADER, *([n, "甲", f"措施{n}", "建设局", "", "年底", word] for n, word in enumerate(STATUSES))])
    assert [row.status for row in sheet.rows] == list(STATUSES.values())
    assert not [row.problems for row in sheet.rows if row.problems]


def test_blanks_fill_down_inside_a_merge_only(read):
    rows = [
        HEADER,
        [1, "甲", "措施1", "建设局", "", datetime(2022, 6, 30), ""],
        [2, None, "措施2", None, "", None, ""],
        [3, None, "措施3", None, "", None, ""],
    ]
    sheet = read(rows, ["B2:B4", "D2:D3", "F2:F3"])
    assert [str(row.deadline.on) for row in sheet.rows] == ["2022-06-30", "2022-06-30", "None"]
    assert [list(row.units) for row in sheet.rows] == [["建设局"], ["建设局"], []]


def test_every_page_brings_its_title_and_header_again(read):
    top = [["整改台账"], ["填报单位：县纪委", "", "", "填报时间：2022年3月1日"], HEADER]
    rows = [*top]
    for n in (1, 2):
        rows += [[n, "甲", f"措施{n}", "建设局", "", "2022年6月30日", ""], [f"第{n}页 共2页"], *top[: 3 * (n == 1)]]
    sheet = read([*rows, ["主要负责人签字：", "", "", "", "年  月  日"]])
    assert [row.code for row in sheet.rows] == ["1", "2"]


def test_a_workbook_that_counts_from_1904(read):
    rows = [
        HEADER,
        *([n, "甲", f"措施{n}", "建设局", "", day, ""] for n, day in enumerate([datetime(2022, 6, 30), 43280])),
    ]
    assert {str(row.deadline.on) for row in read(rows, epoch=CALENDAR_MAC_1904).rows} == {"2022-06-30"}
