"""回头看、受阻、发函和定期事项，在命令行上登记和查看。"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.makers import at

TODAY = at("2021-05-18 10:00")
RULES = """
[[rule]]
name = "look-back"
kind = "look_back"
after = [90, 180]
chase = "10wd"
[[rule]]
name = "letters"
kind = "awaiting_reply"
within = "15wd"
before = [3]
chase = "5wd"
[[rule]]
name = "works-report"
kind = "duty"
what = "报工程进度"
owed_by = ["建设局", "代建项目管理中心", "office"]
due = { week = "monday", hour = "17:00" }
min = 2
chase = "1wd"
"""
WHO = ("--by", "张三", "--because", "现场复核")


@pytest.fixture
def office(desk, monkeypatch):
    monkeypatch.setattr("reminder.app.now", lambda: TODAY)
    desk.append("rules.toml", RULES)
    desk.measure("73", "2021-06-30")
    desk("measure", "write-off", "73", "--on", "2021-05-10", *WHO)
    return desk


def test_a_result_is_recorded_and_shown(office):
    assert office("measure", "look-back", "73", "--result", "held", *WHO).code == 0
    shown = office("measure", "show", "73", "--json").lines[0]
    assert [(one["act"], one.get("result")) for one in shown["history"]] == [("write_off", None), ("look_back", "held")]
    assert shown["status"] == "written_off"
    assert "登记回头看：巩固" in office("measure", "show", "73").out


def test_what_slipped_may_be_opened_again_at_once(office):
    said = office("measure", "look-back", "73", "--result", "slipped", "--reopen", *WHO)
    assert "登记回头看、重新打开" in said.out
    shown = office("measure", "show", "73", "--json").lines[0]
    assert shown["status"] == "in_progress"
    assert [one["act"] for one in shown["history"]] == ["write_off", "look_back", "reopen"]


LOOK_BACK_REFUSED = [
    (("73", "--result", "held", "--reopen"), "slipped"),
    (("73", "--result", "held", "--on", "2021-05-07"), "早于"),
    (("73", "--result", "held", "--on", "2021-05-19"), "还没有到"),
    (("73", "--result", "broken"), "broken"),
    (("73",), "--result"),
    (("74", "--result", "held"), "不能登记回头看"),
]


@pytest.mark.parametrize(("words", "told"), LOOK_BACK_REFUSED)
def test_what_is_no_look_back_is_refused(office, words, told):
    office.measure("74", "2021-06-30")
    said = office("measure", "look-back", *words, *WHO)
    assert said.code == 2
    assert told in said.err
    assert len(office("measure", "show", "73", "--json").lines[0]["history"]) == 1


def test_what_blocks_a_measure_is_shown_and_written_in_letters_until_it_is_cleared(office):
    office.measure("74", "2021-06-30")
    office("measure", "block", "74", "--by", "张三", "--because", "等待财政批复")
    shown = office("measure", "show", "74", "--json").lines[0]
    assert (shown["blocked_by"], shown["history"][0]["act"]) == ("等待财政批复", "block")
    assert "等待财政批复" in office("measure", "show", "74").out
    assert "受阻：等待财政批复" in office("preview", "weekly-nudge", "建设局").out
    assert office("measure", "block", "74", "--clear", *WHO).code == 0
    assert office("measure", "show", "74", "--json").lines[0]["blocked_by"] == ""
    assert "受阻" not in office("preview", "weekly-nudge", "建设局").out
    assert "没有登记受阻" in office("measure", "block", "74", "--clear", *WHO).err


def test_a_letter_is_one_for_each_addressee_and_ends_with_its_reply(office):
    office("letter", "sent", "--to", "市财政局", "--to", "区建设局", "--about", "商请拨付资金", "--on", "2021-04-20")
    office("letter", "sent", "--to", "市财政局", "--about", "商请出图", "--reply-by", "2021-05-31", "--by", "张三")
    office("letter", "replied", "2", "--on", "2021-05-17", "--by", "李四", "--because", "同意")
    assert [tuple(one.values()) for one in office("letter", "list", "--json").lines] == [
        (1, "市财政局", "商请拨付资金", "2021-04-20", None, "2021-05-12", None, "overdue"),
        (2, "建设局", "商请拨付资金", "2021-04-20", None, "2021-05-12", "2021-05-17", "replied"),
        (3, "市财政局", "商请出图", "2021-05-18", "2021-05-31", "2021-05-31", None, "waiting"),
    ]
    assert "逾期" in office("letter", "list").out
    for name in ("市财政局", "office"):  # whom it is about, and to whom it goes
        assert "商请拨付资金" in office("preview", "letters", name).out
    (one, *_) = office("plan", "--from", "2021-05-19", "--json").lines
    assert (one["kind"], one["unit"], one["recipient"], one["measures"]) == ("awaiting_reply", "市财政局", "office", [])


REFUSED = [
    (("letter", "sent", "--to", "市财政局", "--about", " "), "--about"),
    (("letter", "sent", "--to", "市财政局", "--about", "函", "--on", "2021-05-19"), "还没有到"),
    (("letter", "sent", "--to", "市财政局", "--about", "函", "--reply-by", "2021-05-01"), "早于"),
    (("letter", "replied", "9"), "没有编号为 9 的函"),
    (("letter", "replied", "1", "--on", "2021-04-19"), "早于"),
    (("letter", "replied", "2"), "已于 2021-05-17"),
    (("duty", "done", "works-reprot", "--by", "建设局", "--period", "2021-W20"), "works-report"),
    (("duty", "done", "works-report", "--by", "财政局", "--period", "2021-W20"), "不由“财政局”承担"),
    (("duty", "done", "works-report", "--by", "建设局", "--period", "2021-04"), "没有“2021-04”这一期"),
    (("duty", "done", "works-report", "--by", "建设局", "--period", "2021-W20", "--on", "2021-05-19"), "还没有到"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_a_mistake_is_told_and_nothing_is_recorded(office, words, told):
    office("letter", "sent", "--to", "市财政局", "--to", "建设局", "--about", "函", "--on", "2021-04-20")
    office("letter", "replied", "2", "--on", "2021-05-17")
    before = office("letter", "list", "--json").out, office("duty", "list", "--json").out
    said = office(*words)
    assert (said.code, told in said.err) == (2, True)
    assert (office("letter", "list", "--json").out, office("duty", "list", "--json").out) == before


def duties(office):
    return [(one["unit"], one["period"], one["done"], one["state"]) for one in office("duty", "list", "--json").lines]


def test_counts_of_a_duty_add_up_and_aliases_are_known(office):
    office("duty", "done", "works-report", "--by", "区建设局", "--period", "2021-W20")
    office("duty", "done", "works-report", "--by", "建设局", "--period", "2021-05-18")
    office("duty", "done", "works-report", "--by", "office", "--period", "2021年第20周", "--count", "2")
    assert duties(office) == [
        ("建设局", "2021-W20", 2, "done"),
        ("代建项目管理中心", "2021-W20", 0, "overdue"),
        ("office", "2021-W20", 2, "done"),
        ("建设局", "2021-W21", 0, "owed"),
        ("代建项目管理中心", "2021-W21", 0, "owed"),
        ("office", "2021-W21", 0, "owed"),
    ]
    assert "巡察整改办公室" in office("duty", "list").out
    planned = office("plan", "--from", "2021-05-19", "--json").lines
    chased = {one["unit"] for one in planned if one["kind"] == "duty"}
    assert chased == {"代建项目管理中心"}


PERIODS = [
    ('{ month = "last wd" }', ("2021-04", "2021-04-15"), "2021-04"),
    ('{ quarter = "last wd" }', ("2021-Q2", "2021-q2", "2021-05-01"), "2021-Q2"),
    ('{ year = "12-25" }', ("2021", "2021-05-01"), "2021"),
    ("{ dates = [2021-06-18] }", ("2021-06-18",), "2021-06-18"),
]


@pytest.mark.parametrize(("due", "texts", "period"), PERIODS)
def test_a_period_is_called_by_its_name_or_by_a_day_in_it(desk, due, texts, period):
    rule = f'[[rule]]\nname = "d"\nkind = "duty"\nwhat = "报"\nowed_by = ["建设局"]\ndue = {due}\n'
    desk.write("rules.toml", rule)
    for text in texts:
        assert f" {period}，" in desk("duty", "done", "d", "--by", "建设局", "--period", text).out
    assert desk("duty", "done", "d", "--by", "建设局", "--period", "2021-13").code == 2


def test_letters_and_duties_are_explained_beside_the_measures_but_not_for_one_of_them(office):
    office("letter", "sent", "--to", "市财政局", "--about", "函", "--on", "2021-04-20")
    rules = {one["rule"] for one in office("explain", "--on", "2021-05-19", "--json").lines if one["fired"]}
    assert rules == {"letters", "works-report"}
    assert not {one["rule"] for one in office("explain", "73", "--on", "2021-05-18", "--json").lines} & {
        "letters",
        "works-report",
    }
    (why,) = office("explain", "73", "--rule", "look-back", "--on", "2021-05-18", "--json").lines
    assert (why["reason_code"], "2021年8月9日" in why["reason"]) == ("not_yet", True)


@pytest.mark.parametrize("unit", ["代建项目管理中心", "office", "建设局"])
def test_a_duty_of_anybody_can_be_previewed(office, unit):
    said = office("preview", "works-report", unit, "--on", "2021-05-19")
    assert (said.code, "报工程进度" in said.out) == (0, True)


def test_check_says_for_whom_the_office_answers_and_what_does_nothing(office):
    office.append("rules.toml", 'match = { unit = ["建设局"] }\n')
    said = office("check")
    assert said.code == 2
    assert "没有名为“代建项目管理中心”的单位" in said.err
    assert "duty 规则不针对措施，match 不起作用" in said.err


def test_a_look_back_is_planned_with_its_measure(office):
    day = date(2021, 8, 9)
    (one,) = office("plan", "--from", str(day), "--to", str(day + timedelta(days=1)), "--json").lines[:1]
    assert (one["kind"], one["recipient"], one["measures"]) == ("look_back", "office", [{"code": "73", "days": [90]}])
