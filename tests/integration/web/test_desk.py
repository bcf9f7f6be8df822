"""The desk's pages over a small office: what each answers, what each act does, what nobody may do."""

from __future__ import annotations

import io
import re
from datetime import date

import openpyxl
import pytest

from reminder.gate.role import Role
from tests.integration.web.conftest import hidden, letters, link_in

PAGES = [
    "/",
    "/measures",
    "/messages",
    "/reports",
    "/letters",
    "/silences",
    "/pictures",
    "/calendar",
    "/rules",
    "/preview",
]
REPORTS = """
[[rule]]
name = "weekly-report"
kind = "report"
due = "friday 17:00"
"""
EVIL = '<script>alert("x")</script>'


@pytest.fixture
def office(house):
    """A red measure of 建设局, one due soon, one far off; it is Monday 7 June 2021, 11:00."""
    house.desk.append("rules.toml", REPORTS)
    house.reload()
    house.desk.measure("1", "2021-05-31", "建设局", text=f"清理往来款{EVIL}", aspect="方面一", leader="分管领导")
    house.desk.measure("2", "2021-06-10", "建设局", text="完善制度", aspect="方面二")
    house.desk.measure("3", "2021-12-31", "财政局", text="开展清查", tags=["专班"])
    return house


@pytest.mark.parametrize("lang", ["zh_CN", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_in_both_languages(office, path, lang):
    answer = office.browser(Role.VIEWER).get(path, params={"lang": lang})
    assert answer.status_code == 200, answer.text[:500]
    assert EVIL not in answer.text


def test_the_morning_s_questions_are_answered_on_one_page(office):
    text = office.browser(Role.VIEWER).get("/").text
    for line in ("逾期 7 天", "还有 3 天", "待整改办答复", "未交周报告的单位"):
        assert line in text


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", {"1", "2", "3"}),
        ("colour=red", {"1"}),
        ("colour=yellow", {"2"}),
        ("colour=green", {"3"}),
        ("colour=none", set()),
        ("unit=财政局", {"3"}),
        ("aspect=方面二", {"2"}),
        ("leader=分管领导", {"1"}),
        ("tag=专班", {"3"}),
        ("words=往来", {"1"}),
        ("words=3", {"3"}),
        ("words=100%25", set()),
        ("status=in_progress&colour=red", {"1"}),
        ("colour=nonsense&page=999&order=x", {"1", "2", "3"}),
    ],
)
def test_the_ledger_is_found_by_what_people_remember(office, query, codes):
    text = office.browser(Role.VIEWER).get(f"/measures?{query}").text
    assert {code for code in ("1", "2", "3") if f'">{code}</a></th>' in text} == codes


def test_the_page_says_which_step_of_escalation_passed_during_a_claim_and_told_nobody(office):
    """The step of Friday the 4th came while the unit's claim stood."""
    rules = office.desk.read("rules.toml")
    step = 'every = 3\nescalate = [{ after = 4, colour = "yellow", to = ["leader"] }]'
    office.desk.write("rules.toml", rules.replace("every = 3", step))
    office.reload()
    browser = office.browser(Role.OFFICER)
    act(browser, 1, act="claim", on="2021-06-02", because="已清理")
    assert "没有收到过" not in browser.get("/measures/1").text
    act(browser, 1, act="return", because="材料不全")
    told = browser.get("/measures/1").text
    assert "升级督办“黄色”（规则“overdue”）应在2021-06-04发，当时不催办，已过不补发；分管领导没有收到过" in told


def test_the_ledger_is_shown_in_pages(house):
    for n in range(120):
        house.desk.measure(f"m{n:03}", "2021-12-31", "建设局")
    browser = house.browser(Role.VIEWER)
    shown = [code for page in (1, 2, 3) for code in _codes(browser.get(f"/measures?page={page}").text)]
    assert shown == [f"m{n:03}" for n in range(120)]


def _codes(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/measures/\d+">([^<]+)</a>', html)


def act(browser, number, **fields):
    page = browser.get(f"/measures/{number}").text
    return browser.post(f"/measures/{number}/acts", data={**hidden(page), **fields})


def test_an_officer_writes_a_measure_off_and_its_history_says_who(office):
    browser = office.browser(Role.OFFICER)
    done = act(browser, 1, act="write_off", on="2021-06-07", because="已核实", evidence="照片")
    assert (done.status_code, done.headers["location"]) == (303, "/measures/1?done=write_off")
    page = browser.get("/measures/1").text
    assert "officer-person" in page
    assert "已核实" in page
    assert "照片" in page
    assert "逾期 7 天" not in page


def test_what_cannot_be_done_is_said_and_changes_nothing(office):
    browser = office.browser(Role.OFFICER)
    refused = act(browser, 1, act="extend", to="2021-05-01", because="推迟")
    assert refused.status_code == 409
    assert "新的时限 2021-05-01 应晚于现在的时限 2021-05-31" in refused.text
    assert "延期" not in browser.get("/measures/1").text.partition("经过")[2]


@pytest.mark.parametrize("fields", [{"act": "explode"}, {"act": "write_off", "on": "2021-13-45"}, {"act": ""}])
def test_a_form_that_is_none_of_ours_is_refused(office, fields):
    assert act(office.browser(Role.OFFICER), 1, **fields).status_code == 422


def test_an_extension_and_a_suspension_by_the_page(office):
    browser = office.browser(Role.OFFICER)
    assert act(browser, 1, act="extend", to="2021-09-30", because="批准", allowed_by="组长").status_code == 303
    assert act(browser, 2, act="suspend", review="2021-07-01", because="等批复").status_code == 303
    assert "2021-09-30" in browser.get("/measures/1").text
    assert "暂缓" in browser.get("/measures/2").text


def test_a_viewer_sees_no_forms_and_may_not_act(office):
    browser = office.browser(Role.VIEWER)
    page = browser.get("/measures/1").text
    assert "/measures/1/acts" not in page
    assert (
        browser.post("/measures/1/acts", data={**hidden(page), "act": "write_off", "because": "x"}).status_code == 403
    )
    assert browser.get("/upload").status_code == 403


def test_messages_are_listed_read_retried_and_cancelled(office):
    office.desk("run", "--once", "--now", "2021-06-07T09:00")
    browser = office.browser(Role.OFFICER)
    assert "R-1" in browser.get("/messages").text
    page = browser.get("/messages/1")
    assert "对方服务器已接收" in page.text
    assert "建设局" in page.text.partition('class="letter"')[2]
    retried = browser.post("/messages/1/retry", data=hidden(page.text))
    assert retried.headers["location"] == "/messages/1?said=not_retried"
    assert browser.get("/messages/99").status_code == 404
    assert "对方服务器" in browser.get("/measures/1").text.partition("有关这条措施的提醒")[2]


def test_a_week_s_report_is_recorded_and_the_week_is_a_workbook(office):
    browser = office.browser(Role.OFFICER)
    page = browser.get("/reports?week=2021-W23")
    assert "建设局" in page.text
    done = browser.post("/reports", data={**hidden(page.text), "unit": "建设局", "week": "2021-W23"})
    assert done.status_code == 303
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/reports.xlsx?week=2021-W23").content))
    rows = {row[0]: row[1] for row in book.active.iter_rows(values_only=True)}
    assert rows["建设局"] == "已报"


def test_letters_and_silences_by_the_page(office):
    browser = office.browser(Role.OFFICER)
    sent = {
        **hidden(browser.get("/letters").text),
        "to": "市财政局\n市国土局",
        "about": "商请拨付",
        "reply_by": "2021-06-30",
    }
    assert browser.post("/letters", data=sent).status_code == 303
    page = browser.get("/letters").text
    assert "市国土局" in page
    assert browser.post("/letters/1/reply", data={**hidden(page), "because": "同意"}).status_code == 303
    page = browser.get("/silences").text
    asked = {**hidden(page), "unit": "建设局", "until": "2021-06-20", "because": "合并中"}
    assert browser.post("/silences", data=asked).status_code == 303
    page = browser.get("/silences").text
    assert "生效中" in page
    assert browser.post("/silences/1/end", data=hidden(page)).status_code == 303
    assert "已提前结束" in browser.get("/silences").text


def test_a_message_is_previewed_as_it_would_go(office):
    page = office.browser(Role.VIEWER).get("/preview", params={"rule": "weekly-nudge", "unit": "建设局"})
    assert "完善制度" in page.text
    nobody = office.browser(Role.VIEWER).get("/preview", params={"rule": "weekly-nudge", "unit": "没有的局"})
    assert nobody.status_code == 200


def _ledger(*rows) -> bytes:
    book = openpyxl.Workbook()
    for row in (("序号", "整改措施", "责任单位", "整改时限"), *rows):
        book.active.append(row)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def test_an_upload_changes_nothing_until_it_is_accepted(office):
    browser = office.browser(Role.OFFICER)
    form = hidden(browser.get("/upload").text)
    file = (
        "台账.xlsx",
        _ledger(("9", "新增措施", "建设局", "2021年2月30日"), ("10", "再增", "建设局", date(2021, 7, 1))),
    )
    looked = browser.post("/upload", data={**form, "ledger": "新"}, files={"file": file})
    assert looked.status_code == 200
    assert "将新增 2" in looked.text
    assert "不是实际存在的日期" in looked.text
    assert "新/10" not in browser.get("/measures").text
    accepted = browser.post("/upload/1", data=hidden(looked.text))
    assert accepted.status_code == 200
    assert "新/10" in browser.get("/measures").text
    assert browser.post("/upload/1", data=hidden(looked.text)).status_code == 404


def test_what_is_no_ledger_is_refused_by_name(office):
    browser = office.browser(Role.OFFICER)
    form = hidden(browser.get("/upload").text)
    refused = browser.post("/upload", data=form, files={"file": ("../../台账.et", b"x")})
    assert refused.status_code == 409
    assert "“台账.et”是 WPS 专用格式" in refused.text


def test_pictures_have_their_tables_and_workbooks(office):
    browser = office.browser(Role.VIEWER)
    page = browser.get("/pictures").text
    assert "<svg" in page
    assert 'style="' not in page
    for name in ("colours", "aspects", "reports"):
        book = openpyxl.load_workbook(io.BytesIO(browser.get(f"/pictures/{name}.xlsx").content))
        assert book.active.max_row > 1, name
    assert browser.get("/pictures/other.xlsx").status_code == 404


def test_a_letter_of_a_unit_s_shows_its_link_to_those_who_may_report_for_it(week):
    """The link reports in the unit's name: whoever only looks would have got a right that nobody gave."""
    for role, shown in ((Role.VIEWER, False), (Role.OFFICER, True), (Role.ADMINISTRATOR, True)):
        page = week.browser(role).get("/messages/1").text
        path = link_in(letters(week)["建设局"][0])
        assert "建设局" in page
        assert (path in page) is shown, role


@pytest.mark.parametrize("state", ["", "sent"])
def test_messages_are_told_page_by_page(office, monkeypatch, state):
    monkeypatch.setattr("reminder.web.messages._SHOWN", 2)
    for day in ("2021-06-03", "2021-06-04", "2021-06-07", "2021-06-08", "2021-06-09"):
        office.desk.cycle(f"{day} 09:00")
    browser, path, seen = office.browser(Role.VIEWER), f"/messages?state={state}", []
    while path:
        page = browser.get(path).text
        here = re.findall(r'<th scope="row"><a href="/messages/(\d+)"', page)
        assert len(here) <= 2
        seen += map(int, here)
        path = (re.findall(r'<a href="([^"]+)" rel="next">', page) or [""])[0].replace("&amp;", "&")
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) > 2
    for nonsense in ("x", "-1", "9" * 30, "٣", ""):
        assert browser.get(f"/messages?before={nonsense}&state=nonsense").status_code == 200


def test_letters_and_silences_are_told_page_by_page_what_still_holds_first(office, monkeypatch):
    monkeypatch.setattr("reminder.web.records._SHOWN", 2)
    officer = office.browser(Role.OFFICER)
    for n in range(5):
        sent = {**hidden(officer.get("/letters").text), "to": f"收函单位{n}", "about": "商请", "on": "2021-06-01"}
        assert officer.post("/letters", data=sent).status_code == 303
        said = {"unit": "建设局", "until": f"2021-07-0{n + 1}", "because": f"事由{n}"}
        assert officer.post("/silences", data={**hidden(officer.get("/silences").text), **said}).status_code == 303
    assert officer.post("/letters/5/reply", data=hidden(officer.get("/letters").text)).status_code == 303
    assert officer.post("/silences/5/end", data=hidden(officer.get("/silences").text)).status_code == 303
    for path, pattern, expected in (
        ("/letters", r"收函单位(\d)", ["3", "2", "1", "0", "4"]),
        ("/silences", r"事由(\d)", ["3", "2", "1", "0", "4"]),
    ):
        seen = [re.findall(pattern, officer.get(f"{path}?page={n}").text) for n in (1, 2, 3, 4)]
        assert seen == [expected[:2], expected[2:4], expected[4:], []], path
        assert 'rel="next"' not in officer.get(f"{path}?page=3").text
