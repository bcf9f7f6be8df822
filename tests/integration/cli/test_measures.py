"""What the office does on the command line: acts, reports, export, import, plan, replay."""

import csv

import pytest
from openpyxl import Workbook, load_workbook

HEADER = ["序号", "问题", "整改措施", "责任部门", "整改时限", "状态", "完成比例", "最近进展", "最近进展日期"]
ROWS = [
    ["1", "作风问题", "修订制度", "建设局", "2021年6月30日前", "推进中", "40%", "已起草", "2021-05-06"],
    ["2", "作风问题", "组织学习", "区建设局、财政局", "长期坚持", "推进中", "", "", ""],
    ["3", "资金问题", "清理账目", "财政局", "近期", "已完成", "100%", "已清理", "2021-05-20"],
]


def workbook(path, rows=ROWS):
    book = Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    book.save(path)
    return path


@pytest.fixture
def office(desk, tmp_path):
    desk("import", workbook(tmp_path / "ledger.xlsx"), "--as-of", "2021-05-21")
    return desk


def test_import_reports_what_needs_a_person_and_exits_with_one(desk, tmp_path):
    said = desk("import", workbook(tmp_path / "ledger.xlsx"), "--as-of", "2021-05-21", "--json")
    assert said.code == 1
    (facts,) = said.lines
    assert [row["action"] for row in facts["rows"]] == ["added"] * 3
    assert facts["rows"][1]["units"] == ["建设局", "财政局"]
    assert [problem["code"] for problem in facts["rows"][2]["problems"]] == ["deadline_vague"]
    again = desk("import", workbook(tmp_path / "ledger.xlsx"), "--as-of", "2021-05-22", "--json").lines[0]
    assert {row["action"] for row in again["rows"]} == {"unchanged"}
    assert "近期" in desk("import", workbook(tmp_path / "ledger.xlsx"), "--dry-run").out


def test_measures_has_the_contracts_keys(office):
    first, second, third = office("measures", "--json").lines
    assert list(first) == [
        "ledger", "code", "problem", "measure", "aspect", "units", "supporting_units", "leader", "deadline", "status",
        "percent", "progress_on", "closed_on", "colour",
    ]  # fmt: skip
    assert (first["code"], first["deadline"]["date"], first["percent"]) == ("1", "2021-06-30", 40)
    assert first["problem"] == "作风问题"  # this ledger does not number them
    assert (second["deadline"]["kind"], second["colour"]) == ("ongoing", "")
    assert (third["status"], third["closed_on"]) == ("written_off", "2021-05-20")
    assert "修订制度" in office("measures").out


ACTS = [
    (("progress", "1", "--percent", "60", "--text", "已征求意见"), "in_progress"),
    (("claim", "1", "--because", "已印发"), "claimed"),
    (("write-off", "1", "--because", "已核实"), "written_off"),
    (("suspend", "1", "--because", "等规划", "--review", "2027-01-04"), "suspended"),
    (("decline", "1", "--because", "上级不采纳"), "declined"),
    (("ask-extension", "1", "--to", "2021-12-31", "--because", "雨季"), "in_progress"),
    (("write-off", "1", "--because", "已核实", "--evidence", "验收单"), "written_off"),
    (("extend", "1", "--to", "2021-12-31", "--because", "雨季", "--allowed-by", "领导小组"), "in_progress"),
    (("mark", "1", "--because", "专班督办", "--tag", "专班甲", "--standing", "--parent", "2"), "in_progress"),
    (("reopen", "3", "--because", "问题反弹"), "in_progress"),
]


@pytest.mark.parametrize(("words", "status"), ACTS, ids=[words[0] for words, _ in ACTS])
def test_an_act_is_an_event_of_the_measures_history(office, words, status):
    act, code, *rest = words
    assert office("measure", act, code, "--by", "张三", "--on", "2021-06-01", *rest).code == 0
    (shown,) = office("measure", "show", code, "--json").lines
    assert shown["status"] == status
    last = shown["history"][-1]
    assert (last["on"], last["act"], last["by"]) == ("2021-06-01", act.replace("-", "_"), "张三")
    assert "张三" in office("measure", "show", code).out


def test_the_history_tells_all_that_a_mark_changed(office):
    office("measure", "mark", "1", "--by", "张三", "--because", "归并", "--standing", "--tag", "专班甲")
    assert "归并；标签：专班甲；挂账" in office("measure", "show", "1").out
    office("measure", "mark", "1", "--by", "张三", "--because", "已建章立制", "--not-standing")
    assert "已建章立制；不再挂账" in office("measure", "show", "1").out


def test_claims_are_returned_and_suspensions_end(office):
    office("measure", "claim", "1", "--by", "建设局", "--because", "已完成")
    assert office("measure", "return", "1", "--by", "张三", "--because", "佐证不足").code == 0
    office("measure", "suspend", "1", "--by", "张三", "--because", "等规划", "--until", "2027-03-01")
    assert office("measure", "resume", "1", "--by", "张三", "--because", "规划已批").code == 0
    assert office("measures", "--json").lines[0]["status"] == "in_progress"


MISTAKES = [
    ("没有这一条", ("write-off", "9", "--by", "张三", "--because", "x"), "9"),
    ("暂缓没写到何时", ("suspend", "1", "--by", "张三", "--because", "x"), "--until"),
    ("退回没申请过的", ("return", "1", "--by", "张三", "--because", "x"), "推进中"),
    ("没写依据", ("write-off", "1", "--by", "张三", "--because", " "), "事由"),
]


@pytest.mark.parametrize(("words", "told"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_refused_with_a_clear_sentence(office, words, told):
    said = office("measure", *words)
    assert said.code == 2
    assert told in said.err
    assert office("measures", "--json").lines[0]["status"] == "in_progress"


def test_an_extension_moves_the_countdown(office):
    office("measure", "extend", "1", "--to", "2021-07-30", "--by", "主任", "--because", "雨季")
    days = [line["at"][:10] for line in office("plan", "--from", "2021-06-01", "--to", "2021-08-01", "--json").lines
            if line["kind"] in ("before", "due")]  # fmt: skip
    assert days == ["2021-07-23", "2021-07-27", "2021-07-30"]


def test_plan_for_people_and_its_mistakes(office):
    assert "weekly-nudge" in office("plan", "--from", "2021-06-07").out
    assert office("plan", "--from", "2021-06-07", "--to", "2021-06-01").code == 2
    assert office("plan", "--from", "yesterday").code == 2


def test_an_export_is_imported_with_no_difference(office, tmp_path):
    assert office("export", tmp_path / "out.xlsx").code == 0
    assert office("export", tmp_path / "out.xlsx").code == 2  # nothing is overwritten
    facts = office("import", tmp_path / "out.xlsx", "--as-of", "2021-05-21", "--dry-run", "--json").lines[0]
    assert {row["action"] for row in facts["rows"]} == {"unchanged"}


REPORT = """
[[rule]]
name = "weekly-report"
kind = "report"
due = "friday 17:00"
"""


def test_reports_are_recorded_listed_and_imported(office, tmp_path):
    office.append("rules.toml", REPORT)
    assert office("report", "区建设局", "--week", "2021-06-09", "--at", "2021-06-10 12:00").code == 0
    with (tmp_path / "reports.csv").open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows([["单位", "周", "报送时间"], ["财政局", "2021-W23", "2021-06-12 08:00"]])
    assert office("reports", "import", tmp_path / "reports.csv").code == 0
    listed = office("reports", "--week", "2021-W23", "--json").lines
    assert [(line["unit"], line["state"]) for line in listed] == [("建设局", "received"), ("财政局", "late")]
    assert listed[0]["due_at"] == "2021-06-11T17:00:00+08:00"
    assert "迟报" in office("reports", "--week", "2021-W23").out
    assert office("report", "水利局", "--week", "2021-W23").code == 2
    assert office("report", "建设局", "--week", "someday").code == 2


def test_reports_need_a_report_rule(office):
    said = office("reports", "--week", "2021-W23")
    assert said.code == 2
    assert "kind" in said.err


def test_one_cycle_tells_what_it_did_and_a_replay_leaves_the_store_alone(office):
    replayed = office("replay", "--from", "2021-06-07", "--to", "2021-06-09", "--json").lines[0]
    assert replayed["messages"]["sent"] > 0
    assert office("outbox", "--json").lines == []
    done = office("run", "--once", "--now", "2021-06-07T09:00", "--json")
    assert (done.code, done.lines[0]["messages"]) == (0, {"sent": 2})
    held = office("run", "--once", "--now", "2021-06-09T22:00")
    assert (held.code, office("run", "--now", "2021-06-09T22:00").code) == (0, 2)


MAIL = """
[channel.mail]
kind = "email"
host = "127.0.0.1"
port = 1
tls = "none"
sender = "office@example.org"
"""


@pytest.mark.parametrize(
    "words",
    [("run", "--once", "--now", "2021-06-07T09:00"), ("replay", "--from", "2021-06-07", "--to", "2021-06-07")],
    ids=["run", "replay"],
)
def test_simulated_time_sends_nothing_through_real_channels_unless_told_so(office, words):
    office.write("channels.toml", MAIL)
    refused = office(*words)
    assert refused.code == 2
    assert "时钟不是现在的时间，而 mail 会真的发送" in refused.err
    assert "--really-send" in refused.err
    assert office("outbox", "--json").lines == []
    assert office(*words, "--really-send", "--json").lines[0]["planned"] > 0


def test_simulated_time_is_free_where_no_channel_in_use_leaves_this_machine(office):
    """office 只用文件渠道；另写着的邮件渠道没有人用，改由一条规则用上以后才要求 --really-send."""
    files = (office.folder / "channels.toml").read_text(encoding="utf-8")
    office.write("channels.toml", files + MAIL)
    assert office("run", "--once", "--now", "2021-06-07T09:00").code == 0
    rules = (office.folder / "rules.toml").read_text(encoding="utf-8")
    office.write(
        "rules.toml", rules + '[[rule]]\nname = "extra"\nkind = "nudge"\non = "tuesday"\nchannels = ["mail"]\n'
    )
    assert office("run", "--once", "--now", "2021-06-08T09:00").code == 2
    assert office("run", "--once", "--now", "2021-06-08T09:00", "--really-send").code in (0, 1)
    office.write("rules.toml", rules)
    refused = office("run", "--once", "--now", "2021-06-08T10:00")  # what was refused there waits, and would go
    assert (refused.code, "mail" in refused.err) == (2, True)


def test_a_replay_into_a_maildir_needs_no_permission(office, tmp_path):
    office.write("channels.toml", MAIL)
    assert office("replay", "--from", "2021-06-07", "--to", "2021-06-07", "--into", tmp_path / "box").code == 0
    assert list((tmp_path / "box" / "new").iterdir())


def test_a_weeks_reports_are_compiled_into_one_table(office, tmp_path):
    office.append("rules.toml", REPORT)
    when = ("--week", "2021-W23", "--at", "2021-06-10 12:00")
    office("report", "建设局", *when, "--note", "=1+1 招标已完成")
    office("report", "建设局", "--week", "2021-W23", "--at", "2021-06-11 09:00", "--note", "补：已开工")
    assert office("reports", "--week", "2021-W23", "--export", tmp_path / "week.xlsx").code == 0
    rows = list(load_workbook(tmp_path / "week.xlsx").active.iter_rows(values_only=True))
    assert rows == [
        ("单位", "情况", "应报时间", "报送时间", "内容"),
        ("建设局", "已报", "2021-06-11 17:00", "2021-06-10 12:00", "=1+1 招标已完成\n补：已开工"),
        ("财政局", "未报", "2021-06-11 17:00", None, None),
    ]
    assert office("reports", "--week", "2021-W23", "--export", tmp_path / "week.xlsx").code == 2


def test_the_office_reads_who_has_reported(office):
    office.append("rules.toml", REPORT + 'summary = "friday 17:30"\n')
    office("report", "建设局", "--week", "2021-W22", "--at", "2021-06-04 12:00")
    office("report", "建设局", "--week", "2021-W23", "--at", "2021-06-11 12:00")
    office.cycle("2021-06-11 09:00")
    assert office.cycle("2021-06-11 17:30").messages["sent"] == 2  # the unit that has not reported, and the office
    (line,) = [x for x in office("explain", "--on", "2021-06-11", "--json").lines if x["kind"] == "report_summary"]
    assert (line["recipient"], line["state"]) == ("office", "sent")
    assert "未报 1 个" in line["reason"]
    text = office("preview", "weekly-report", "office", "--on", "2021-06-11").out
    assert "未报 1 个：财政局" in text
    assert "按时 1 个：建设局" in text
    reported = office(
        "explain", "1", "--unit", "建设局", "--rule", "weekly-report", "--on", "2021-06-11", "--json"
    ).lines
    assert [(x["reason_code"], x["fired"]) for x in reported] == [("reported", False)]
