"""Sheets as offices draw them: titles, merged headers, sums, footers."""

from datetime import date

import pytest

from reminder.errors import UsageError
from reminder.ledger.read import read_ledger
from tests.makers import codes

ROW = ("1", "修订制度", "财政局", "2021年6月底前")


def whys(sheet):
    return {skipped.row: skipped.why for skipped in sheet.skipped}


def test_title_and_note_rows_stand_above_the_header(read):
    sheet = read(
        [("整改台账",), ("填报单位：整改办", "", "统计截至：9月"), ("序号", "整改措施", "责任单位", "整改时限"), ROW],
        header=None,
    )
    assert (sheet.header_row, [row.row for row in sheet.rows]) == (3, [4])


def test_a_header_of_two_rows_with_units_split_under_one_name(read):
    sheet = read(
        [
            ("序号", "整改措施", "责任部门", "", "整改时限"),
            ("", "", "牵头", "配合", ""),
            ("1", "修订", "财政局", "建设局", "6月底"),
        ],
        header=None,
        merge=["A1:A2", "B1:B2", "C1:D1", "E1:E2"],
    )
    assert [(row.units, row.supporting_units) for row in sheet.rows] == [(("财政局",), ("建设局",))]
    assert sheet.header_row == 1


@pytest.mark.parametrize(
    "header",
    [
        ("序 号", "整改措施", "责任单位\n（牵头）", "整改时限（必填）"),
        ("编号", "具体措施", "牵头单位", "完成时限"),
        ("措施编号", "工作措施*", "主责单位", "完成时间"),
        ("No.", "Measure", "Unit", "Deadline"),
        ("序号", "整改任务：", "承办单位", "办 结 时 限"),
    ],
    ids="|".join,
)
def test_the_usual_names_of_columns(read, header):
    row = read([ROW], header=header).rows[0]
    assert (row.code, row.text, row.units, row.deadline.on) == ("1", "修订制度", ("财政局",), date(2021, 6, 30))


def test_names_the_office_adds(read):
    header = ("序号", "整改措施", "落实者", "最后一天")
    row = read([ROW], header=header, columns={"units": ("落实者",), "deadline": ("最后一天",)}).rows[0]
    assert (row.units, row.deadline.on) == (("财政局",), date(2021, 6, 30))


def test_rows_that_hold_no_measure(read):
    sheet = read(
        [
            ROW,
            (),
            ("小计", "", "1项"),
            ("序号", "整改措施", "责任单位", "整改时限"),
            ("一、党的建设方面",),
            ("2", "公开招标", "建设局", "年底前"),
            ("合计", "2"),
            ("3",),
            ("填报人：张", "", "审核人：李"),
            ("注：每周五报送",),
        ],
        merge=["A6:D6"],
    )
    assert [row.code for row in sheet.rows] == ["1", "2"]
    assert whys(sheet) == {
        3: "blank",
        4: "subtotal",
        5: "repeated_header",
        6: "repeated_header",
        8: "total",
        9: "blank",
        10: "footer",
        11: "footer",
    }


def test_a_measure_that_speaks_of_a_sum_is_a_measure(read):
    assert [row.text for row in read([("1", "核对工程款合计", "财政局", "6月底")]).rows] == ["核对工程款合计"]


def test_cells_fill_down_only_inside_a_real_merge(read):
    header = ("问题", "序号", "整改措施", "责任单位", "整改时限")
    rows = [
        ("甲", "1", "一", "财政局", "6月底"),
        ("", "2", "二", "财政局", "6月底"),
        ("", "3", "三", "财政局", "6月底"),
    ]
    assert [row.problem_text for row in read(rows, header=header, merge=["A2:A3"]).rows] == ["甲", "甲", ""]


def test_a_merge_that_reaches_past_the_last_row(read):
    assert len(read([ROW], merge=["A2:A40"]).rows) == 1


def test_a_row_without_a_measure_is_rejected_and_the_others_are_read(read):
    sheet = read([("1", "", "财政局", "6月底"), ("2", "修订", "财政局", "6月底")])
    assert [(row.rejected, codes(row)) for row in sheet.rows] == [(True, ["measure_missing"]), (False, [])]


def test_codes_missing_and_doubled(read):
    sheet = read([(1.0, "一", "财政局", "6月底"), ("", "二", "财政局", "6月底"), ("１", "三", "财政局", "6月底")])
    assert [(row.code, codes(row)) for row in sheet.rows] == [
        ("1", ["code_duplicate"]),
        (None, ["code_missing"]),
        ("1", ["code_duplicate"]),
    ]
    assert "2、4" in sheet.rows[0].problems[0].message


def test_a_ledger_without_codes_is_read(read):
    sheet = read([("修订", "财政局", "6月底")], header=("整改措施", "责任单位", "整改时限"))
    assert [(row.code, codes(row)) for row in sheet.rows] == [(None, ["code_missing"])]


def test_problems_quote_the_header_and_the_cell(read):
    problem = (
        read([("1", "修订", "财政局", "近 期")], header=("序号", "整改措施", "责任单位", "整改\n时限"))
        .rows[0]
        .problems[0]
    )
    assert (problem.code, problem.column, problem.text) == ("deadline_vague", "整改时限", "近 期")


def test_a_broken_formula_is_reported_and_not_read(read):
    sheet = read([("1", "修订", "=Sheet9!A1", "=NA()")])
    assert codes(sheet.rows[0]) == ["cell_error", "unit_missing", "deadline_impossible"]


def test_the_one_sheet_with_deadlines_is_found_and_several_are_named(xlsx, settings):
    ledger = [("序号", "整改措施", "责任单位", "整改时限"), ROW]
    other = [("单位", "电话"), ("财政局", "1")]
    assert read_ledger(xlsx(ledger, 通讯录=other), settings()).sheet == "台账"
    path = xlsx(ledger, 副本=ledger)
    with pytest.raises(UsageError, match="“台账”、“副本”"):
        read_ledger(path, settings())
    assert read_ledger(path, settings(), sheet="副本").sheet == "副本"
    with pytest.raises(UsageError, match="没有名为“甲”"):
        read_ledger(path, settings(), sheet="甲")
    with pytest.raises(UsageError, match=r"整改时限.*责任部门"):
        read_ledger(xlsx(other), settings())


def test_wording_first_read_earlier_keeps_its_day(read, xlsx, settings):
    path = xlsx([("序号", "整改措施", "责任单位", "整改时限"), ("1", "修订", "财政局", "一个月内")])
    later = settings(dated=None, default_year=None)
    assert read_ledger(path, later).rows[0].deadline.on == date(2021, 10, 27)
    first_read = {("1", "一个月内"): date(2021, 5, 1)}
    assert read_ledger(path, later, dated_texts=first_read).rows[0].deadline.on == date(2021, 6, 1)


def test_a_line_that_counts_the_columns_is_no_measure(read):
    sheet = read([("1", "2", "3", "4"), ("甲", "乙", "1", "2"), ROW])
    assert (whys(sheet), [row.text for row in sheet.rows]) == (dict.fromkeys((2, 3), "repeated_header"), ["修订制度"])


def test_a_sum_with_a_count_in_every_column_is_no_measure(read):
    sheet = read([("合计", "2", "2", "2"), ROW, ("总 计", "", "", 12)])
    assert (whys(sheet), len(sheet.rows)) == ({2: "total", 4: "total"}, 1)


def test_a_section_headed_in_the_measures_columns_is_no_measure(read):
    sheet = read([("一", "党的建设方面"), ROW, ("", "（二）廉政方面"), ("2", "一、二期工程验收", "建设局", "6月底")])
    assert whys(sheet) == {2: "repeated_header", 4: "repeated_header"}
    assert [row.text for row in sheet.rows] == ["修订制度", "一、二期工程验收"]


def test_what_signs_the_table_off_is_no_measure_that_lacks_its_text(read):
    sheet = read(
        [ROW, ("填报人：张三", "", "联系电话：1", "审核人：李四"), ("", "", "财政局", ""), ("", "", "", "2022年3月1日")]
    )
    assert (whys(sheet), len(sheet.rows)) == (dict.fromkeys((3, 4, 5), "footer"), 1)


def test_a_last_row_that_lacks_its_measure_is_reported(read):
    assert [codes(row) for row in read([ROW, ("2", "", "财政局", "6月底")]).rows] == [[], ["measure_missing"]]
