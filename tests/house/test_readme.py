"""The README is executed: its commands run, its TOML loads, the receiver's lines verify, the files it names exist."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reminder.channels import CHANNELS
from reminder.channels.signature import signed
from reminder.cli import app
from reminder.cli.commands import COMMANDS, load
from reminder.config.example import write_example
from reminder.config.load import inspect
from reminder.rules.kinds import KINDS

TOP = Path(__file__).parent.parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the standard's own example


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def section(title):
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def commands():
    return [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]


def folder_with(block, folder):
    """The shipped configuration with `block` in the place of the file that it belongs to."""
    write_example(folder)
    tables = set(tomllib.loads(block))
    if tables <= {"rule"}:
        name = "rules.toml"
    elif tables <= {"channel"}:
        name = "channels.toml"
    elif tables <= {"unit", "leader"}:
        name = "units.toml"
        (folder / "reminder.toml").write_text(office(), encoding="utf-8")
    else:
        name, block = "reminder.toml", office() + block
    (folder / name).write_text(block, encoding="utf-8")
    return folder


def office():
    return '[office]\nname = "整改办"\ntimezone = "Asia/Shanghai"\nlocale = "zh_CN"\nemail = ["zgb@example.org"]\n'


def test_its_first_two_commands_are_one_line_each():
    demo, tests = blocks("sh")[:2]
    assert demo.splitlines() == ["python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/reminder demo"]
    assert tests.splitlines() == [
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest"
    ]


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.partition("\n")[0] + block.split('"')[1])
def test_its_settings_rules_units_and_channels_load(block, tmp_path):
    configuration, faults = inspect(folder_with(block, tmp_path / "office"))
    assert configuration is not None, faults


def test_its_commands_run_in_an_office_with_the_real_ledger(tmp_path, monkeypatch):
    write_example(tmp_path / "office")
    shutil.copy(TOP / "tests" / "data" / "ledger_2021.xlsx", tmp_path)
    [weekly] = blocks("csv")
    (tmp_path / "weekly.csv").write_text(weekly, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMINDER_CONFIG", "office")
    runner = CliRunner()
    assert runner.invoke(app, ["db", "upgrade"]).exit_code == 0  # as init does
    for command in commands():
        program, *arguments = shlex.split(command)
        assert program == "reminder"
        done = runner.invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
        assert done.exit_code in (0, 1), (command, done.output)
    assert list((tmp_path / "office" / "mailbox" / "new").iterdir()) != []
    assert list((tmp_path / "replayed").rglob("*.reminder")) != []


def test_the_receivers_lines_verify_what_the_service_signs():
    body = json.dumps({"subject": "【整改提醒】建设局"}).encode()
    headers = signed("r-1@example.org", datetime.now(UTC), body, SECRET)
    [lines] = blocks("python")
    known = {"secret": SECRET, "body": body, "headers": headers}
    exec(compile(lines, "README.md", "exec"), known)  # its one python block is ours
    assert known["facts"] == {"subject": "【整改提醒】建设局"}
    assert known["once"] == "r-1"


@pytest.mark.parametrize("line", sorted(set(re.findall(r"`(reminder [a-z][^`]*)`", README))))
def test_a_command_inside_a_sentence_exists_with_its_options(line):
    name, *rest = line.split()[1:]
    command = load(name)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
    group = getattr(command, "commands", {})
    assert not group or command.invoke_without_command or not rest, f"{rest[:1]} is none of {sorted(group)}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_mentioned(name):
    assert re.search(rf"\breminder {name}\b", README)


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_channel_has_a_row(kind):
    assert re.search(rf"^\|[^|]*`{kind}`", section("Channels"), flags=re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_rule_is_shown(kind):
    assert f'\nkind = "{kind}"\n' in section("Rules by example")


def test_every_file_it_names_exists():
    named = set(re.findall(r"`((?:reminder|config|templates|tests)/[\w./-]*)`", README))
    assert len(named) > 25
    assert [path for path in sorted(named) if not (TOP / path).exists()] == []


def test_it_names_no_place_of_one_machine():
    assert re.findall(r"pypi\.org|pythonhosted|(?<![\w.])/(?:work|tmp|home|root)/", README) == []
