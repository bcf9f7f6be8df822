"""A unit's link is its key: whoever reads the server's log must not find it there."""

from __future__ import annotations

import io
import logging
import time
import urllib.error
import urllib.request

import pytest

from reminder.web.application import application
from reminder.web.listening import listener
from reminder.web.server import Server
from tests.integration.web.conftest import letters, link_in


@pytest.fixture
def at_work(week, monkeypatch):
    """The real server of the daemon at a free port, on the week's clock."""
    monkeypatch.setattr("reminder.web.server.application", lambda current: application(current, week.clock))
    with listener("127.0.0.1:0") as bound:
        address = "{}:{}".format(*bound.getsockname()[:2])
    server = Server(lambda: week.app, address)
    server.start()
    end = time.monotonic() + 60
    while time.monotonic() < end and not _answers(f"http://{address}/healthz"):
        time.sleep(0.05)
    yield f"http://{address}"
    server.stop()
    server._thread.join(60)


def _answers(url, data=None):
    """The status; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as fault:
        return fault.code
    except OSError:
        return 0


@pytest.fixture
def logged():
    """What the daemon's own handler would write: pytest's reaches also into loggers that hand nothing on."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.setLevel(level)
    root.removeHandler(handler)


def test_devkit_3951_the_key_in_a_links_path_stands_in_no_log(week, at_work, logged, monkeypatch):
    """Addresses without a query were logged as they came, and with them the tokens in their paths."""
    path = link_in(letters(week)["建设局"][0])
    seal = path.rpartition("-")[2]
    assert len(seal) > 15
    answers = [_answers(at_work + path), _answers(f"{at_work}{path}?a=1"), _answers(at_work + path, b"csrf=none")]
    monkeypatch.setattr("reminder.web.unit_page.page", lambda *_, **__: 1 / 0)
    answers.append(_answers(at_work + path))
    assert answers == [200, 200, 403, 500]
    assert "ZeroDivisionError" in logged.getvalue(), "what breaks is logged"
    assert seal not in logged.getvalue()
