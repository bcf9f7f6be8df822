"""`reminder init`: a folder that works as it is."""

import subprocess
import sys


def test_writes_a_folder_that_passes_its_own_check(bare, tmp_path):
    target = tmp_path / "new"
    said = bare("init", target)
    assert said.code == 0
    assert str(target) in said.out
    assert (target / "reminder.db").is_file()
    assert (target / "rules.schema.json").is_file()
    bare.folder = target
    checked = bare("check", "--json")
    assert checked.code == 0
    assert all(fault["key"] == "calendar.covered_years" for fault in checked.lines[0]["faults"])


def test_refuses_to_overwrite_and_shows_one_line(folder):
    before = (folder / "rules.toml").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "reminder", "init", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (folder / "rules.toml").read_bytes() == before
    assert not (folder / "reminder.db").exists()
