"""What a deadline cell says, in the office's own words."""

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from reminder.ledger.deadline_text import read_deadline
from reminder.rules.calendar import Calendar

CALENDAR = Calendar()
SURVEY = (Path(__file__).parents[2] / "data/deadline_expressions.csv").read_text(encoding="utf-8")
EXPRESSIONS = list(csv.DictReader(SURVEY.splitlines()))


def read(cell, on="2021-04-08", **settings):
    return read_deadline(cell, reference=date.fromisoformat(on), calendar=CALENDAR, **settings)


def table(block):
    """Lines of "what is expected <- wording | wording" as test cases, the wording first."""
    for line in filter(None, map(str.strip, block.splitlines())):
        expected, wordings = line.split(" <- ")
        for wording in wordings.split(" | "):
            yield pytest.param(wording, *expected.split(), id=wording)


def codes(reading):
    return [code for code, _facts in reading.problems]


@pytest.mark.parametrize("line", EXPRESSIONS, ids=lambda line: line["text"])
def test_the_forty_expressions_of_the_survey(line):
    deadline = read(line["text"], line["reference_date"]).deadline
    expected = line["expected_date_or_rule"].removeprefix("RRULE:")
    got = deadline.on.isoformat() if deadline.on else deadline.rule or deadline.kind.upper()
    assert (deadline.kind, got) == (line["kind"], expected)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *table("""
    2021-06-30 <- 2021年6月30日（含）前 | 6月30日之前 | 于2021年6月30日前完成 | 截至2021年6月30日 | 截止6月30日
    2021-06-30 <- 2021年6月30日24时 | 2021年6月30日下班前 | 2021-06-30 00:00:00 | 2021-06-30 17:00
    2021-06-30 <- 整改时限：2021年6月底 | 2021.6月底前 | 6月30号前 | ２０２１ 年 ６ 月 ３０ 日 | 二○二一年六月底
    2021-06-30 <- 上半年 | 2021年4月-6月 | 4-6月 | 2021年5月1日至2021年6月30日 | 自2021年5月1日起至6月30日止
    2021-06-30 <- 2021年6月30日（周三）前 | June 30, 2021 | by 30 June 2021 | 2021年6月底前取得阶段性成效 | 6.30
    2021-06-30 <- 2021年6月底前（2021年6月30日）
    2021-06-30 <- “2021年6月30日前” | 二0二一年六月三十日 | 06-30 | 6-30 | 202106 | Q2 | 即日起至6月底 | 直至6月30日
    2021-06-30 <- 延至6月底 | 调整为2021年6月30日前 | 请于6月30日前完成 | 6月30日前必须完成 | 6月30日前整改完成并销号
    2021-06-30 <- 6月底前见成效 | 6月底前竣工 | 6月底前完成，并持续巩固提升
    2021-06-30 <- 6月底前建立长效机制 | 6月底前，以后长期坚持
    2021-12-31 <- 二O二一年十二月三十一日 | 年内 | 今年底 | 2021年内 | 下半年 | 元旦前
    2021-09-30 <- 第三季度内 | 国庆前 | 2021 Q3 | Q3 2021
    2021-04-30 <- 月末 | 五一前
    2022-03-31 <- 明年3月底
    2021-05-31 <- 次月
    2021-05-20 <- 下月中旬
    2021-04-11 <- 本周内 | 3天内
    2021-04-14 <- 下周三
    2021-07-08 <- 3个月内 | 三个月 | 一个季度内
    2021-10-08 <- 半年内
    2022-04-08 <- 一年内
    2021-04-22 <- 两周内 | 10个工作日
    2021-06-11 <- 端午节前
    2021-09-18 <- 中秋前
    2022-01-30 <- 2022年春节前
    2022-04-02 <- 2022年清明前
    2021-05-30 <- 5月1日-30日
    2023-12-31 <- 2021-2023年
    2021-03-31 <- 2020年10月-2021年3月
    """)
    ],
)
def test_a_plain_date_is_read_without_a_question(text, day):
    reading = read(text)
    assert (reading.deadline.kind, str(reading.deadline.on)) == ("date", day)
    assert reading.deadline.confirmed
    assert codes(reading) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *table("""
    None <- 201206 | 202113 | 1-6 | 半年 | 半个月 | 3-6个月
    None <- 6月底前，下雨顺延 | 2021年6月30日前，7月底前 | 6月30日或7月15日 | 原定6月底，延期至9月底 | 21.6.30
    None <- 21年6月30日前 | 6/30/2021 | 5/6 | 210630 | 2021.1 | 6.3 | 15日前 | 6月内 | 6-4月 | 12月-1月
    None <- 2021年10月至次年3月 | 2021年6月30日（周四）前 | 每周一调度 | 每月5日，2021年底前完成
    None <- 6月至 | 2021年到 | 6月30日前后长期坚持 | 2022年到四月 | 12月五
    2021-09-30 <- 三季度前
    2021-04-18 <- 下周之前
    2021-04-15 <- 下周五0时
    2021-06-30 <- 2021年6月前 | 7月1日0时前
    2022-01-31 <- 1月底前
    2027-09-30 <- 2027年国庆节前
    """),
        ("2021.6.30\n2021.7.30", None),
    ],
)
def test_two_readings_are_never_counted_down(text, shown):
    reading = read(text)
    assert reading.deadline.on == (None if shown in (None, "None") else date.fromisoformat(shown))
    assert reading.deadline.counted_down is None
    assert codes(reading)[0] in ("deadline_ambiguous", "deadline_vague")


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        *table("""
    conditional deadline_conditional <- 待方案批复后 | 视情况而定 | 依进度 | 根据工程进度 | 待6月30日会议后确定
    conditional deadline_conditional <- 验收后30日内 | 文件印发之日起15个工作日内 | 工程竣工后 | 《方案》印发后
    vague deadline_vague <- 近期 | 尽快 | 适时 | 见备注 | 定期 | 已完成 | 2021年6月30日起 | 6月30日以后
    vague deadline_vague <- 2021年6月30日左右 | 2021年6月底前完成80% | 2027年春节前 | 2021
    empty deadline_empty <- / | —— | 无
    invalid deadline_impossible <- 6月31日 | 2021年2月29日 | 2021年13月 | 第五季度 | 2201年6月30日
    invalid deadline_impossible <- 2021年6月30日25时 | #REF!
    """),
        ("\u3000", "empty", "deadline_empty"),
        (None, "empty", "deadline_empty"),
        (True, "invalid", "deadline_impossible"),
        (time(9), "invalid", "deadline_impossible"),
        (timedelta(days=3), "invalid", "deadline_impossible"),
        (date(1905, 7, 13), "invalid", "deadline_impossible"),
        (6.3, "vague", "deadline_ambiguous"),
    ],
)
def test_what_names_no_day_is_reported(text, kind, code):
    reading = read(text)
    assert (reading.deadline.kind, reading.deadline.on, codes(reading)) == (kind, None, [code])


@pytest.mark.parametrize(
    "cell",
    [date(2021, 6, 30), datetime(2021, 6, 30, 17), 44377, 44377.5, 20210630, 20210630.0, "44377"],
)
def test_a_cell_that_is_a_date(cell):
    assert read(cell).deadline.on == date(2021, 6, 30)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        *table("""
    FREQ=MONTHLY;BYMONTHDAY=-1 <- 每月 | 每月月底前 | 每月底前 | 每月一次 | 每月一调度 | 按月 | 每月31日前 | monthly
    FREQ=MONTHLY;BYMONTHDAY=5 <- 每月5日前
    FREQ=MONTHLY;BYMONTHDAY=5,20 <- 每月5日、20日前
    FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1 <- 每季度
    FREQ=MONTHLY;BYMONTH=6,12;BYMONTHDAY=-1 <- 每半年
    FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31 <- 每年 | 每年12月底前
    FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1 <- 每年2月底
    FREQ=WEEKLY;BYDAY=FR <- 每周五
    FREQ=WEEKLY;BYDAY=SU <- 每周 | 每周一次 | 每周报送一次
    FREQ=WEEKLY;BYDAY=MO,TH <- 每周一、周四
    FREQ=WEEKLY;INTERVAL=2;BYDAY=SU <- 每两周
    FREQ=WEEKLY;BYDAY=MO <- every Monday
    """)
    ],
)
def test_what_recurs(text, rule):
    deadline = read(text).deadline
    assert (deadline.kind, deadline.rule, deadline.on) == ("recurring", rule, None)


@pytest.mark.parametrize(
    ("text", "kind", "then_ongoing"),
    [
        *table("""
    date True <- 6月底前完成并长期坚持 | 立行立改，2021年6月30日前，并持续推进
    date False <- 立行立改2021年6月30日前
    immediate True <- 立行立改，长期坚持
    immediate False <- 立行立改
    ongoing False <- 持续整改，长期坚持 | 常态化推进
    recurring False <- 每季度开展一次，长期坚持
    """),
        ("2021年5月31日前，\n并长期坚持", "date", True),
    ],
)
def test_two_facts_in_one_cell(text, kind, then_ongoing):
    deadline = read(text).deadline
    assert (deadline.kind, str(deadline.then_ongoing)) == (kind, str(then_ongoing))


def test_an_immediate_limit_is_dated_only_where_the_office_says_so():
    assert read("立行立改").deadline.on is None
    by_working_days = read("立行立改", "2021-09-27", immediate_within="10wd").deadline
    assert (by_working_days.kind, by_working_days.on, by_working_days.computed) == (
        "immediate",
        date(2021, 10, 15),
        True,
    )
    assert read("立行立改", immediate_within="10").deadline.on == date(2021, 4, 18)


def test_a_missing_year_is_the_default_year_and_never_rolls():
    reading = read("6月底", "2021-07-10", default_year=2021)
    assert (reading.deadline.on, codes(reading)) == (date(2021, 6, 30), [])


def test_a_missing_year_that_rolls_waits_for_confirmation():
    reading = read("6月底", "2021-07-10")
    assert (reading.deadline.on, reading.deadline.confirmed, codes(reading)) == (
        date(2022, 6, 30),
        False,
        ["deadline_ambiguous"],
    )


def test_before_the_middle_ten_days_is_the_twentieth_and_told():
    reading = read("4月中旬前")
    assert (reading.deadline.counted_down, codes(reading)) == (date(2021, 4, 20), ["deadline_ambiguous"])


def test_the_text_stays_as_written_but_on_one_line():
    assert read("\u3000立行\n立改").deadline.text == "立行立改"
    assert read("６月底前").deadline.text == "６月底前"
