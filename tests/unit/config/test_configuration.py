"""What a loaded configuration answers."""

from __future__ import annotations

import os
import shutil
from datetime import date, datetime, time
from pathlib import Path

import pytest

from reminder.config.configuration import Configuration, resolved
from reminder.config.example import write_example
from reminder.config.load import inspect, load
from reminder.config.models import Columns
from reminder.errors import UsageError
from reminder.ledger.headers import NAMES
from reminder.resources import data_dir
from reminder.rules.when import Distance

CONTRACT = Path(__file__).parents[2] / "data" / "contract_config"


@pytest.fixture
def contract() -> Configuration:
    return load(CONTRACT)


def _changed(tmp_path: Path, file: str, old: str, new: str) -> Configuration:
    for path in CONTRACT.glob("*.toml"):
        shutil.copy(path, tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    return load(tmp_path)


def test_shipped_configuration_has_no_fault() -> None:
    configuration, faults = inspect(data_dir("config"))
    assert faults == []
    assert configuration is not None
    assert len(configuration.directory.units) == 12
    assert len(configuration.directory.leaders) == 11
    assert all(unit.reachable(unit.channels) for unit in configuration.directory.units.values())


def test_nothing_shipped_leaves_the_machine() -> None:
    assert [keys.kind for keys in load(data_dir("config")).channels.values()] == ["maildir"]


def test_contract_only_warns_of_what_is_not_set() -> None:
    _, faults = inspect(CONTRACT)
    assert {(fault.severity, fault.key) for fault in faults} == {
        ("warning", "channel.mail.password"),
        ("warning", "channel.jsj-group.url"),
        ("warning", "watchdog.ping_url"),
        ("warning", "leader.组长"),
    }


def test_hours_may_end_at_midnight(tmp_path: Path) -> None:
    day = _changed(tmp_path, "reminder.toml", 'hours = "08:30-18:00"', 'hours = "00:00-24:00"')
    last = datetime(2021, 5, 6, 23, 59, 59, tzinfo=day.zone)
    assert day.sending.hours.next_slot(last, day.practice) == last


def test_practice_is_as_written(contract: Configuration) -> None:
    assert contract.practice.started_on == date(2021, 4, 8)
    assert contract.practice.working_days_only
    assert contract.zone.key == "Asia/Shanghai"
    assert (contract.sending.hours.opens, contract.sending.hours.closes) == (time(8, 30), time(18))
    assert [rule.name for rule in contract.rules] == [
        "approaching",
        "overdue",
        "weekly-nudge",
        "standing",
        "weekly-report",
        "behind",
    ]


def test_typed_in_days_become_the_calendar(tmp_path: Path) -> None:
    old = 'base = "cn"                       # or "weekdays"\noff = []   '
    new = 'base = "cn"\noff = ["2027-02-05..2027-02-11", 2027-01-01]   '
    calendar = _changed(tmp_path, "reminder.toml", old, new).practice.calendar
    assert not calendar.is_working_day(date(2027, 2, 11))
    assert not calendar.is_working_day(date(2027, 1, 1))
    assert calendar.is_working_day(date(2027, 2, 12))


def test_party_is_reached_by_its_address(contract: Configuration) -> None:
    unit = contract.directory.units["建设局"]
    assert unit.addresses == {"mail": ("jsj@example.org",), "files": ("jsj@example.org",), "jsj-group": ("@all",)}
    assert unit.channels == ("mail",)
    assert unit.leader == "分管规划建设副主任"


def test_mailbox_reaches_everybody_and_mail_does_not(contract: Configuration) -> None:
    leader = contract.directory.leaders["组长"]
    assert leader.addresses == {"files": ()}
    assert leader.reachable(leader.channels) == ()


def test_robot_reaches_whoever_lists_it(tmp_path: Path) -> None:
    listed = _changed(tmp_path, "reminder.toml", 'channels = ["mail"]', 'channels = ["jsj-group"]').directory
    assert listed.leaders["组长"].addresses == {"files": (), "jsj-group": ()}
    assert listed.units["建设局"].channels == ("mail",)


def test_own_address_on_a_channel_goes_before_email(tmp_path: Path) -> None:
    old, new = 'jsj-group = ["@all"]', 'mail = ["hall@example.org"]'
    unit = _changed(tmp_path, "units.toml", old, new).directory.units["建设局"]
    assert unit.addresses["mail"] == ("hall@example.org",)
    assert unit.addresses["files"] == ("jsj@example.org",)


def test_office_is_a_party(contract: Configuration) -> None:
    assert contract.directory.office.name == "office"
    assert contract.directory.office.addresses["mail"] == ("office@example.org",)
    assert contract.directory.principal == "组长"


def test_first_channel_is_the_default(tmp_path: Path) -> None:
    changed = _changed(tmp_path, "reminder.toml", 'channels = ["mail"]', "# channels")
    assert changed.directory.leaders["组长"].channels == ("mail",)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("sqlite:///reminder.db", "sqlite:////srv/office/reminder.db", id="relative"),
        pytest.param("sqlite:////var/reminder.db", "sqlite:////var/reminder.db", id="absolute"),
        pytest.param("sqlite:///data/r.db?timeout=5", "sqlite:////srv/office/data/r.db?timeout=5", id="with options"),
        pytest.param("postgresql://db/reminder", "postgresql://db/reminder", id="a server"),
    ],
)
def test_database_file_starts_at_the_folder(url: str, expected: str) -> None:
    assert resolved(url, Path("/srv/office")) == expected


def test_secret_database_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = _changed(tmp_path, "reminder.toml", '"sqlite:///reminder.db"', '{ env = "REMINDER_TEST_URL" }')
    with pytest.raises(UsageError, match="REMINDER_TEST_URL"):
        _ = secret.database_url
    monkeypatch.setenv("REMINDER_TEST_URL", "postgresql://u:p@db/reminder")
    assert secret.database_url == "postgresql://u:p@db/reminder"


def test_another_book_takes_no_year_from_the_first(contract: Configuration) -> None:
    first, audit = contract.reading(), contract.reading("2022审计")
    assert (first.dated, first.default_year) == (date(2021, 4, 8), 2021)
    assert (audit.dated, audit.default_year) == (date(2022, 3, 1), None)
    assert audit.immediate_within == first.immediate_within == Distance(10, working=True)
    assert audit.columns["tags"] == ("标签", "专班")
    assert audit.statuses == {"written_off": ("已完成", "已办结")}


def test_book_without_a_table_is_read_like_the_first(contract: Configuration) -> None:
    assert contract.reading("别的") == contract.reading()


def test_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    write_example(tmp_path)
    for path in tmp_path.glob("*.toml"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert inspect(tmp_path)[1] == []


def test_example_is_written_once(tmp_path: Path) -> None:
    written = write_example(tmp_path / "new" / "office")
    assert {path.suffix for path in written} == {".toml", ".json"}
    assert inspect(tmp_path / "new" / "office")[1] == []
    with pytest.raises(UsageError, match="已经存在"):
        write_example(tmp_path / "new" / "office")


def test_example_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "units.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"units\.toml exists"):
        write_example(tmp_path, "en")
    assert [path.name for path in tmp_path.iterdir()] == ["units.toml"]


def test_example_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError):
        write_example(tmp_path / "file")


def test_every_column_is_one_the_ledger_reads() -> None:
    read = {"text" if name == "measure" else name for name in Columns.model_fields}
    assert read == set(NAMES)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_secret_that_everybody_may_read_or_change_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    for path in CONTRACT.glob("*.toml"):
        shutil.copy(path, tmp_path)
    channels = tmp_path / "channels.toml"
    text = channels.read_text(encoding="utf-8").replace('{ env = "REMINDER_SMTP_PASSWORD" }', '{ file = "password" }')
    channels.write_text(text, encoding="utf-8")
    (tmp_path / "password").write_text("hunter2\n", encoding="utf-8")
    (tmp_path / "password").chmod(mode)
    told = [fault.message for fault in inspect(tmp_path)[1] if fault.key == "channel.mail.password"]
    assert [("chmod o=" in one, "hunter2" in one) for one in told] == ([(True, False)] if warned else [])
