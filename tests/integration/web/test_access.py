"""Who may come in where: every route, every role; headers on every answer; forms from elsewhere."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, Depends
from sqlmodel import SQLModel

from reminder.gate.role import Role
from reminder.store.engine import reading
from reminder.web.access import Anyone, Bearer, Signed, anyone, needs, viewer
from reminder.web.headers import HEADERS
from tests.integration.web.conftest import hidden

EXAMPLES = {"name": "reminder.css", "token": "1-aaaaaaaaaaaaaaaaaaaaaaaa", "code": "1"}


def filled(path):
    """The path with an example in each of its places."""
    for name, example in EXAMPLES.items():
        path = path.replace(f"{{{name}}}", example)
    return path


def dump(engine):
    """Every row of every table."""
    with reading(engine) as session:
        return {
            table.name: sorted(map(repr, session.connection().execute(table.select()).all()))
            for table in SQLModel.metadata.sorted_tables
        }


def test_every_route_lets_in_whom_it_declares_and_nobody_else(house):
    table = needs(house.served)
    assert len(table) > 5
    gaps = []
    for role in (None, *Role):
        for (method, path), need in table.items():
            browser = house.browser(role)  # anew: /logout is among the routes
            headers = house.token(role) if role and isinstance(need, Bearer) else {}
            fields = hidden(browser.get("/login" if role is None else "/").text) if method == "POST" else None
            answer = browser.request(method, filled(path), headers=headers, data=fields)
            let_in = answer.status_code not in (401, 403) and not answer.headers.get("location", "").startswith(
                "/login?next="
            )
            meant = isinstance(need, Anyone)
            if isinstance(need, Signed | Bearer):  # a link that nobody was sent lets nobody in, whatever their role
                meant = role is not None and role.may(need.role)
            refused_otherwise = path == "/login" and method == "POST"  # answers 401 to an empty password itself
            if let_in != meant and not refused_otherwise:
                gaps.append((role, method, path, answer.status_code))
    assert gaps == []


def test_a_route_without_a_need_or_with_two_does_not_start(house):
    forgetful, doubtful = APIRouter(), APIRouter(dependencies=[Depends(anyone), Depends(viewer)])
    forgetful.get("/forgotten")(lambda: None)
    doubtful.get("/doubtful")(lambda: None)
    for router, told in ((forgetful, "declares 0"), (doubtful, "declares 2")):
        before = list(house.served.router.routes)
        house.served.router.routes.extend(router.routes)
        with pytest.raises(TypeError, match=told):
            needs(house.served)
        house.served.router.routes[:] = before


def test_looking_changes_nothing(house):
    people = [house.browser(role) for role in (None, *Role)]
    before = dump(house.engine)
    for browser in people:
        for _, path in needs(house.served):
            for method in ("GET", "HEAD", "OPTIONS"):
                browser.request(method, filled(path))
    assert dump(house.engine) == before


def test_the_dump_would_tell_a_change(house):
    before = dump(house.engine)
    house.user(Role.VIEWER)
    assert dump(house.engine) != before


def test_every_answer_carries_the_security_headers(house):
    browser = house.browser(Role.ADMINISTRATOR)
    answers = [browser.request(m, filled(path)) for m, path in needs(house.served)]
    answers += [browser.get("/nowhere"), browser.post("/"), browser.get("/api/v1/nowhere")]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "null"},
    ],
)
def test_a_form_sent_from_another_site_is_refused(house, headers):
    browser = house.browser(Role.OFFICER)
    sent = hidden(browser.get("/").text)
    refused = browser.post("/logout", data=sent, headers=headers)
    assert (refused.status_code, "别的网站" in refused.text) == (403, True)
    assert browser.get("/").status_code == 200
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}  # what our own Referrer-Policy makes of it
    assert browser.post("/logout", data=sent, headers=own).status_code == 303


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_its_token_is_refused(house, token):
    browser = house.browser(Role.OFFICER)
    assert browser.post("/logout", data={} if token is None else {"csrf": token}).status_code == 403
    assert browser.get("/").status_code == 200


def test_a_token_of_another_session_is_refused(house):
    mine, other = house.browser(Role.OFFICER), house.browser(Role.VIEWER)
    assert mine.post("/logout", data=hidden(other.get("/").text)).status_code == 403


def test_a_body_beyond_bounds_is_cut_whatever_its_headers_say(house):
    def drops():
        for _ in range(14):
            yield b"a" * 2**20

    browser = house.browser()
    sent = browser.post("/login", content=drops(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert sent.status_code == 413


def test_a_failure_is_one_sentence_in_the_readers_language(house):
    browser = house.browser()
    assert "没有这个页面" in browser.get("/nowhere").text
    assert "There is no such page" in browser.get("/nowhere?lang=en").text
    assert "There is no such page" in browser.get("/nowhere").text  # the choice is kept
    assert browser.get("/login?lang=zh_CN").text.count("登录") > 1
    assert browser.get("/api/v1/nowhere").json() == {"error": "没有这个页面。"}


def test_what_breaks_is_told_without_its_innards(house, monkeypatch, caplog):
    monkeypatch.setattr("reminder.web.desk.page", lambda *_, **__: 1 / 0)
    broken = house.browser(Role.OFFICER).get("/")
    assert broken.status_code == 500
    assert "系统出了故障" in broken.text
    assert "Traceback" not in broken.text
    assert "ZeroDivisionError" in caplog.text


def test_head_is_answered_like_get_without_a_body(house):
    browser = house.browser()
    head, got = browser.head("/login"), browser.get("/login")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_signed_is_what_the_matrix_expects_of_the_desk(house):
    assert isinstance(needs(house.served)["GET", "/"], Signed)


def test_a_number_that_no_row_can_have_is_no_page_and_no_failure(house):
    browser = house.browser(Role.ADMINISTRATOR)
    for path in ("/measures/99999999999999999999", "/messages/2147483648", "/messages/0", "/measures/x"):
        shown = browser.get(path)
        assert (shown.status_code, "没有这个页面" in shown.text) == (404, True), path
