"""Each file of tests/data/bad_config is one fault; the lines it must yield stand at its head after `#!`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from reminder.config.faults import ConfigurationFaults
from reminder.config.load import inspect, load

DATA = Path(__file__).parents[2] / "data"
CONTRACT = DATA / "contract_config"
FAULTS = sorted((DATA / "bad_config").glob("*.toml"))
_LINE = re.compile(r"[\w.-]+\.toml:\d+:\d+: [^\n]+: [^\n]+")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The contract's own configuration, to be spoilt in one place."""
    for path in CONTRACT.glob("*.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode("utf-16" if content.startswith(b"\xff\xfe") else encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("not text")


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_fault_is_told(path: Path, folder: Path) -> None:
    first, *lines = _decoded(path.read_bytes()).splitlines()
    file = first.removeprefix("# ")
    expected = [line.removeprefix("#! ") for line in lines if line.startswith("#! ")]
    shutil.copy(path, folder / file)
    configuration, faults = inspect(folder)
    told = [("warning " if fault.severity == "warning" else "") + str(fault) for fault in faults if fault.file == file]
    assert expected
    assert told == expected
    assert all(_LINE.fullmatch(str(fault)) for fault in faults)
    assert (configuration is None) == any(fault.severity == "error" for fault in faults)


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_no_message_repeats_a_password(path: Path, folder: Path) -> None:
    file = _decoded(path.read_bytes()).splitlines()[0].removeprefix("# ")
    shutil.copy(path, folder / file)
    assert not any("hunter2" in str(fault) or "123456" in str(fault) for fault in inspect(folder)[1])


def test_units_that_a_rules_own_channels_do_not_reach_are_named(folder: Path) -> None:
    rules, units = folder / "rules.toml", folder / "units.toml"
    rules.write_text(
        '[[rule]]\nname = "n"\nkind = "nudge"\non = "monday"\nchannels = ["jsj-group"]\n', encoding="utf-8"
    )
    added = '[[unit]]\nname = "财政局"\nemail = ["cz@example.org"]\n[[unit]]\nname = "外"\noutside = true\n'
    units.write_text(units.read_text(encoding="utf-8") + added, encoding="utf-8")
    (told,) = [str(fault) for fault in inspect(folder)[1] if fault.file == "rules.toml"]
    assert told.startswith("rules.toml:5:1: rule.n.channels: 这些渠道到不了 1 个单位（财政局）")
    rules.write_text(rules.read_text(encoding="utf-8") + 'match = { unit = ["区建设局"] }\n', encoding="utf-8")
    assert not [fault for fault in inspect(folder)[1] if "到不了" in fault.message]


@pytest.mark.parametrize("file", ["reminder.toml", "rules.toml", "units.toml", "channels.toml"])
@pytest.mark.parametrize("how", ["missing", "a folder", "not text", "broken"])
def test_one_unreadable_file_hides_no_other(file: str, how: str, folder: Path) -> None:
    other = "rules.toml" if file != "rules.toml" else "units.toml"
    (folder / other).write_text((folder / other).read_text(encoding="utf-8") + "\nx = 1\n", encoding="utf-8")
    (folder / file).unlink()
    if how == "a folder":
        (folder / file).mkdir()
    elif how != "missing":
        (folder / file).write_bytes(b"\xff\xfe\xff" if how == "not text" else b"[[[")
    configuration, faults = inspect(folder)
    errors = [fault for fault in faults if fault.severity == "error"]
    assert configuration is None
    assert {fault.file for fault in errors} == {file, other}


def test_places_are_sorted_as_numbers(folder: Path) -> None:
    lines = ["[office]", *[f"x{n} = 1" for n in range(12)]]
    (folder / "reminder.toml").write_text("\n".join(lines), encoding="utf-8")
    found = [fault.line for fault in inspect(folder)[1] if fault.file == "reminder.toml"]
    assert found == sorted(found)
    assert 10 in found


def test_load_tells_everything_at_once(folder: Path) -> None:
    for file in ("reminder.toml", "rules.toml", "units.toml", "channels.toml"):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + "\nwrong = 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationFaults) as refused:
        load(folder)
    errors = {fault.file for fault in refused.value.faults if fault.severity == "error"}
    assert errors == {"reminder.toml", "rules.toml", "units.toml", "channels.toml"}
    assert str(refused.value).count("\n") == len(refused.value.faults) - 1


@pytest.mark.parametrize("depth", [100, 400, 900, 20_000])
@pytest.mark.parametrize("value", ["{dots} = 1", "{lists}", "{tables}"])
def test_a_value_nested_deeper_than_python_calls_is_no_traceback(folder: Path, value: str, depth: int) -> None:
    value = value.format(
        dots="{ mail" + ".a" * depth, lists="[" * depth + "]" * depth, tables="{a=" * depth + "1" + "}" * depth
    )
    value += " }" if value.startswith("{ mail") else ""
    text = (folder / "units.toml").read_text(encoding="utf-8")
    text = text.replace("[[leader]]", f"[[leader]]\naddresses = {value}", 1)
    (folder / "units.toml").write_text(text, encoding="utf-8")
    configuration, faults = inspect(folder)
    assert configuration is None
    assert any((fault.file, fault.severity) == ("units.toml", "error") for fault in faults)
