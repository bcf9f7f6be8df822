"""`reminder check`: all faults at once, what was understood, what goes next."""

import re

import pytest
import time_machine

from reminder.rules.calendar import published_years
from tests.makers import at

_LINE = re.compile(r"[\w.\-/]+:\d+:\d+: .+: .+")


@pytest.fixture(autouse=True)
def _june():
    with time_machine.travel(at("2021-06-01 08:00"), tick=False):
        yield


def test_tells_every_fault_on_one_line_and_ends_with_2(bare):
    bare.append("rules.toml", '[[rule]]\nname = "x"\nkind = "nudg"\non = "monday"\n')
    bare.append("units.toml", 'emial = ["a@example.org"]\n')
    said = bare("check")
    assert said.code == 2
    lines = said.err.splitlines()
    assert len(lines) == 2
    assert all(_LINE.fullmatch(line) for line in lines)
    assert "did you mean 'nudge'" in said.err
    assert "did you mean 'email'" in said.err


def test_json_goes_to_stdout_also_with_errors(bare):
    bare.append("units.toml", 'emial = ["a@example.org"]\n')
    said = bare("check", "--json")
    assert said.code == 2
    (fault,) = said.lines[0]["faults"]
    assert set(fault) == {"file", "line", "column", "key", "message", "severity"}
    assert (fault["file"], fault["severity"]) == ("units.toml", "error")


def test_a_missing_folder_is_told_file_by_file(bare, tmp_path):
    bare.folder = tmp_path / "nowhere"
    said = bare("check")
    assert said.code == 2
    assert len(said.err.splitlines()) == 4


def test_without_a_database_the_rules_days_are_told(bare):
    said = bare("check", "--json")
    assert said.code == 0
    told = said.lines[0]
    assert (told["rules"], told["units"], told["posts"], told["channels"]) == (3, 2, 1, 1)
    assert told["measures"] is None
    assert told["occasions"][0] == {"at": "2021-06-07T09:00:00+08:00", "rule": "weekly-nudge", "recipient": ""}
    assert not (bare.folder / "reminder.db").exists()


def test_the_next_ten_occasions_come_from_the_plan(desk):
    desk.measure("73", "2021-06-10")
    told = desk("check", "--json").lines[0]
    assert told["measures"] == 1
    assert len(told["occasions"]) == 10
    assert told["occasions"][0] == {"at": "2021-06-03T09:00:00+08:00", "rule": "approaching", "recipient": "建设局"}
    assert "建设局" in desk("check").out


def test_units_and_posts_of_the_ledger_that_nobody_can_write_to(desk):
    desk.measure("1", "2021-06-10", "水务局", leader="分管水务副主任")
    desk.measure("2", "2021-06-10", "卫健局", status="written_off")
    said = desk("check")
    assert said.code == 1
    assert len(said.err.splitlines()) == 2
    assert "水务局" in said.err
    assert "分管水务副主任" in said.err
    assert "卫健局" not in said.err


def test_a_broken_template_is_an_error_at_its_line(desk):
    own = desk.folder / "templates" / "zh_CN"
    own.mkdir(parents=True)
    (own / "nudge.text.txt").write_text("好\n{{ nothing }}\n", encoding="utf-8")
    said = desk("check")
    assert said.code == 2
    assert said.err.startswith("templates/zh_CN/nudge.text.txt:2:1: nudge.text.txt: ")


def test_the_next_year_is_missed_from_november_on_and_fails_nothing(desk):
    with time_machine.travel(at("2026-10-31"), tick=False):
        assert desk("check", "--json").lines[0]["faults"] == []
    with time_machine.travel(at("2026-11-01"), tick=False):
        said = desk("check", "--json")
    assert said.code == 0
    assert [(fault["key"], fault["severity"]) for fault in said.lines[0]["faults"]] == [
        ("calendar.covered_years", "warning")
    ]


def test_a_secret_that_is_not_set_needs_a_person(desk):
    desk.append("channels.toml", '[channel.hook]\nkind = "webhook"\nurl = { env = "NO_SUCH_URL" }\n')
    said = desk("check")
    assert said.code == 1
    assert "NO_SUCH_URL" in said.err


def test_from_november_on_everybody_says_that_next_year_is_missing(desk):
    """It is 2026; the notice for 2027 comes in these weeks. A plan into January works all the same, and says so."""
    missing = max(published_years()) + 1
    desk.measure("73", f"{missing}-01-15")
    autumn = f"{missing - 1}-10-31 10:00", f"{missing - 1}-11-01 10:00"
    for moment, told in zip(autumn, (False, True), strict=True):
        with time_machine.travel(at(moment), tick=False):
            faults = desk("check", "--json").lines[0]["faults"]
            assert any(str(missing) in fault["message"] for fault in faults) is told
            assert any(str(missing) in problem for problem in desk("status", "--json").lines[0]["problems"]) is told
    lines = desk("plan", "--from", f"{missing}-01-04", "--to", f"{missing}-01-31", "--json").lines
    assert {line["provisional"] for line in lines} == {True}
    assert {line["kind"] for line in lines} == {"before", "due", "nudge", "overdue"}
    desk.append("reminder.toml", f"[calendar]\ncovered_years = [{missing}]\n")
    with time_machine.travel(at(autumn[1]), tick=False):
        assert not any(str(missing) in problem for problem in desk("status", "--json").lines[0]["problems"])
    lines = desk("plan", "--from", f"{missing}-01-04", "--to", f"{missing}-01-31", "--json").lines
    assert {line["provisional"] for line in lines} == {False}
