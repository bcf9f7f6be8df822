"""A unit reports from its message, without an account: the link, the page, the report and what it stops."""

from __future__ import annotations

import io
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import openpyxl
import pytest
from sqlmodel import select

from reminder.gate import links
from reminder.gate.role import Role
from reminder.office.history import history
from reminder.store.engine import reading, writing
from reminder.store.evidence_tables import EvidenceRow
from reminder.store.tables import MeasureRow, ReportRow
from tests.integration.web.conftest import NOW, hidden, letters, link_in
from tests.integration.web.test_access import dump

UNIT, LEADER = "建设局", "分管领导"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def send(browser, path, files=None, **fields):
    """Opens the link and sends its form with these fields beside the hidden ones."""
    return browser.post(path, data={**hidden(browser.get(path).text), **fields}, files=files)


def reports(house):
    with reading(house.engine) as session:
        return session.exec(select(ReportRow).order_by(ReportRow.id)).all()


def measure(house, code):
    with reading(house.engine) as session:
        return session.exec(select(MeasureRow).where(MeasureRow.code == code)).one()


def events(house, code):
    with reading(house.engine) as session:
        return history(session, code)


def field(house, code, name):
    return f"m{measure(house, code).id}-{name}"


def test_a_units_letter_carries_one_link_and_it_opens_the_units_week(week):
    path = link_in(letters(week)[UNIT][0])
    shown = week.browser().get(path)
    assert shown.status_code == 200
    assert "建设局 <small>2021年第23周" in shown.text
    assert re.findall(r'class="code">(\d+)<', shown.text) == [
        "2",
        "1",
        "3",
    ]  # overdue first, undated last; not 财政局's
    assert "逾期 7 天" in shown.text
    assert "3 天后到期" in shown.text
    assert shown.text.count("本周无新进展") == 3
    assert "硬化&lt;b&gt;道路&lt;/b&gt;" in shown.text


def test_one_tap_reports_the_week_and_the_page_says_so(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    done = send(browser, path)
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?week=2021-W23")
    assert "本周周报已收到" in browser.get(path).text
    [row] = reports(week)
    assert (row.unit, row.week, row.submitted_at, row.sent["via"]) == (UNIT, "2021-W23", NOW, "R-1")
    assert [one.act for one in events(week, "1")] == []  # untouched measures say nothing


def test_reporting_stops_this_weeks_reminders_and_chases(week):
    assert send(week.browser(), link_in(letters(week)[UNIT][0])).status_code == 303
    for day in ("2021-06-11 09:00", "2021-06-15 09:00"):  # Friday's remind; Monday is a holiday, so Tuesday's chase
        week.desk.cycle(day)
    asked = {name: "\n".join(texts[1:]) for name, texts in letters(week).items()}
    for heading in ("周报告待报送", "周报告未收到"):
        assert heading in asked["财政局"]
        assert heading not in asked[UNIT]


def test_what_is_said_of_touched_measures_becomes_their_history(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    fields = {
        field(week, "1", "percent"): "60",
        field(week, "1", "text"): "已进场施工",
        field(week, "1", "extend_to"): "2021-07-31",
        field(week, "1", "extend_because"): "连续降雨",
        field(week, "1", "blocked"): "等待财政批复",
        field(week, "2", "state"): "claim",
        field(week, "3", "state"): "phase_complete",
        "by": "李四",
    }
    assert send(browser, path, **fields).status_code == 303
    assert [(one.act, one.by) for one in events(week, "1")] == [
        (act, "建设局 李四") for act in ("progress", "block", "ask_extension")
    ]
    assert events(week, "1")[0].facts["via"] == "R-1"
    first = measure(week, "1")
    assert (first.percent, first.progress, first.blocked_by) == (60, "已进场施工", "等待财政批复")
    assert str(first.deadline_on) == "2021-06-10"  # only asked for: the office decides
    assert (measure(week, "2").status, measure(week, "3").status) == ("claimed", "phase_complete")
    again = browser.get(path).text
    assert "待销号" in again
    assert "上次报送：已进场施工" in again


def test_the_compiled_week_holds_what_units_said_of_their_measures(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    first = {field(week, "1", "percent"): "60", field(week, "1", "text"): "已进场施工", "note": "总体顺利"}
    send(browser, path, **first)
    week.clock.on(minutes=5)
    send(browser, path, **first, **{field(week, "2", "state"): "claim", field(week, "2", "text"): "=已完成"})
    desk = week.browser(Role.VIEWER)
    book = openpyxl.load_workbook(io.BytesIO(desk.get("/reports.xlsx?week=2021-W23").content))
    told = {row[0]: str(row[4] or "") for row in book.active.iter_rows(values_only=True)}
    assert told[UNIT].splitlines()[:2] == ["总体顺利", "1 登记进展 60% 已进场施工"]
    assert told[UNIT].count("总体顺利") == 2  # the amendment as well
    assert "2 申请销号" in told[UNIT]
    assert told["财政局"] == ""
    week.desk("reports", "--week", "2021-W23", "--export", week.desk.folder / "week.xlsx")
    exported = openpyxl.load_workbook(week.desk.folder / "week.xlsx").active.iter_rows(values_only=True)
    assert {row[0]: str(row[4] or "") for row in exported}[UNIT] == told[UNIT]


def test_not_ours_is_a_request_with_the_unit_it_names(week):
    send(week.browser(), link_in(letters(week)[UNIT][0]), **{field(week, "3", "pass_to"): "财政局"})
    [event] = events(week, "3")
    assert (event.act, event.facts["unit"]) == ("pass_on", "财政局")
    asked = "提出不属本单位，应由 财政局"
    assert asked in week.browser(Role.VIEWER).get("/").text  # the office is asked, until it has answered
    said = ("--on", "2021-06-07", "--by", "张三", "--because", "职责明确")
    assert week.desk("measure", "keep-unit", "3", *said).code == 0
    week.served.state.hall.memory.forget()
    assert asked not in week.browser(Role.VIEWER).get("/").text


def test_fifty_posts_of_one_report_are_one_change(week):
    path = link_in(letters(week)[UNIT][0])
    browser = week.browser()
    sent = {**hidden(browser.get(path).text), field(week, "1", "percent"): "30", field(week, "1", "text"): "开工"}

    def post(_):
        return week.browser().post(path, data=sent).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(post, range(50))) == {303}
    assert len(reports(week)) == 1
    assert [one.act for one in events(week, "1")] == ["progress"]


def test_an_amendment_is_a_change_and_a_late_report_is_not_refused(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    send(browser, path)
    send(browser, path, note="补充说明")
    assert [row.note for row in reports(week)] == ["", "补充说明"]
    assert "截止之前还可以补充" in browser.get(path).text
    week.clock.at = NOW + timedelta(days=5)  # Saturday
    assert send(browser, path, note="再补充").status_code == 303
    assert "已过截止时间" in browser.get(path).text
    assert len(reports(week)) == 3


def test_a_chased_week_is_offered_first_and_this_week_beside_it(week):
    week.desk.cycle("2021-06-15 09:00")
    week.clock.at = NOW + timedelta(days=8)
    browser, path = week.browser(), link_in(letters(week)[UNIT][-1])
    shown = browser.get(path).text
    assert "2021年第23周" in re.search("<h1>.*</h1>", shown)[0]
    assert "?week=2021-W24" in shown
    send(browser, path)
    assert [row.week for row in reports(week)] == ["2021-W23"]
    assert "2021年第24周" in re.search("<h1>.*</h1>", browser.get(path).text)[0]


def test_supabase_1214_better_auth_9690_emdash_3298_govuk_3431_scanners_open_it_often_and_then_the_person_reports(week):
    path, before = link_in(letters(week)[UNIT][0]), dump(week.engine)
    for n in range(20):
        scanner = week.browser(address=f"10.1.1.{n}")
        scanner.headers["User-Agent"] = f"scanner-{n}"
        assert scanner.head(path).status_code == 200
        assert scanner.get(path).status_code == 200
        scanner.request("OPTIONS", path)
    assert dump(week.engine) == before
    assert send(week.browser(), path).status_code == 303


def wrong_links(week):
    right = link_in(letters(week)[UNIT][0])
    number, _, seal = right.removeprefix("/r/").partition("-")
    yield "tampered", f"/r/{number}-{seal[:-1]}{'a' if seal[-1] != 'a' else 'b'}"
    yield "another message's seal", f"/r/{int(number) + 1}-{seal}"
    yield "no such message", f"/r/99999-{seal}"
    yield "cut short", right[:-3]
    yield "foreign", "/r/dGVzdA.abc.def"
    yield "very long", "/r/" + "1" * 4000


def test_every_wrong_link_opens_the_same_page_with_how_to_get_a_new_one(week):
    browser = week.browser()
    pages = {why: browser.get(path) for why, path in wrong_links(week)}
    right = link_in(letters(week)[UNIT][0])
    week.clock.on(days=14, minutes=1)
    pages["expired"] = browser.get(right)
    week.clock.at = NOW
    with writing(week.engine) as session:
        links.revoke(session, "R-1", "管理员", NOW, "zh_CN")
    pages["revoked"] = browser.get(right)

    def shown(answer):
        return re.sub(r"value=\"[0-9a-f]{64}\"|\?lang=en", "", answer.text)

    assert {answer.status_code for answer in pages.values()} == {403}
    assert len({shown(answer) for answer in pages.values()}) == 1
    assert "请联系巡察整改办公室：督办科 分机 000" in pages["expired"].text
    assert browser.post(right, data={}).status_code == 403
    assert reports(week) == []


def test_a_link_lasts_fourteen_days_from_the_sending_clock(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    week.clock.at = NOW - timedelta(hours=2) + timedelta(days=14) - timedelta(seconds=1)
    assert browser.get(path).status_code == 200
    week.clock.on(seconds=1)
    assert browser.get(path).status_code == 403


def test_a_leaders_link_only_shows(week):
    week.desk.cycle("2021-06-11 09:00")
    text = letters(week)[LEADER][0]
    path = link_in(text)
    week.clock.on(days=4)
    assert "查看与填报" not in text
    browser = week.browser()
    shown = browser.get(path)
    assert "只供查看" in shown.text
    assert re.findall(r'class="code">(\d+)<', shown.text) == ["1"]
    unit_form = hidden(browser.get(link_in(letters(week)[UNIT][0])).text)
    assert browser.post(path, data=unit_form).status_code == 403
    assert reports(week) == []


def test_a_form_of_one_link_is_no_good_for_another(week):
    browser = week.browser()
    foreign = hidden(browser.get(link_in(letters(week)["财政局"][0])).text)
    assert browser.post(link_in(letters(week)[UNIT][0]), data=foreign).status_code == 403


def test_what_it_says_of_another_units_measure_is_not_looked_at(week):
    sent = {field(week, "9", "state"): "claim", field(week, "9", "text"): "已完成"}
    assert send(week.browser(), link_in(letters(week)[UNIT][0]), **sent).status_code == 303
    assert (measure(week, "9").status, events(week, "9")) == ("in_progress", [])


def test_a_link_opens_nothing_of_the_desk(week):
    browser = week.browser()
    browser.get(link_in(letters(week)[UNIT][0]))
    assert browser.get("/").status_code == 303


def test_evidence_is_kept_whole_once_and_by_a_harmless_name(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    files = {field(week, "1", "file"): ("../../etc/验收\r\n照片.png", PNG, "text/html")}
    text = {field(week, "1", "text"): "已验收", field(week, "1", "url"): "https://example.org/1.pdf"}
    for note in ("", "again"):
        send(browser, path, files=files, note=note, **text)
    with reading(week.engine) as session:
        kept = session.exec(select(EvidenceRow).order_by(EvidenceRow.id)).all()
    assert [(one.name, one.url, one.body) for one in kept] == [
        ("", "https://example.org/1.pdf", None),
        ("验收%0D%0A照片.png", "", PNG),  # as browsers write line breaks in names
    ]


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("page.html", b"<script>", "类型不收"),
        ("photo.png", b"<script>alert(1)</script>", "内容与名称不符"),
        ("big.pdf", b"%PDF-" + b"0" * (5 * 2**20), "太大"),
    ],
)
def test_evidence_that_is_not_taken_is_told_and_nothing_of_the_report_is_kept(week, name, body, told):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    sent = {field(week, "1", "text"): "已经<完成>", field(week, "1", "file"): ""}
    del sent[field(week, "1", "file")]
    refused = send(browser, path, files={field(week, "1", "file"): (name, body, "image/png")}, **sent)
    assert refused.status_code == 409
    assert told in refused.text
    assert "已经&lt;完成&gt;</textarea>" in refused.text  # what was typed is still there
    assert (reports(week), events(week, "1")) == ([], [])


def test_what_is_not_possible_keeps_what_was_typed(week):
    browser, path = week.browser(), link_in(letters(week)[UNIT][0])
    sent = {field(week, "1", "percent"): "160", field(week, "1", "text"): "写得很多"}
    refused = send(browser, path, **sent)
    assert (refused.status_code, "0 到 100" in refused.text, "写得很多" in refused.text) == (409, True, True)
    assert reports(week) == []


def test_without_a_public_address_letters_carry_no_link_and_say_whom_to_call(week):
    week.desk.write("reminder.toml", week.desk.read("reminder.toml").replace('public_url = "http://testserver"\n', ""))
    week.desk.cycle("2021-06-08 09:00")
    text = letters(week)[UNIT][-1]
    assert "/r/" not in text
    assert "请联系督办科 分机 000" in text


def test_the_link_is_fixed_with_the_message(week):
    first = letters(week)
    week.desk.write("reminder.toml", week.desk.read("reminder.toml").replace("//testserver", "//elsewhere"))
    week.desk.change(1, "refused", state="retrying", next_attempt_at=NOW)
    week.desk.cycle("2021-06-07 11:00")
    assert letters(week)[UNIT] == first[UNIT]


def test_the_page_speaks_the_readers_language(week):
    shown = week.browser().get(link_in(letters(week)[UNIT][0]), params={"lang": "en"})
    assert "No progress this week" in shown.text
    assert "7 days overdue" in shown.text


def test_signed_in_people_of_the_office_use_a_link_like_anybody(week):
    browser, path = week.browser(Role.ADMINISTRATOR), link_in(letters(week)[UNIT][0])
    assert send(browser, path).status_code == 303


def test_a_link_opened_too_often_rests_for_a_minute_and_no_report_is_lost(week):
    path, other = (link_in(letters(week)[name][0]) for name in (UNIT, "财政局"))
    now = [1000.0]
    week.served.state.hall.visits.clock = lambda: now[0]
    browser = week.browser()
    form = hidden(browser.get(path).text)
    assert [browser.get(path).status_code for _ in range(29)] == [200] * 29
    refused = browser.get(path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "61")
    assert "打开得太频繁" in refused.text
    assert 'href="/"' not in refused.text
    assert browser.get(other).status_code == 200
    assert browser.post(path, data={**form, "note": "按计划推进"}).status_code == 303
    assert [one.note for one in reports(week)] == ["按计划推进"]
    now[0] += 61
    assert "本周周报已收到" in browser.get(path).text


def test_who_guesses_links_is_not_told_how_often(week):
    path = link_in(letters(week)[UNIT][0])
    guessed = path[:-1] + ("a" if path[-1] != "a" else "b")
    assert {week.browser().get(guessed).status_code for _ in range(35)} == {403}


def test_what_is_not_this_units_is_handed_over_by_the_office_and_the_other_unit_has_it(week):
    path = link_in(letters(week)[UNIT][0])
    browser = week.browser()
    send(browser, path, **{field(week, "1", "pass_to"): "财政局", field(week, "1", "text"): "由财政局负责"})
    number = measure(week, "1").id
    desk = week.browser(Role.OFFICER)
    assert "提出不属本单位，应由 财政局" in desk.get("/").text
    page = desk.get(f"/measures/{number}").text
    asked = {**hidden(page), "act": "hand_over", "unit": "财政局", "because": "职责在财政局"}
    assert desk.post(f"/measures/{number}/acts", data=asked).status_code == 303
    assert "提出不属本单位，应由 财政局" not in desk.get("/").text
    told = events(week, "1")[-1]
    assert (told.act, told.by, told.because) == ("hand_over", "officer-person", "职责在财政局")
    assert (told.facts["was_unit"], told.facts["unit"]) == (UNIT, "财政局")
    assert re.findall(r'class="code">(\d+)<', browser.get(path).text) == ["2", "3"]
    week.desk.cycle("2021-06-15 09:00")  # Monday was a holiday
    assert "硬化" not in letters(week)[UNIT][-1]
    assert "硬化" in letters(week)["财政局"][-1]
    assert desk.post(f"/measures/{number}/acts", data={**asked, "unit": "没有的局"}).status_code == 409


def test_a_report_that_meets_a_busy_database_is_told_so_and_can_be_sent_again(week):
    path = link_in(letters(week)[UNIT][0])
    browser = week.browser()
    typed = {**hidden(browser.get(path).text), field(week, "1", "percent"): "60"}
    with closing(sqlite3.connect(week.engine.url.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = browser.post(path, data=typed)
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    assert "没有存下" in refused.text
    assert reports(week) == []
    assert browser.post(path, data=typed).status_code == 303
    assert len(reports(week)) == 1
