"""Signing in and out, being locked out, and what a proxy may vouch for."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager

import pytest
from sqlmodel import select

from reminder.gate import accounts
from reminder.gate.role import Person, Role
from reminder.store.engine import reading, writing
from reminder.store.gate_tables import SessionRow, UserRow
from tests.integration.web.conftest import NOW, PASSWORD, hidden


def test_whoever_is_not_signed_in_is_led_to_the_form_and_then_to_the_page_that_was_asked_for(house):
    browser = house.browser()
    led = browser.get("/?colour=red")
    assert (led.status_code, led.headers["location"]) == (303, "/login?next=/%3Fcolour%3Dred")
    form = browser.get(led.headers["location"])
    sent = {**hidden(form.text), "name": house.user(Role.VIEWER), "password": PASSWORD}
    assert browser.post("/login", data=sent).headers["location"] == "/?colour=red"
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "x", "/\r\nX: 1"])
def test_healthchecks_allow_redirect_signing_in_never_leads_to_another_site(house, elsewhere):
    browser = house.browser()
    sent = {**hidden(browser.get("/login").text), "name": house.user(Role.VIEWER), "password": PASSWORD}
    assert browser.post("/login", data={**sent, "to": elsewhere}).headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_name_are_told_alike(house):
    browser, name = house.browser(), house.user(Role.OFFICER)
    wrong, unknown = (house.sign_in(browser, who, "not the password") for who in (name, "nobody"))
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert (
        wrong.text.replace(name, "nobody").partition("<form method")[0].partition("csrf")[0]
        == (unknown.text.partition("<form method")[0].partition("csrf")[0])
    )
    assert "用户名或密码不对" in unknown.text


def test_five_failures_lock_the_name_for_that_address_for_a_quarter_of_an_hour(house):
    browser, name = house.browser(), house.user(Role.OFFICER)
    for _ in range(accounts.MOST_FAILURES):
        assert house.sign_in(browser, name, "wrong wrong wrong").status_code == 401
    locked = house.sign_in(browser, name, PASSWORD)
    assert (locked.status_code, "15 分钟" in locked.text) == (429, True)
    assert house.sign_in(house.browser(address="10.0.0.9"), name, PASSWORD).status_code == 303  # not for others
    house.clock.on(minutes=16)
    assert house.sign_in(browser, name, PASSWORD).status_code == 303


def test_signing_out_ends_the_session_in_the_database(house):
    browser = house.browser(Role.OFFICER)
    kept = dict(browser.cookies)
    left = browser.post("/logout", data=hidden(browser.get("/").text))
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    browser.cookies.update(kept)  # a copy of the cookie is worth nothing
    assert browser.get("/").status_code == 303
    with reading(house.engine) as session:
        assert session.exec(select(SessionRow)).all() == []


def test_a_session_ends_with_the_working_day_with_a_new_password_and_with_the_account(house):
    browser = house.browser(Role.OFFICER)
    house.clock.on(hours=9.9)
    assert browser.get("/").status_code == 200
    house.clock.on(hours=0.2)
    assert browser.get("/").status_code == 303
    browser = house.browser(Role.OFFICER)
    with writing(house.engine) as session:
        accounts.change_password(session, "officer-person", "another password", "en")
    assert browser.get("/").status_code == 303
    browser = house.browser(Role.VIEWER)
    with writing(house.engine) as session:
        accounts.remove(session, "viewer-person", "en")
    assert browser.get("/").status_code == 303


def test_the_cookie_is_bound_to_host_and_https_where_the_public_address_is_https(house):
    house.desk.write(
        "reminder.toml",
        house.desk.read("reminder.toml").replace("[office]\n", '[office]\npublic_url = "https://testserver"\n'),
    )
    house.reload()
    browser = house.browser()
    shown = browser.get("/login")
    sent = {**hidden(shown.text), "name": house.user(Role.VIEWER), "password": PASSWORD}
    visit = shown.headers["set-cookie"].partition(";")[0]
    done = browser.post("/login", data=sent, headers={"Cookie": visit})
    cookie = next(value for value in done.headers.get_list("set-cookie") if "session" in value)
    assert cookie.startswith("__Host-session=")
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie


def test_neither_passwords_nor_cookies_stand_in_the_database(house):
    browser = house.browser(Role.OFFICER)
    with reading(house.engine) as session:
        stored = str(session.exec(select(UserRow)).all()) + str(session.exec(select(SessionRow)).all())
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in stored
    assert PASSWORD not in stored
    assert browser.cookies["session"] not in stored


@pytest.fixture
def behind_proxy(house):
    text = house.desk.read("reminder.toml")
    house.desk.write("reminder.toml", text + 'user_header = "X-Remote-User"\nproxies = ["10.0.0.1", "10.1.0.0/16"]\n')
    house.reload()
    return house


def test_a_proxy_vouches_from_its_own_address_only(behind_proxy):
    name = behind_proxy.user(Role.OFFICER)
    vouched = {"X-Remote-User": name}
    assert behind_proxy.browser(address="10.0.0.1").get("/", headers=vouched).status_code == 200
    assert behind_proxy.browser(address="10.1.7.7").get("/", headers=vouched).status_code == 200
    for elsewhere in ("10.0.0.2", "127.0.0.1", "testclient"):
        assert behind_proxy.browser(address=elsewhere).get("/", headers=vouched).status_code == 303
    stranger = behind_proxy.browser(address="10.0.0.1").get("/", headers={"X-Remote-User": "stranger"})
    assert stranger.status_code == 303


def test_a_name_vouched_for_may_be_chinese(behind_proxy):
    with writing(behind_proxy.engine) as session:
        accounts.add(session, Person("张三", Role.VIEWER), "", NOW, "en")
    client = behind_proxy.browser(address="10.0.0.1")
    assert "张三" in client.get("/", headers={"X-Remote-User": "张三".encode()}).text
    assert behind_proxy.sign_in(behind_proxy.browser(), "张三", "").status_code == 401  # it has no password


def test_a_forged_forwarded_address_does_not_escape_the_lock(house):
    name = house.user(Role.OFFICER)
    for n in range(accounts.MOST_FAILURES):
        browser = house.browser()
        shown = hidden(browser.get("/login").text)
        sent = {**shown, "name": name, "password": "wrong wrong"}
        browser.post("/login", data=sent, headers={"X-Forwarded-For": f"9.9.9.{n}"})
    assert house.sign_in(house.browser(), name, PASSWORD).status_code == 429


@contextmanager
def planned(house):
    """As while a daemon plans a country's Monday: nobody else writes into the database."""
    with closing(sqlite3.connect(house.engine.url.database, isolation_level=None)) as daemon:
        daemon.execute("BEGIN IMMEDIATE")
        house.door.patience = 0.0
        yield
        daemon.execute("COMMIT")
    end = time.monotonic() + 300
    while house.door._changes and time.monotonic() < end:
        time.sleep(0.05)


def kept_sessions(house):
    with reading(house.engine) as session:
        return len(session.exec(select(SessionRow)).all())


def test_while_the_daemon_plans_people_sign_in_and_look(house):
    name = house.user(Role.OFFICER)
    with planned(house):
        browser = house.browser()
        assert house.sign_in(browser, name, PASSWORD).status_code == 303
        assert browser.get("/").status_code == 200
        assert kept_sessions(house) == 0
    assert kept_sessions(house) == 1
    assert browser.get("/measures").status_code == 200


def test_while_the_daemon_plans_failures_lock_all_the_same(house):
    name = house.user(Role.OFFICER)
    with planned(house):
        browser = house.browser()
        for _ in range(accounts.MOST_FAILURES):
            assert house.sign_in(browser, name, "wrong wrong wrong").status_code == 401
        assert house.sign_in(browser, name, PASSWORD).status_code == 429
    assert house.sign_in(browser, name, PASSWORD).status_code == 429


def test_while_the_daemon_plans_signing_out_counts_at_once(house):
    browser = house.browser(Role.OFFICER)
    kept = dict(browser.cookies)
    with planned(house):
        assert browser.post("/logout", data=hidden(browser.get("/").text)).status_code == 303
        browser.cookies.update(kept)
        assert browser.get("/").status_code == 303
    assert browser.get("/").status_code == 303
    assert kept_sessions(house) == 0


def test_a_session_that_was_not_written_yet_ends_with_its_password(house):
    name = house.user(Role.OFFICER)
    with closing(sqlite3.connect(house.engine.url.database, isolation_level=None)) as daemon:
        daemon.execute("BEGIN IMMEDIATE")
        house.door.patience = 0.0
        browser = house.browser()
        assert house.sign_in(browser, name, PASSWORD).status_code == 303
        daemon.execute("UPDATE account SET password = 'another' WHERE name = ?", [name])
        daemon.execute("COMMIT")
    house.door.patience = 600
    house.door.sign_out(house.engine, "")  # waits for its turn behind the other
    assert browser.get("/").status_code == 303
    assert kept_sessions(house) == 0
