"""`reminder db`: up to date, copied, put back."""

import sqlite3

import pytest
import time_machine

from reminder.errors import UsageError
from reminder.store import files
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


def test_r20_after_a_restore_nothing_is_sent_until_somebody_says_so(desk, tmp_path):
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-04 09:00")
    assert desk("db", "backup", tmp_path / "copy.db").code == 0
    desk.cycle("2021-06-07 09:00")
    with time_machine.travel(at("2021-06-07 12:00"), tick=False):
        assert desk("db", "restore", tmp_path / "copy.db", "--force").code == 0
        held = desk("run", "--once", "--json")
        assert (held.code, held.lines[0]["messages"]) == (1, {"held": 1, "sent": 2})  # the office: a notice, and Monday
        assert [line["recipient"] for line in desk("outbox", "--state", "held", "--json").lines] == ["建设局"]
        assert desk("run", "--once", "--json").lines[0]["messages"] == {"held": 1}
        assert desk("outbox", "release").code == 0
        assert desk("run", "--once", "--json").lines[0]["messages"] == {"sent": 1}
        assert desk("run", "--once").code == 0


def test_a_new_database_in_the_place_of_one_that_is_gone_is_no_restore(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-04 09:00")
    for part in desk.folder.glob("reminder.db*"):
        if not part.name.endswith(".cycle"):
            part.unlink()
    assert desk("db", "upgrade").code == 0
    desk.measure("74", "2021-06-10")
    assert desk.cycle("2021-06-07 09:00").messages["held"] == 0


class Careless(sqlite3.Connection):
    """Copies a database and changes one value on the way, as an ill disk does."""

    def backup(self, target, **kinds):
        super().backup(target, **kinds)
        target.execute("UPDATE measure SET text = text || ' '")
        target.commit()


def test_a_copy_that_is_not_the_same_is_no_copy(copied, tmp_path, monkeypatch):
    honest = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *words, **kinds: honest(*words, factory=Careless, **kinds))
    said = copied("db", "backup", tmp_path / "other.db")
    assert said.code == 2
    assert "not the same" in said.err
    assert not list(tmp_path.glob("other.db*"))


def test_what_was_put_back_is_compared_too(copied, tmp_path, monkeypatch):
    honest = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *words, **kinds: honest(*words, factory=Careless, **kinds))
    with pytest.raises(UsageError, match="not the same"):
        files.restore(copied.app().engine, tmp_path / "copy.db")


def test_a_copy_says_how_much_it_holds(copied, tmp_path):
    said = copied("db", "backup", tmp_path / "other.db")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        every = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        names = [name for (name,) in every if not name.startswith("measure_words")]  # an index, though SQLite's own
        rows = sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names)
    connection.close()
    assert f"{len(names)} 张表 {rows} 行" in said.out
