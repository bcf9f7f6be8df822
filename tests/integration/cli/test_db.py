"""`reminder db`: up to date, copied, put back."""

import sqlite3

import pytest
import time_machine

from tests.makers import at

LATER = "2021-06-07 12:00"


@pytest.fixture
def copied(desk, tmp_path):
    """A desk with a copy of its database from before the first cycle, and a cycle since then."""
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-07 09:00")
    assert desk("db", "backup", tmp_path / "copy.db").code == 0
    desk.cycle("2021-06-07 10:00")
    return desk


def test_upgrade_makes_the_database(bare):
    assert bare("status").code == 2
    assert bare("db", "upgrade").code == 0
    assert bare("outbox").code == 0


def test_a_copy_holds_everything_and_overwrites_nothing(copied, tmp_path):
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        assert connection.execute("SELECT state FROM message").fetchall() == [("sent",)]
    connection.close()
    said = copied("db", "backup", tmp_path / "copy.db")
    assert said.code == 2
    assert "copy.db" in said.err
    assert copied("db", "backup", tmp_path / "nowhere" / "copy.db").code == 2


def test_a_newer_database_is_replaced_only_by_force_and_kept(copied, tmp_path):
    with time_machine.travel(at(LATER), tick=False):
        refused = copied("db", "restore", tmp_path / "copy.db")
        assert refused.code == 2
        assert "10:00:00" in refused.err
        assert copied("db", "restore", tmp_path / "copy.db", "--force").code == 0
        assert copied("status", "--json").lines[0]["last_cycle_at"] == "2021-06-07T09:00:00+08:00"
    assert len(list(copied.folder.glob("reminder.db.2021*Z"))) == 1


def test_a_database_in_use_is_left_alone(copied, tmp_path):
    with time_machine.travel(at("2021-06-07 10:01"), tick=False):
        said = copied("db", "restore", tmp_path / "copy.db")
    assert said.code == 2
    assert "正在运行" in said.err


def test_where_there_is_none_the_copy_becomes_the_database(copied, tmp_path):
    (copied.folder / "reminder.db").unlink()
    assert copied("db", "restore", tmp_path / "copy.db").code == 0
    assert len(copied("outbox", "--json").lines) == 1


def test_a_damaged_database_is_set_aside(copied, tmp_path):
    (copied.folder / "reminder.db").write_bytes(b"no database at all")
    assert copied("db", "restore", tmp_path / "copy.db", "--force").code == 0
    assert len(copied("outbox", "--json").lines) == 1
    (kept,) = copied.folder.glob("reminder.db.*Z")
    assert kept.read_bytes() == b"no database at all"


@pytest.mark.parametrize("content", [b"", b"text", b"SQLite format 3\x00 and no more"])
def test_what_is_no_database_is_not_restored(desk, tmp_path, content):
    (tmp_path / "copy.db").write_bytes(content)
    before = (desk.folder / "reminder.db").read_bytes()
    assert desk("db", "restore", tmp_path / "copy.db", "--force").code == 2
    assert (desk.folder / "reminder.db").read_bytes() == before
    assert desk("db", "restore", tmp_path / "missing.db").code == 2
