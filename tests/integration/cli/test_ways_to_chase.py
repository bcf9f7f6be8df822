"""Ways in which offices chase, from the workbook to the letter, in both languages: plan, preview, explain, cycle."""

from __future__ import annotations

import csv

import pytest

RULES = """
[[rule]]
name = "approaching"
kind = "deadline"
before = ["2wd", 0]
[[rule]]
name = "monday-group"
kind = "nudge"
on = "monday"
at = "08:45"
to = ["channel:group"]
except = { deadline = ["ongoing"] }
[[rule]]
name = "standing"
kind = "nudge"
on = { quarter = "last wd" }
match = { deadline = ["ongoing"] }
[[rule]]
name = "weekly-progress"
kind = "duty"
what = "报工程进度"
owed_by = ["建设局"]
due = { week = "monday", hour = "17:00" }
remind = ["1wd"]
chase = "1wd"
"""
GROUP = """
[channel.group]
kind = "maildir"
path = "group"
sender = "整改办 <office@example.org>"
"""
LEDGER = [
    ("序号", "整改措施", "责任单位", "整改时限"),
    ("1", "张贴公示", "建设局", "立行立改"),
    ("2", "建立长效机制", "建设局", "长期坚持"),
    ("3", "报工程进度", "建设局", "每周一报"),
    ("4", "完善制度", "财政局", "2021年6月30日前"),
]


@pytest.fixture(params=["zh_CN", "en"])
def office(desk, request, tmp_path):
    desk.write("rules.toml", RULES)
    desk.append("channels.toml", GROUP)
    named = desk.read("reminder.toml").replace(
        "[office]", f'[office]\nlocale = "{request.param}"\nchannels = ["files"]'
    )
    desk.write("reminder.toml", named + '[ledger]\ndated = 2021-06-01\nimmediate_within = "10wd"\n')
    with (tmp_path / "ledger.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(LEDGER)
    desk.imported = desk("import", tmp_path / "ledger.csv", "--as-of", "2021-06-01", "--json").lines[0]
    desk.locale = request.param
    return desk


def planned(office, first, last, rule):
    lines = office("plan", "--from", first, "--to", last, "--json").lines
    return [
        (line["at"][5:16], line["recipient"], [one["code"] for one in line["measures"]])
        for line in lines
        if line["rule"] == rule
    ]


def test_what_is_to_be_done_at_once_gets_the_offices_limit_and_is_counted_down(office):
    deadline = office.imported["rows"][0]["deadline"]
    assert (deadline["kind"], deadline["date"], deadline["text"]) == ("immediate", "2021-06-16", "立行立改")
    # 10 working days from 06-01; 06-14 is the Dragon Boat festival
    assert planned(office, "2021-06-02", "2021-06-20", "approaching") == [
        ("06-11T09:00", "建设局", ["1"]),
        ("06-16T09:00", "建设局", ["1"]),
    ]
    shown = office("preview", "approaching", "建设局", "--on", "2021-06-16").out
    assert ("立行立改，推算为" if office.locale == "zh_CN" else "16 June 2021") in shown


def test_a_chat_group_gets_one_short_message_on_mondays(office):
    assert planned(office, "2021-06-07", "2021-06-21", "monday-group") == [
        ("06-07T08:45", "channel:group", ["1", "3"]),
        ("06-07T08:45", "channel:group", ["4"]),
        ("06-15T08:45", "channel:group", ["1", "3"]),
        ("06-15T08:45", "channel:group", ["4"]),
        ("06-21T08:45", "channel:group", ["1", "3"]),
        ("06-21T08:45", "channel:group", ["4"]),
    ]
    office.cycle("2021-06-04 18:00")
    office.cycle("2021-06-07 08:45")
    (file,) = (office.folder / "group" / "new").iterdir()  # both units in one message
    assert b"Subject" in file.read_bytes()
    lines = office("explain", "--rule", "monday-group", "--on", "2021-06-07", "--json").lines
    assert {(x["unit"], x["state"], x["recipient"]) for x in lines if x["fired"]} == {
        ("建设局", "sent", "channel:group"),
        ("财政局", "sent", "channel:group"),
    }
    assert "张贴公示" in office("preview", "monday-group", "建设局", "--on", "2021-06-07").out


def test_standing_measures_are_spoken_of_once_a_quarter(office):
    assert planned(office, "2021-06-02", "2021-12-31", "standing") == [
        ("06-30T09:00", "建设局", ["2"]),
        ("09-30T09:00", "建设局", ["2"]),
        ("12-31T09:00", "建设局", ["2"]),
    ]
    (no,) = office("explain", "2", "--rule", "approaching", "--on", "2021-06-07", "--json").lines
    assert no["reason_code"] == "not_counted_down"
    assert "建立长效机制" in office("preview", "standing", "建设局", "--on", "2021-06-30").out


def test_every_monday_or_every_week_is_asked_and_the_office_chooses(office):
    row = office.imported["rows"][2]
    assert [problem["code"] for problem in row["problems"]] == ["deadline_ambiguous"]
    assert planned(office, "2021-06-02", "2021-06-30", "approaching") == [
        ("06-11T09:00", "建设局", ["1"]),
        ("06-16T09:00", "建设局", ["1"]),
        ("06-28T09:00", "财政局", ["4"]),
        ("06-30T09:00", "财政局", ["4"]),
    ]
    assert [at for at, *_ in planned(office, "2021-06-02", "2021-06-09", "weekly-progress")] == [
        *("06-02T09:00", "06-03T09:00"),  # Monday 05-31's is missing
        *("06-04T09:00", "06-04T09:00"),  # that one, and one working day before Monday the 7th
        "06-08T09:00",
        "06-09T09:00",
    ]
    office.cycle("2021-06-03 18:00")
    office.cycle("2021-06-04 09:00")
    done = ("duty", "done", "weekly-progress", "--by", "建设局", "--period", "2021-06-07", "--on", "2021-06-07")
    assert office(*done).code == 0
    office.cycle("2021-06-07 09:00")
    assert office.cycle("2021-06-08 09:00").messages == {}
    assert "报工程进度" in office("preview", "weekly-progress", "建设局", "--on", "2021-06-04").out


SCHEDULE = [
    ("序号", "上级序号", "整改措施", "责任单位", "整改时限", "标签", "挂账"),
    ("5", "", "出台管理办法", "建设局", "2021年6月30日前", "专班甲", ""),
    ("5.1", "5", "完成初稿", "建设局", "2021年6月10日前", "", ""),
    ("5.2", "5", "征求意见", "建设局", "2021年6月18日前", "", "是"),
]


def test_milestones_of_a_reverse_schedule_are_chased_and_hold_back_the_write_off(office, tmp_path):
    with (tmp_path / "schedule.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(SCHEDULE)
    assert office("import", tmp_path / "schedule.csv", "--as-of", "2021-06-01", "--ledger", "办法").code == 0
    assert planned(office, "2021-06-08", "2021-06-10", "approaching") == [
        ("06-08T09:00", "建设局", ["5.1"]),
        ("06-10T09:00", "建设局", ["5.1"]),
    ]
    facts = office("measure", "show", "5", "--json").lines[0]
    assert (facts["children"], facts["tags"]) == (["5.1", "5.2"], ["专班甲"])
    assert office("measure", "show", "5.2", "--json").lines[0]["standing"] is True
    done = ("--by", "张三", "--because", "已核实", "--on", "2021-06-20")
    refused = office("measure", "write-off", "5", *done)
    assert refused.code == 2
    assert "5.1、5.2" in refused.err.replace(", ", "、")
    for child in ("5.1", "5.2"):
        assert office("measure", "write-off", child, *done).code == 0
    assert office("measure", "write-off", "5", *done, "--evidence", "印发文件").code == 0
