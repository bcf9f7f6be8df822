"""The unit for systemd: how much it leaves open, and whether the service works behind its filter of system calls."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reminder.config.example import write_example
from reminder.resources import data_dir

UNIT = data_dir("config") / "systemd" / "reminder.service"
LEDGER = Path(__file__).parents[1] / "data" / "ledger_2021.csv"
BACKUP = UNIT.with_name("reminder-backup.service")
MOST_EXPOSED = 1.5
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM)


def analyzed(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def calls(name: str) -> set[str]:
    """The system calls of a set such as @system-service, those of the sets within it too."""
    if not name.startswith("@"):
        return {name}
    listed = re.findall(r"^ +([@\w-]+)$", analyzed("syscall-filter", name), re.MULTILINE)
    return set().union(*(calls(each) for each in listed))


def allowed() -> set[str]:
    """What the unit's filter lets through: its lines add, or take away after a tilde."""
    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE):
        named = set().union(*(calls(each) for each in line.removeprefix("~").split()))
        found = found - named if line.startswith("~") else found | named
    return found


@needs_systemd
@pytest.mark.parametrize("unit", [UNIT, BACKUP], ids=lambda unit: unit.name)
def test_the_unit_is_hardly_exposed_and_known_to_systemd_as_it_is_written(unit: Path) -> None:
    overall = re.search(r"Overall exposure level for \S+: ([\d.]+)", analyzed("security", "--offline=true", str(unit)))
    assert overall
    assert float(overall[1]) <= MOST_EXPOSED
    complaints = [line for line in analyzed("verify", str(unit)).splitlines() if unit.stem in line]
    assert [line for line in complaints if "is not executable" not in line] == []


@needs_systemd
def test_the_timer_starts_the_backup_each_night() -> None:
    timer = BACKUP.with_suffix(".timer")
    assert [line for line in analyzed("verify", str(BACKUP), str(timer)).splitlines() if timer.name in line] == []
    (when,) = re.findall(r"^OnCalendar=(.+)$", timer.read_text(encoding="utf-8"), re.MULTILINE)
    assert "Next elapse" in analyzed("calendar", when)


@pytest.mark.skipif(shutil.which("find") is None, reason="a Unix's find is needed")
def test_the_backups_commands_make_a_copy_and_take_old_ones_away(tmp_path: Path) -> None:
    """The unit's own lines, with its folders moved and systemd's doubled signs undone."""
    folder, copies = tmp_path / "office", tmp_path / "backup"
    write_example(folder)
    copies.mkdir()
    subprocess.run([sys.executable, "-m", "reminder", "--config", str(folder), "db", "upgrade"], check=True, timeout=60)
    old, young = copies / "old.db", copies / "young.db"
    for file, days in ((old, 40), (young, 10)):
        file.touch()
        os.utime(file, (time.time() - days * 86400,) * 2)
    text = BACKUP.read_text(encoding="utf-8").replace(
        "/opt/reminder/.venv/bin/reminder", f"{sys.executable} -m reminder"
    )
    for line in re.findall(
        r"^ExecStart(?:Post)?=(.+)$", text.replace("/var/lib/reminder", str(tmp_path)), re.MULTILINE
    ):
        words = shlex.split(line.replace("$$", "$").replace("%%", "%"))
        subprocess.run(words, check=True, timeout=60, env={**os.environ, "REMINDER_CONFIG": str(folder)})
    made = set(copies.iterdir()) - {young}
    assert not old.exists()
    assert [file.stat().st_size > 0 for file in made] == [True]


def behind_the_filter(names: list[str]) -> None:
    """Called in the child before it becomes another program."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"))
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_REFUSE)))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add(context, ctypes.c_uint32(_ALLOW), number, 0)
    if library.seccomp_load(context) != 0:
        os._exit(99)


def filtered(command: list[str], names: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, preexec_fn=lambda: behind_the_filter(names), capture_output=True, timeout=120, check=False
    )


@needs_systemd
@pytest.mark.skipif(ctypes.util.find_library("seccomp") is None, reason="libseccomp is not installed")
def test_workbooks_templates_and_a_whole_cycle_work_behind_the_filter(tmp_path: Path) -> None:
    folder, names = tmp_path / "office", sorted(allowed())
    assert "ptrace" not in names
    write_example(folder)
    own = folder / "templates" / "zh_CN"
    own.mkdir(parents=True)
    (own / "nudge.text.txt").write_text("请看：{{ section.count }}\n", encoding="utf-8")
    command = (sys.executable, "-m", "reminder", "--config", str(folder))
    for words, code in (
        (("import", str(LEDGER), "--as-of", "2021-04-08"), (0, 1)),
        (("run", "--once", "--now", "2021-05-10T09:00", "--json"), (0, 1)),
        (("outbox", "verify"), (0,)),
    ):
        done = subprocess.run(
            [*command, *words],
            preexec_fn=lambda: behind_the_filter(names),
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in code, done.stderr.decode()
        assert b"built-in template" not in done.stderr
    refused = filtered([sys.executable, "-c", "import os; os.nice(1)"], names)
    assert b"PermissionError" in refused.stderr, "a filter that lets all through proves nothing"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(("umask", "mode"), [(0o007, 0o660), (0o077, 0o600), (0o022, 0o640)])
def test_the_group_may_write_where_the_umask_lets_it_and_others_never_read(
    tmp_path: Path, umask: int, mode: int
) -> None:
    folder = tmp_path / "office"
    write_example(folder)
    command = [sys.executable, "-m", "reminder", "--config", str(folder)]
    subprocess.run([*command, "db", "upgrade"], umask=umask, check=True, timeout=60, capture_output=True)
    holds = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); input()"
    file = folder / "reminder.db"
    with subprocess.Popen([sys.executable, "-c", holds, str(file)], stdin=subprocess.PIPE) as other:
        for _ in range(100):
            if (folder / "reminder.db-shm").exists() or other.poll() is not None:
                break
            subprocess.run([sys.executable, "-c", "import time; time.sleep(0.1)"], check=True)
        backup = [*command, "db", "backup", str(folder / "reminder.db.copy")]
        subprocess.run(backup, umask=umask, check=True, timeout=60, capture_output=True)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("reminder.db*")}
        other.communicate(b"\n")
    assert modes == dict.fromkeys(("reminder.db", "reminder.db-wal", "reminder.db-shm", "reminder.db.copy"), mode)
