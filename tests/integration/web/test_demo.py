"""`reminder demo` ends with its pages open where somebody watches, and just ends where nobody does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

pty = pytest.importorskip("pty", reason="needs a terminal of its own")

TWO_WEEKS = """
from datetime import date
import typer
from reminder.cli import demo
demo.LAST = date(2021, 4, 20)
typer.run(demo.demo)
"""


def started(tmp_path, out, **more):
    """The demonstration of two weeks, with its scratch folder under `tmp_path`."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "DISPLAY", "WAYLAND_DISPLAY")}
    environment = {**kept, "TMPDIR": str(tmp_path), **more}
    return subprocess.Popen([sys.executable, "-c", TWO_WEEKS], stdout=out, stderr=subprocess.STDOUT, env=environment)


def test_on_a_terminal_it_serves_signed_in_with_a_link_to_try(tmp_path):
    terminal, end = pty.openpty()
    process = started(tmp_path, end)
    os.close(end)
    try:
        said = b""
        while not (found := re.search(rb"Ctrl-C.*?(http://127\.0\.0\.1:\d+)(/r/[0-9a-z-]+)\r\n", said, re.DOTALL)):
            said += os.read(terminal, 65536)
        address, path = found[1].decode(), found[2].decode()
        with urllib.request.urlopen(f"{address}/", timeout=60) as desk:
            assert "巡察整改办公室" in desk.read().decode()
            assert desk.url == f"{address}/"  # not led to the sign-in
        with urllib.request.urlopen(address + path, timeout=60) as unit:
            assert "报送本周周报" in unit.read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
        os.close(terminal)


@pytest.mark.parametrize("ci", [{}, {"CI": "true"}])
def test_where_nobody_watches_it_ends(tmp_path, ci):
    process = started(tmp_path, subprocess.DEVNULL, **ci)
    assert process.wait(200) == 0
