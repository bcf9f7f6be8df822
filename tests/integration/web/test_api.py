"""The API: what programs may see and record, with which token; and the calendars under signed addresses."""

from __future__ import annotations

import pytest

from reminder.gate import feeds, tokens
from reminder.gate.role import Role
from reminder.store.engine import reading, writing
from tests.integration.web.conftest import NOW, letters, link_in
from tests.integration.web.test_unit_page import events, measure, reports

API = "/api/v1"


@pytest.fixture
def looks(week):
    client = week.browser()
    client.headers.update(week.token(Role.VIEWER))
    return client


@pytest.fixture
def records(week):
    client = week.browser()
    client.headers.update(week.token(Role.OFFICER))
    return client


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}])
def test_without_a_token_it_says_401_and_how(week, headers):
    for path in ("measures", "reports", "plan", "explain", "messages"):
        refused = week.browser().get(f"{API}/{path}", headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_a_session_of_the_pages_is_no_token(week):
    assert week.browser(Role.ADMINISTRATOR).get(f"{API}/measures").status_code == 401


def test_a_revoked_token_is_no_token_and_none_stands_in_the_database(week, looks):
    assert looks.get(f"{API}/measures").status_code == 200
    with writing(week.engine) as session:
        [kept] = tokens.everything(session)
        assert looks.headers["authorization"].removeprefix("Bearer ") not in str(kept)
        tokens.revoke(session, kept.id, NOW, "en")
    assert looks.get(f"{API}/measures").status_code == 401


def test_measures_are_told_as_the_command_tells_them(week, looks):
    told = looks.get(f"{API}/measures").json()
    assert [one["code"] for one in told["measures"]] == ["1", "2", "3", "9"]
    as_command = week.desk("measures", "--json").lines
    for one in (*told["measures"], *as_command):
        del one["colour"]  # the command's are those of another day
    assert told["measures"] == as_command
    assert [one["code"] for one in looks.get(f"{API}/measures?unit=区建设局").json()["measures"]] == ["1", "2", "3"]
    first = looks.get(f"{API}/measures?limit=2").json()
    rest = looks.get(f"{API}/measures", params={"limit": 2, "after": first["next"]}).json()
    assert [one["code"] for one in rest["measures"]] == ["3", "9"]
    assert rest["next"] is None


def test_progress_is_recorded_with_who_and_through_what(week, records, looks):
    said = {"percent": 40, "text": "已开工", "by": "王五"}
    assert looks.post(f"{API}/measures/1/progress", json=said).status_code == 403
    assert records.post(f"{API}/measures/1/progress", json=said).json()["percent"] == 40
    [event] = events(week, "1")
    assert (event.by, event.facts["via"]) == ("王五", "api:program")
    assert looks.get(f"{API}/measures/1").json()["history"][0]["act"] == "progress"
    assert records.post(f"{API}/measures/77/progress", json=said).status_code == 409
    assert records.post(f"{API}/measures/1/progress", json={"percent": 400, "text": "x"}).status_code == 422
    assert measure(week, "1").percent == 40


def test_a_measure_is_handed_over_and_the_clock_runs_on(week, records, looks):
    said = {"unit": "财政局", "because": "职责在财政局", "by": "王五"}
    assert looks.post(f"{API}/measures/2/hand-over", json=said).status_code == 403
    told = records.post(f"{API}/measures/2/hand-over", json=said).json()
    assert (told["units"], told["deadline"]["date"]) == (["财政局"], "2021-05-31")
    [event] = events(week, "2")
    assert (event.act, event.by, event.facts["via"], event.facts["was_unit"]) == (
        "hand_over",
        "王五",
        "api:program",
        "建设局",
    )
    week.desk.cycle("2021-06-08 09:00")
    assert "措施2" in letters(week)["财政局"][-1]
    for refused in ({**said, "unit": "没有的局"}, said, {**said, "instead_of": "没有的局", "unit": "建设局"}):
        assert records.post(f"{API}/measures/2/hand-over", json=refused).status_code == 409
    for unread in ({"unit": "财政局"}, {**said, "on": "nonsense"}, {**said, "more": 1}):
        assert records.post(f"{API}/measures/1/hand-over", json=unread).status_code == 422


def test_reports_are_recorded_once_and_listed(week, records):
    said = {"unit": "区建设局", "week": "2021-06-07", "submitted_at": "2021-06-07T10:00:00+08:00"}
    assert [records.post(f"{API}/reports", json=said).json()["new"] for _ in range(2)] == [True, False]
    assert len(reports(week)) == 1
    told = {one["unit"]: one["state"] for one in records.get(f"{API}/reports?week=2021-W23").json()["reports"]}
    assert told == {"建设局": "received", "财政局": "missing"}


def test_plan_explain_and_messages(week, looks):
    planned = looks.get(f"{API}/plan", params={"from": "2021-06-07", "to": "2021-06-08"}).json()["reminders"]
    assert {one["kind"] for one in planned} >= {"nudge", "overdue"}
    answers = looks.get(f"{API}/explain", params={"measure": "2", "from": "2021-06-07"}).json()["answers"]
    assert {one["state"] for one in answers if one["fired"]} == {"sent"}
    sent = looks.get(f"{API}/messages?state=sent").json()["messages"]
    assert [one["recipient"] for one in sent] == ["建设局", "财政局"]
    assert looks.get(f"{API}/plan?from=2021-01-01&to=2021-12-31").status_code == 409
    assert looks.get(f"{API}/messages?state=nonsense").status_code == 422


def test_it_describes_itself(week):
    told = week.browser().get(f"{API}/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert set(told["paths"]) == {
        f"{API}/{path}"
        for path in (
            "measures",
            "measures/{code}",
            "measures/{code}/progress",
            "measures/{code}/hand-over",
            "reports",
            "plan",
            "explain",
            "messages",
        )
    }


def test_a_units_page_leads_to_its_calendar_and_only_to_its_own(week):
    browser = week.browser()
    page = browser.get(link_in(letters(week)["建设局"][0])).text
    path = page.partition('<a href="/calendar/')[2].partition('"')[0]
    got = browser.get(f"/calendar/{path}")
    assert got.headers["content-type"].startswith("text/calendar")
    unfolded = got.text.replace("\r\n ", "")
    assert "DTSTART;VALUE=DATE:20210610" in unfolded
    assert "硬化<b>道路</b>" in unfolded
    assert "20210630" not in unfolded  # 财政局's
    assert max(len(line.encode()) for line in got.text.split("\r\n")) <= 75
    wrong = path.replace(".ics", "")[:-1] + ("a" if path[-5] != "a" else "b")
    assert browser.get(f"/calendar/{wrong}.ics").status_code == 404


def test_the_offices_calendar_has_everything_until_its_address_is_renewed(week):
    with reading(week.engine) as session:
        path = feeds.path(session, week.app.key, "office")
    assert week.browser().get(path).text.count("BEGIN:VEVENT") == 3  # the undated one has no day
    with writing(week.engine) as session:
        feeds.renew(session, "office", "管理员", NOW)
    assert week.browser().get(path).status_code == 404


def test_a_text_that_looks_like_calendar_lines_stays_a_text(week):
    week.desk.measure("5", "2021-07-01", text="a\r\nEND:VEVENT\r\nBEGIN:VEVENT;x,y\\z")
    with reading(week.engine) as session:
        path = feeds.path(session, week.app.key, "office")
    text = week.browser().get(path).text.replace("\r\n ", "")
    assert text.count("BEGIN:VEVENT\r\n") == text.count("END:VEVENT\r\n") == 4
    assert "BEGIN:VEVENT\\;x\\,y\\\\z" in text
