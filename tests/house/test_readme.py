"""The README is executed: its commands run, its rules load, the files it names exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reminder.channels import CHANNELS
from reminder.cli import app
from reminder.cli.commands import COMMANDS
from reminder.config.example import write_example
from reminder.config.load import inspect
from reminder.errors import ReminderError
from reminder.rules.kinds import KINDS

TOP = Path(__file__).parent.parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_its_first_two_commands_are_one_line_each():
    demo, tests = blocks("sh")[:2]
    assert demo.splitlines() == ["python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/reminder demo"]
    assert tests.splitlines() == [
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest"
    ]


@pytest.mark.parametrize("block", blocks("toml"))
def test_its_rules_and_channels_load(block, tmp_path):
    write_example(tmp_path / "office")
    name = "channels.toml" if "[channel." in block else "rules.toml"
    (tmp_path / "office" / name).write_text(block, encoding="utf-8")
    configuration, faults = inspect(tmp_path / "office")
    assert configuration is not None, faults


def test_its_commands_run_in_an_office_with_the_real_ledger(tmp_path, monkeypatch):
    office = tmp_path / "office"
    write_example(office)
    shutil.copy(TOP / "tests" / "data" / "ledger_2021.xlsx", tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) > 15
    runner = CliRunner()
    prepared = runner.invoke(app, ["--config", str(office), "import", "ledger_2021.xlsx", "--as-of", "2021-04-08"])
    assert prepared.exit_code == 1  # a few rows need a person
    for command in commands:
        done = runner.invoke(app, ["--config", str(office), *shlex.split(command)[1:]])
        assert not isinstance(done.exception, ReminderError), (command, done.exception)
        assert done.exit_code in (0, 1), (command, done.output)
        assert done.exception is None or isinstance(done.exception, SystemExit), command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_mentioned(name):
    assert re.search(rf"reminder (--config \S+ )?{name}\b", README)


def test_every_channel_and_kind_of_rule_is_shown():
    assert all(f"`{kind}`" in README for kind in CHANNELS)
    assert all(f'kind = "{kind}"' in README for kind in KINDS)


def test_every_file_it_names_exists():
    named = set(re.findall(r"`((?:reminder|config|templates|tests)/[\w./-]+)`", README))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (TOP / path).exists()] == []
