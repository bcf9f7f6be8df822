"""In a real browser, against the real daemon on the real ledger of 2021: the week of a unit and of the office.

With REMINDER_SCREENSHOTS=DIR each page that is looked at is saved as a picture.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.office import LEDGER, PASSWORD, Office, Watched, chromium, faketime, link_in, plain, set_up, until

MISSING = [what for what, found in (("chromium", chromium()), ("libfaketime", faketime())) if not found]
pytestmark = [
    pytest.mark.skipif(bool(MISSING) and not os.environ.get("CI"), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
UNIT, OTHER = "建设局", "财政局"
PAGES = [
    *("/", "/measures", "/measures?colour=red", "/measures/1", "/messages", "/messages/1", "/reports", "/letters"),
    *("/silences", "/pictures", "/calendar", "/rules", "/preview", "/upload"),
]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield chrome
        chrome.close()


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """The folder of an office whose daemon has never run: each test has a copy, for founding one takes many seconds."""
    return set_up(tmp_path_factory.mktemp("founded") / "office")


@pytest.fixture
def office(tmp_path, founded):
    made = Office(shutil.copytree(founded, tmp_path / "office"))
    yield made
    made.sleep()


@pytest.fixture(params=[390, 1280], ids=["phone", "desktop"])
def reader(request, browser, office):
    """Somebody's browser; nothing it shows may err in the console or be fetched from elsewhere."""
    watched = Watched(browser, office, request.param)
    yield watched
    assert watched.foreign == []
    assert watched.errors == []
    watched.context.close()


def look(reader: Watched, name: str) -> None:
    """The page has no serious fault for anybody; saves its picture where somebody wants to see it."""
    if folder := os.environ.get("REMINDER_SCREENSHOTS"):
        width = reader.page.viewport_size["width"]
        reader.page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    assert reader.faults() == []


def test_a_unit_reports_from_its_message_and_the_office_sees_it(office, reader):
    page, mine, other = reader.page, office.mail_to(UNIT), office.mail_to(OTHER)

    # Monday: the message comes, its link opens this unit's week
    office.wake("2021-05-10 09:00:05")
    until(lambda: office.letters(mine) and office.letters(other), "Monday's letters")
    page.goto(link_in(office.letters(mine)[-1]))
    expect(page.get_by_role("heading", level=1)).to_contain_text(UNIT)
    look(reader, "unit")

    # the week is reported: one measure touched and claimed, the others as they are
    first = page.locator("article").first
    text = first.locator(".code").inner_text()
    first.locator("summary").first.click()
    first.locator("input[type=number]").fill("100")
    first.locator("textarea").first.fill("审批流程已更新并公布")
    first.locator("input[type=radio][value=claim]").check()
    page.locator("#send").click()
    expect(page.get_by_text("本周周报已收到")).to_be_visible()
    look(reader, "unit-sent")

    # Friday's reminder and the next Monday's chase come to the others only
    page.goto("about:blank")  # nothing is asked of a daemon that is being started anew
    office.wake("2021-05-14 17:00:05")
    until(lambda: len(office.letters(other)) > 1, "the reminder of those who have not reported")
    office.wake("2021-05-17 09:00:05")
    until(lambda: "周报告未收到" in plain(office.letters(other)[-1]), "the chase of those who have not reported")
    until(lambda: len(office.letters(mine)) > 1, "the unit's next Monday letter")
    since = [plain(letter) for letter in office.letters(mine)[1:]]
    assert not any("周报告未收到" in letter or "周报告待报送" in letter for letter in since)
    assert not any(f"  {text}  " in letter for letter in since), "what is claimed is not chased"

    # the desk shows it; the claim is confirmed there
    reader.sign_in(office, "张三")
    expect(page.get_by_role("heading", level=1)).to_contain_text("今日")
    page.get_by_role("link", name=text).first.click()
    expect(page.get_by_text("审批流程已更新并公布").first).to_be_visible()
    page.locator("summary", has_text="销号").first.click()
    form = page.locator("form", has=page.locator("input[name=act][value=write_off]"))
    form.get_by_label("事由、依据").fill("现场核实，已公布")
    form.get_by_role("button", name="销号").click()
    expect(page.get_by_text("已登记：销号")).to_be_visible()
    page.goto(f"{office.url}/reports?week=2021-W19")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=UNIT, exact=True))
    expect(row).to_contain_text("已报")

    # the reminders of it have stopped
    page.goto("about:blank")
    office.wake("2021-05-24 09:00:05")
    until(lambda: len(office.letters(mine)) > 2, "the letter of the Monday after")
    assert f"  {text}  " not in plain(office.letters(mine)[-1])
    page.goto(f"{office.url}/reports?week=2021-W20")
    look(reader, "reports")


@pytest.mark.parametrize("reader", [1280], ids=["desktop"], indirect=True)
def test_fusionauth_629_a_scanner_that_runs_scripts_and_waits_reports_nothing(office, reader):
    """A page that sent its form by itself was sent by scanners too, and the person's link was used up."""
    sent = []
    reader.page.on("request", lambda request: sent.append(request) if request.method != "GET" else None)
    office.wake("2021-05-10 09:00:05")
    until(lambda: office.letters(office.mail_to(UNIT)), "Monday's letter")
    link = link_in(office.letters(office.mail_to(UNIT))[-1])
    for _ in range(2):
        reader.page.goto(link, wait_until="networkidle")
        reader.page.mouse.move(50, 50)
        reader.page.evaluate("window.dispatchEvent(new Event('focus')); window.dispatchEvent(new Event('pagehide'))")
        reader.page.wait_for_timeout(1000)
    assert sent == []
    assert "received" not in office.command("reports", "--week", "2021-W19", "--json")
    reader.page.locator("#send").click()
    expect(reader.page.get_by_text("本周周报已收到")).to_be_visible()
    assert len(sent) == 1


def test_the_desk_is_usable_by_everybody_and_takes_a_changed_ledger(office, reader, tmp_path):
    office.command("run", "--once", "--now", "2021-05-10T09:00")
    office.wake()
    reader.sign_in(office, "张三")
    for path in PAGES:
        assert reader.page.goto(office.url + path).status == 200, path
        look(reader, path.strip("/").replace("/", "-").replace("?", "-") or "desk")

    book = openpyxl.load_workbook(LEDGER)
    sheet = book.worksheets[0]
    cell = next(cell for row in sheet.iter_rows() for cell in row if cell.value == "更新建设局审批流程")
    cell.value = "更新建设局审批流程并上网公布"
    book.save(tmp_path / "改过的台账.xlsx")
    page = reader.page
    page.goto(f"{office.url}/upload")
    page.get_by_label("台账文件").set_input_files(tmp_path / "改过的台账.xlsx")
    page.get_by_role("button", name="看差别").click()
    expect(page.get_by_text("更新 1", exact=False).first).to_be_visible()
    look(reader, "uploaded")
    assert "上网公布" not in office.command("measures")
    page.get_by_role("button", name="导入").click()
    expect(page.get_by_role("heading", name="已导入")).to_be_visible()
    assert "上网公布" in office.command("measures", "--json")


def test_who_guesses_passwords_is_locked_out_and_who_only_looks_may_not_act(office, reader):
    office.wake()
    reader.sign_in(office, "李四")
    expect(reader.page.get_by_role("heading", level=1)).to_contain_text("今日")
    reader.page.goto(f"{office.url}/measures/1")
    expect(reader.page.get_by_role("heading", name="办理")).to_have_count(0)
    reader.page.get_by_role("button", name="退出登录").click()
    for _ in range(5):
        reader.sign_in(office, "张三", "wrong horse battery")
    reader.sign_in(office, "张三", PASSWORD)
    expect(reader.page.get_by_role("alert")).to_contain_text("15 分钟")
    look(reader, "locked")
    reader.errors.clear()  # the browser itself tells of 401 and 429: these answers are what is asked for
