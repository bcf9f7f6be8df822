"""Commands are loaded when they run; what --help says of them must be what they say themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from reminder.cli.commands import COMMANDS, load
from reminder.store import engine


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_a_command_as_it_describes_itself(name):
    assert (load(name).help or "").splitlines()[0] == COMMANDS[name][2]


def test_help_imports_nothing_heavy():
    heavy = "{'sqlmodel', 'sqlalchemy', 'requests', 'apscheduler', 'jinja2', 'pydantic', 'alembic', 'openpyxl'}"
    script = f"import sys, reminder.cli; sys.exit(sorted({heavy} & set(sys.modules)) != [])"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_daemon_does_not_carry_what_only_imports_and_upgrades_need():
    heavy = "{'alembic', 'openpyxl', 'python_calamine', 'typer', 'rich', 'tkinter'}"
    script = f"import sys, reminder.daemon; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_a_misspelt_command_is_answered_with_the_nearest_name():
    done = subprocess.run(
        [sys.executable, "-m", "reminder", "exlpain"], check=False, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 2
    assert "'explain'" in done.stderr


def test_migrations_are_numbered_in_the_order_in_which_they_run():
    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert engine._revisions() == walked[::-1]


def test_a_daemon_on_sqlite_does_not_carry_postgresql():
    script = "import sys, reminder.daemon; print(*(name for name in sys.modules if 'postgresql' in name))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_a_daemon_that_mails_carries_no_other_kind_of_channel():
    script = (
        "import sys, reminder.daemon; from reminder.channels import CHANNELS; mail = CHANNELS['email']; "
        "print(*(kind for kind in CHANNELS if f'reminder.channels.{kind}' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["email"]
