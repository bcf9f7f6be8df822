"""Users, tokens and links on the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from reminder.cli import app as command_line


def typed(desk, text, *words):
    return CliRunner().invoke(command_line, ["--config", str(desk.folder), *words], input=text)


def test_users_are_added_listed_changed_and_removed(desk):
    assert typed(desk, "a long password\n", "user", "add", "张三", "--role", "administrator").exit_code == 0
    assert desk("user", "add", "李四", "--proxy").code == 0
    assert desk("user", "list", "--json").lines == [
        {"name": "张三", "role": "administrator", "password": True},
        {"name": "李四", "role": "officer", "password": False},
    ]
    assert typed(desk, "another password\n", "user", "passwd", "李四").exit_code == 0
    assert "密码" in desk("user", "list").out
    assert desk("user", "remove", "张三").code == 0
    assert [one["name"] for one in desk("user", "list", "--json").lines] == ["李四"]


@pytest.mark.parametrize("password", ["", "\n", "short\n", "a" * 201 + "\n"])
def test_a_password_too_short_or_too_long_is_refused(desk, password):
    assert typed(desk, password, "user", "add", "张三").exception is not None
    assert desk("user", "list", "--json").lines == []


def test_a_name_that_is_taken_or_unknown_is_told(desk):
    desk("user", "add", "张三", "--proxy")
    assert "已有用户“张三”" in desk("user", "add", " 张三 ", "--proxy").err
    assert "没有用户“王五”" in desk("user", "remove", "王五").err
    assert desk("user", "add", "王五", "--proxy", "--role", "boss").code == 2


def test_a_token_is_shown_once_and_can_be_revoked(desk):
    made = json.loads(desk("token", "add", "dashboard", "--json").out)
    assert made["token"].startswith("rmd_")
    listed = desk("token", "list", "--json")
    assert made["token"] not in listed.out
    [one] = listed.lines
    assert (one["name"], one["role"], one["revoked_at"]) == ("dashboard", "viewer", None)
    assert desk("token", "revoke", str(one["id"])).code == 0
    assert desk("token", "revoke", str(one["id"])).code == 2


def test_links_are_ended_and_calendars_have_addresses(desk):
    desk.measure("1", "2021-06-10")
    assert "没有编号为“R-7”的信" in desk("link", "revoke", "R-7").err
    assert "public_url" in desk("link", "feed", "office").err
    settings = desk.read("reminder.toml")
    desk.write("reminder.toml", settings.replace("[office]\n", '[office]\npublic_url = "https://r.example.org/"\n'))
    desk.cycle("2021-06-07 09:00")
    assert desk("link", "revoke", "R-1", "--by", "张三").code == 0
    first = desk("link", "feed", "区建设局").out
    assert first.startswith("https://r.example.org/calendar/")
    assert desk("link", "feed", "建设局").out == first
    assert desk("link", "feed", "建设局", "--renew").out.strip().endswith(".ics")
    assert desk("link", "feed", "建设局").out != first
