"""Columns that share a name: no limit and no body is passed over in silence."""

from datetime import date

import pytest

from tests.makers import codes

HEADER = ("序号", "整改措施", "责任单位", "完成时限")


@pytest.mark.parametrize(
    "second", ["完成时限", "完成时限（现）", "调整后完成时限", "延期后时限", "整改期限", "计划完成时间"]
)
@pytest.mark.parametrize(
    ("cells", "day", "problems"),
    [
        (("2021年6月30日", "2021年9月30日"), None, ["deadline_ambiguous"]),
        (("2021年6月30日", date(2021, 6, 30)), date(2021, 6, 30), []),
        (("2021年6月30日", "/"), date(2021, 6, 30), []),
        (("", "2021年9月30日"), date(2021, 9, 30), []),
        (("立行立改", "6月底前"), date(2021, 6, 30), []),
    ],
)
def test_two_columns_of_limits_that_differ_are_a_question(read, second, cells, day, problems):
    row = read([("1", "修订", "财政局", *cells)], header=(*HEADER, second)).rows[0]
    assert (row.deadline.on, codes(row)) == (day, problems)


@pytest.mark.parametrize("second", ["实际完成时间", "完成时间", "启动时间", "销号时间", "进展日期"])
def test_the_day_it_began_or_was_done_is_no_second_limit(read, second):
    row = read([("1", "修订", "财政局", "2021年6月30日", "2021年5月1日")], header=(*HEADER, second)).rows[0]
    assert (row.deadline.on, codes(row)) == (date(2021, 6, 30), [])


def test_the_column_the_office_names_has_no_rival(read):
    header = (*HEADER[:3], "整改期限", "完成时限")
    row = ("1", "修订", "财政局", "2021年6月30日", "2021年9月30日")
    assert read([row], header=header, columns={"deadline": ("完成时限",)}).rows[0].deadline.on == date(2021, 9, 30)


def test_who_leads_stands_before_who_is_responsible(read):
    header = ("序号", "任务", "牵头单位", "责任单位", "配合单位", "完成时限")
    rows = [("1", "修订", "建设局", "财政局", "教育局", "6月底"), ("2", "公开", "", "财政局", "", "6月底")]
    assert [(row.units, row.supporting_units) for row in read(rows, header=header).rows] == [
        (("建设局", "财政局"), ("教育局",)),
        (("财政局",), ()),
    ]


def test_of_two_number_columns_the_one_beside_the_measures_is_the_code(read):
    header = ("序号", "问题", "序号", "整改措施", "责任单位", "完成时限")
    rows = [("1", "甲", "1-1", "修订", "财政局", "6月底"), ("", "", "1-2", "公开", "财政局", "6月底")]
    sheet = read(rows, header=header, merge=["A2:A3", "B2:B3"])
    assert [(row.code, row.problem, codes(row)) for row in sheet.rows] == [("1-1", "1", []), ("1-2", "1", [])]


@pytest.mark.parametrize(
    ("second", "day"), [("备注", date(2021, 6, 30)), ("二期", None), ("是否延期", date(2021, 6, 30))]
)
def test_only_what_may_be_a_limit_under_its_title_is_a_second_one(read, second, day):
    header = [(*HEADER, ""), ("", "", "", "一期", second)]
    sheet = read(
        [*header, ("1", "修订", "财政局", "6月底", "2021年9月30日")], header=None, merge=["D1:E1", "A1:A2", "C1:C2"]
    )
    assert sheet.rows[-1].deadline.on == day


def test_a_second_table_has_its_own_order_of_columns(read):
    rows = [("1", "修订", "财政局", "6月底"), ("附表",), ("序号", "完成时限", "责任单位", "整改措施")]
    sheet = read(
        [*rows, ("2", "2021年9月30日", "建设局", "2021年5月1日前已完成的公开"), HEADER, rows[0]], header=HEADER
    )
    assert [(row.text, row.units, str(row.deadline.on)) for row in sheet.rows] == [
        ("修订", ("财政局",), "2021-06-30"),
        ("2021年5月1日前已完成的公开", ("建设局",), "2021-09-30"),
        ("修订", ("财政局",), "2021-06-30"),
    ]
    assert [(one.row, one.why) for one in sheet.skipped][-2:] == [(4, "repeated_header"), (6, "repeated_header")]


def test_a_header_of_two_rows_that_comes_again_is_the_same_table(read):
    top = ("序号", "整改措施", "责任单位", "整改时限", "")
    head = [top, ("", "", "", "开始时间", "完成时间")]
    rows = [*head, ("1", "修订", "财政局", "3月底", "6月底"), *head, ("2", "公开", "财政局", "4月底", "9月底")]
    sheet = read(rows, header=None, merge=["D1:E1", "D4:E4"])
    assert [str(row.deadline.on) for row in sheet.rows] == ["2021-06-30", "2021-09-30"]


def test_a_column_for_the_status_that_tells_shares_or_a_story(read):
    rows = [
        ("1", "修订", "财政局", "6月底", "80%"),
        ("2", "公开", "财政局", "6月底", 0.5),
        ("3", "招标", "财政局", "6月底", 1),
    ]
    rows += [("4", "修缮", "财政局", "6月底", "已制定方案，正在组织实施"), ("5", "清退", "财政局", "6月底", "√")]
    sheet = read(rows, header=(*HEADER, "完成情况"))
    assert [(row.status, row.percent, row.progress, codes(row)) for row in sheet.rows] == [
        ("in_progress", 80, "", []),
        ("in_progress", 50, "", []),
        ("in_progress", None, "1", ["status_unknown"]),
        ("in_progress", None, "已制定方案，正在组织实施", ["status_unknown"]),
        ("in_progress", None, "√", ["status_unknown"]),
    ]


def test_whether_it_is_done_stands_beside_how_far_it_is(read):
    header = (*HEADER, "完成情况", "是否完成")
    row = read([("1", "修订", "财政局", "6月底", "已印发新制度", "是")], header=header).rows[0]
    assert (row.status, row.progress, codes(row)) == ("written_off", "已印发新制度", [])


@pytest.mark.parametrize("title", ["预计完成时间", "要求完成时限", "时间节点", "整改截止日期", "到期日（年月日）"])
def test_a_limit_by_the_names_offices_give_it(read, title):
    row = read([("1", "修订", "财政局", "2021年6月30日")], header=(*HEADER[:3], title)).rows[0]
    assert row.deadline.on == date(2021, 6, 30)


def test_a_percentage_and_a_story_under_one_title(read):
    """进展 above 百分比 and 说明: a share over 100 is reported, not passed over."""
    header = (*HEADER, "进展", "")
    rows = [("", "", "", "", "百分比", "说明"), ("1", "修订", "财政局", "6月底", "120%", "已起草")]
    row = read(rows, header=header, merge=["A1:A2", "B1:B2", "C1:C2", "D1:D2", "E1:F1"]).rows[0]
    assert (row.percent, row.progress, codes(row)) == (None, "已起草", ["percent_range"])
