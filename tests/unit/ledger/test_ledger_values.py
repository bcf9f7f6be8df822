"""Percentages, statuses, progress dates and the bodies named in a cell."""

from datetime import date

import pytest

from tests.makers import codes

HEADER = ("序号", "整改措施", "责任单位", "配合单位", "整改时限", "状态", "完成比例", "最近进展日期")
NAMES = {
    "财政局": "财政局",
    "区财政局": "财政局",
    "建设局": "建设局",
    "区建设局": "建设局",
    "机关党委": "机关党委",
    "创新创业服务中心": "创新创业服务中心",
}


def only(read, **cells):
    usual = {"序号": "1", "整改措施": "修订", "责任单位": "财政局", "整改时限": "6月底"}
    row = usual | {key: value for key, value in cells.items() if key in HEADER}
    changes = {key: value for key, value in cells.items() if key not in HEADER}
    return read([[row.get(name) for name in HEADER]], header=HEADER, **changes).rows[0]


@pytest.mark.parametrize(
    ("cell", "percent"),
    [
        (0.8, 80),
        (80, 80),
        ("80%", 80),
        ("４０％", 40),
        ("80 %", 80),
        (1, 100),
        (1.0, 100),
        ("1%", 1),
        (0, 0),
        (0.55, 55),
        ("0.95", 95),
        ("", None),
        ("/", None),
        ("无", None),
    ],
)
def test_percentages(read, cell, percent):
    row = only(read, 完成比例=cell)
    assert (row.percent, codes(row)) == (percent, [])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("120%", "percent_range"),
        (1.2, "percent_range"),
        (-5, "percent_range"),
        ("约八成", "percent_invalid"),
        (True, "percent_invalid"),
    ],
)
def test_what_is_no_percentage_is_reported(read, cell, code):
    row = only(read, 完成比例=cell)
    assert (row.percent, codes(row)) == (None, [code])


def test_one_in_a_column_of_whole_per_cents_is_one_per_cent(read):
    rows = [[n, "修订", "财政局", "", "6月底", "", percent, ""] for n, percent in enumerate((80, 1, 35), 1)]
    assert [row.percent for row in read(rows, header=HEADER).rows] == [80, 1, 35]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("未启动", "not_started"),
        ("未开始", "not_started"),
        ("推进中", "in_progress"),
        ("正在整改", "in_progress"),
        ("阶段性完成", "phase_complete"),
        ("基本完成", "phase_complete"),
        ("申请销号", "claimed"),
        ("待销号", "claimed"),
        ("已 完 成", "written_off"),
        ("已销号", "written_off"),
        ("办结", "written_off"),
        ("已整改", "written_off"),
        ("暂缓（市里定）", "suspended"),
        ("中止", "suspended"),
        ("不予采纳", "declined"),
        ("", "in_progress"),
    ],
)
def test_statuses(read, word, status):
    row = only(read, 状态=word)
    assert (row.status, codes(row)) == (status, [])


def test_an_unknown_status_is_told_and_stays_open(read):
    row = only(read, 状态="差不多了")
    assert (row.status, codes(row)) == ("in_progress", ["status_unknown"])
    assert only(read, 状态="差不多了", statuses={"phase_complete": ("差不多了",)}).status == "phase_complete"


def test_nothing_done_and_no_status_is_not_started(read):
    assert only(read, 完成比例="0%").status == "not_started"


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (date(2021, 5, 20), "2021-05-20"),
        ("5.20", "2021-05-20"),
        ("2021.5.20", "2021-05-20"),
        ("5月20日", "2021-05-20"),
        ("2021-05-20 09:30", "2021-05-20"),
        (44336, "2021-05-20"),
        ("2021年12月1日", "2021-12-01"),
        ("", "None"),
    ],
)
def test_progress_dates(read, cell, day):
    row = only(read, 最近进展日期=cell)
    assert (str(row.progress_on), codes(row)) == (day, [])


@pytest.mark.parametrize("cell", ["上周", "5月", "5.2", "2021-02-30", "13.5", date(1905, 7, 13)], ids=str)
def test_what_is_no_progress_date_is_reported(read, cell):
    row = only(read, 最近进展日期=cell)
    assert (row.progress_on, codes(row)) == (None, ["progress_date_invalid"])


def test_a_progress_date_without_a_year_is_the_latest_up_to_the_import(read):
    assert only(read, 最近进展日期="12月20日", default_year=None).progress_on == date(2020, 12, 20)
    assert only(read, 最近进展日期="12月20日").progress_on == date(2021, 12, 20)


@pytest.mark.parametrize(
    ("units", "supporting", "leading", "helping"),
    [
        ("财政局、建设局", "", ["财政局", "建设局"], []),
        ("区财政局；区建设局", "", ["财政局", "建设局"], []),
        ("建\u3000设\u3000局", "", ["建设局"], []),
        ("财政局 建设局", "", ["财政局", "建设局"], []),
        ("财政局和建设局", "", ["财政局", "建设局"], []),
        ("创新创业\n服务中心", "", ["创新创业服务中心"], []),
        ("财政局\n建设局", "", ["财政局", "建设局"], []),
        ("财政局（牵头）、建设局（配合）", "", ["财政局"], ["建设局"]),
        ("牵头：财政局；配合：建设局、机关党委", "", ["财政局"], ["建设局", "机关党委"]),
        ("牵头单位：财政局\n配合单位：建设局", "", ["财政局"], ["建设局"]),
        ("财政局", "财政局、/", ["财政局"], []),
        ("财政局", "市财政局、\n港华燃气", ["财政局"], ["市财政局", "港华燃气"]),
    ],
)
def test_bodies(read, units, supporting, leading, helping):
    row = only(read, 责任单位=units, 配合单位=supporting, unit_names=NAMES)
    assert (list(row.units), list(row.supporting_units), codes(row)) == (leading, helping, [])


@pytest.mark.parametrize("text", ["各责任部门", "国土局", "市（区）职能部门"])
def test_an_unknown_responsible_unit_keeps_its_row(read, text):
    row = only(read, 责任单位=text, unit_names=NAMES)
    assert (row.units, codes(row), row.rejected) == (
        (text.replace("（", "(").replace("）", ")"),),
        ["unit_unknown"],
        False,
    )
    assert codes(only(read, 责任单位=text)) == []


def test_a_row_without_a_unit_is_kept(read):
    row = only(read, 责任单位="")
    assert (row.units, codes(row), row.rejected) == ((), ["unit_missing"], False)
