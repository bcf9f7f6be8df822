"""`[engine] kind = "procrastinate"`: refused with a sentence where it cannot work; `reminder worker` without it."""

from __future__ import annotations

import subprocess
import sys

import pytest

JOBS = '[engine]\nkind = "procrastinate"\n'
WITHOUT = "import sys; sys.modules['procrastinate'] = None; from reminder.__main__ import main; main()"


@pytest.mark.parametrize("command", [["status"], ["db", "upgrade"], ["run", "--once"], ["worker"]])
def test_jobs_need_postgresql(desk, command):
    desk.append("reminder.toml", JOBS)
    said = desk(*command)
    assert said.code == 2
    assert "needs PostgreSQL" in said.err


def test_check_says_so_too(desk):
    desk.append("reminder.toml", JOBS)
    said = desk("check")
    assert said.code == 1
    assert "PostgreSQL" in said.out


def test_jobs_need_their_extra(bare, postgres_url, monkeypatch):
    bare.append("reminder.toml", f'[store]\nurl = {{ env = "REMINDER_DATABASE_URL" }}\n{JOBS}')
    monkeypatch.setenv("REMINDER_DATABASE_URL", postgres_url)
    command = [sys.executable, "-c", WITHOUT, "--config", str(bare.folder), "db", "upgrade"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2, done.stderr
    assert "pip install '.[procrastinate]'" in done.stderr


def test_jobs_need_their_tables(bare, jobs_url, monkeypatch):
    bare.append("reminder.toml", '[store]\nurl = { env = "REMINDER_DATABASE_URL" }\n')
    monkeypatch.setenv("REMINDER_DATABASE_URL", jobs_url)
    assert bare("db", "upgrade").code == 0
    bare.append("reminder.toml", JOBS)
    for command in (["status"], ["worker"]):
        said = bare(*command)
        assert said.code == 2
        assert "reminder db upgrade" in said.err
    assert bare("db", "upgrade").code == 0
    assert bare("status").code in (0, 1)


def test_one_cycle_by_hand_delivers_also_where_jobs_do(bare, jobs_url, monkeypatch):
    bare.append("reminder.toml", f'[store]\nurl = {{ env = "REMINDER_DATABASE_URL" }}\n{JOBS}')
    monkeypatch.setenv("REMINDER_DATABASE_URL", jobs_url)
    assert bare("db", "upgrade").code == 0
    bare.measure("73", "2021-06-10")
    assert bare.cycle("2021-06-07 09:00").messages == {"sent": 1}


def test_a_worker_has_nothing_to_do_where_no_jobs_are(desk):
    said = desk("worker")
    assert said.code == 2
    assert "procrastinate" in said.err
    assert "reminder run" in said.err


def test_another_kind_is_a_fault_with_its_place(desk):
    desk.append("reminder.toml", '[engine]\nkind = "celery"\n')
    said = desk("status")
    assert said.code == 2
    assert "reminder.toml:" in said.err
    assert "engine.kind" in said.err
