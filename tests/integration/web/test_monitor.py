"""/healthz and /metrics, with pages and without; what a daemon that serves nothing does without."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from reminder.web.healthz import Healthz
from reminder.web.wellness import Wellness
from tests.integration.web.conftest import NOW


def later(house):
    """What was looked at is forgotten."""
    del house.served.state.wellness


def test_healthz_is_200_until_something_is_ill_and_tells_nothing_else(week):
    browser = week.browser()
    well = browser.get("/healthz")
    assert (well.status_code, well.content) == (200, b'{"healthy": true}\n')
    week.desk.change(1, state="failed")
    assert browser.get("/healthz").status_code == 200  # remembered for a moment: probes ask every few seconds
    later(week)
    ill = browser.get("/healthz")
    assert (ill.status_code, ill.content) == (503, b'{"healthy": false}\n')


def test_silence_is_ill_and_a_calendar_that_ends_is_not(week):
    week.clock.on(days=2)
    assert week.browser().get("/healthz").status_code == 503
    later(week)
    week.clock.at = NOW.replace(year=2040)
    week.desk.cycle("2040-06-07 11:00")
    assert week.browser().get("/healthz").status_code == 200
    assert 'reminder_problem{code="calendar"} 1' in week.browser().get("/metrics").text


def test_a_database_that_cannot_be_asked_is_ill_and_no_failure(week):
    week.engine.dispose()
    (week.desk.folder / "reminder.db").write_bytes(b"no database" * 500)
    for suffix in ("-wal", "-shm"):
        (week.desk.folder / f"reminder.db{suffix}").unlink(missing_ok=True)
    assert week.browser().get("/healthz").status_code == 503
    assert "reminder_healthy 0" in week.browser().get("/metrics").text


def test_metrics_are_prometheus_text_without_names(week):
    text = week.browser().get("/metrics").text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="\w+"\})? [-0-9.e+]+', line), line
    assert 'reminder_messages{state="sent"} 2' in text
    assert 'reminder_measures{status="in_progress"} 4' in text
    assert not re.search(r"[^\x00-\x7f]|example\.org", text)


@pytest.fixture
def alone(week, monkeypatch):
    """/healthz by itself, at a free port."""
    sign = Healthz(lambda: week.app, "127.0.0.1:0")
    monkeypatch.setattr(sign, "_wellness", Wellness(lambda: week.app, week.clock))
    sign.start()
    yield f"http://127.0.0.1:{sign._server.server_address[1]}"
    sign._server.shutdown()
    sign._server.server_close()


def test_without_pages_a_few_lines_answer_healthz_and_nothing_else(alone):
    with urllib.request.urlopen(f"{alone}/healthz", timeout=10) as answer:
        assert (answer.status, answer.read()) == (200, b'{"healthy": true}\n')
    for path in ("/", "/metrics", "/healthz/../"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(alone + path, timeout=10)


def test_a_busy_address_stops_nothing(week, caplog, alone):
    Healthz(lambda: week.app, alone.removeprefix("http://")).start()
    assert "does not answer" in caplog.text


def test_a_daemon_without_pages_does_not_load_what_they_take(house):
    heavy = "{'fastapi', 'starlette', 'uvicorn', 'anyio', 'argon2', 'multipart', 'http.server'}"
    script = (
        f"import sys, reminder.daemon, reminder.web.serving; from pathlib import Path;"
        f"from reminder.app import open_app; app = open_app(Path({str(house.desk.folder)!r}));"
        f"reminder.web.serving.serve(lambda: app)(); print(*sorted({heavy} & set(sys.modules)))"
    )
    text = house.desk.read("reminder.toml")
    house.desk.write("reminder.toml", text.partition("[web]")[0])
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
