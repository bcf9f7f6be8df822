"""A real office for the browser: the 2021 ledger, the real daemon on a clock of its own, mail in a folder, Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

LEDGER = Path(__file__).parents[1] / "data" / "ledger_2021.xlsx"
PASSWORD = "correct horse battery"
FAKETIME = "/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1"
PATIENCE = 120  # seconds: a machine that is busy with other tests
RULES = """
[[rule]]
name = "weekly-nudge"
kind = "nudge"
on = "monday"
at = "09:00"
[[rule]]
name = "weekly-report"
kind = "report"
due = "friday 17:00"
chase = "monday 09:00"
"""


def faketime() -> Path | None:
    """The library that gives a process a clock of its own; None where it is not installed."""
    machine = {"x86_64": "x86_64", "aarch64": "aarch64"}.get(os.uname().machine, "")
    path = Path(FAKETIME.format(machine))
    return path if path.exists() else None


def chromium() -> str | None:
    """Debian's Chromium; None where it is not installed."""
    return shutil.which("chromium")


def set_up(folder: Path) -> Path:
    """Founds an office in a folder: the example, the ledger of 2021 and two people."""
    run("init", str(folder))
    change(folder, "# dated = 2026-12-01", "dated = 2021-04-08\ndefault_year = 2021\n# dated = ")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    configured = ("--config", str(folder))
    run(*configured, "import", str(LEDGER), "--as-of", "2021-05-10")
    for name, role in (("张三", "officer"), ("李四", "viewer")):
        run(*configured, "user", "add", name, "--role", role, typed=PASSWORD)
    return folder


def change(folder: Path, old: str, new: str) -> None:
    """Writes `new` for `old` in the office's settings."""
    path = folder / "reminder.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text, f"there is no {old!r} any more"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def run(*words: str, typed: str = "") -> str:
    """What the command line answers."""
    asked = [sys.executable, "-m", "reminder", *words]
    done = subprocess.run(asked, input=typed + "\n", capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


class Office:
    """A founded office at an address of its own, and its daemon while it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._daemon: subprocess.Popen[bytes] | None = None
        change(folder, 'listen = "127.0.0.1:8080"', f'listen = "127.0.0.1:{self.port}"')
        change(folder, "# public_url = ", f'started_on = 2021-04-08\npublic_url = "{self.url}"\n# public_url = ')

    def command(self, *words: str) -> str:
        """What the command line answers."""
        return run("--config", str(self.folder), *words)

    def wake(self, instant: str = "") -> None:
        """Starts the daemon with its clock at `instant` of the office, running on from there; else on the real clock.

        On a clock of its own a process cannot wait for a child of its own: libfaketime refuses its short sleeps.
        """
        self.sleep()
        environment = {**os.environ, "TZ": "Asia/Shanghai"}
        if instant:
            environment |= {
                "LD_PRELOAD": str(faketime()),
                "FAKETIME": f"@{instant}",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                # else each wait of a thread for its turn in the interpreter ends at once, and the threads, asking for
                # their turns without a pause, make the process ten times as slow
                "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            }
        log = (self.folder / "daemon.log").open("ab")
        command = [sys.executable, "-m", "reminder", "--config", str(self.folder), "run"]
        self._daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        log.close()
        until(self._answers, "the daemon serves")

    def sleep(self) -> None:
        """Stops the daemon in order."""
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGTERM)
            try:
                self._daemon.wait(30)
            finally:
                self._daemon.kill()
                self._daemon.wait()
            self._daemon = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return True  # it has its worries, but it answers
        except OSError:
            return False
        return True

    def letters(self, to: str) -> list[EmailMessage]:
        """What was sent to `to`, the oldest first."""
        paths = sorted((self.folder / "mailbox").glob("new/*")) + sorted((self.folder / "mailbox").glob("cur/*"))
        found = []
        for path in paths:
            with path.open("rb") as file:
                letter = _parsed(file.read())
            if to in str(letter["To"]):
                found.append(letter)
        return sorted(found, key=lambda letter: letter["Date"].datetime)

    def mail_to(self, unit: str) -> str:
        """The address of a unit in the shipped example."""
        text = (self.folder / "units.toml").read_text(encoding="utf-8")
        found = re.search(rf'name = "{unit}".*?email = \["([^"]+)"\]', text, re.DOTALL)
        assert found, unit
        return found[1]


def _parsed(content: bytes) -> EmailMessage:
    from email import message_from_bytes  # noqa: PLC0415 - the name is common

    letter = message_from_bytes(content, policy=default)
    assert isinstance(letter, EmailMessage)
    return letter


def plain(letter: EmailMessage) -> str:
    """The letter's text."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(letter: EmailMessage) -> str:
    """The one link of a letter."""
    links = set(re.findall(r"https?://\S+", plain(letter)))
    assert len(links) == 1, links
    return links.pop()


def until(true: Callable[[], object], what: str) -> None:
    """Waits until `true()` holds."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"it did not happen: {what}"
        time.sleep(0.3)


class Watched:
    """A page that keeps what should not happen: errors in its console, requests that leave the host."""

    def __init__(self, browser: Browser, office: Office, width: int) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda asked: self._note(asked.url, office))

    def _note(self, url: str, office: Office) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.netloc != urlsplit(office.url).netloc:
            self.foreign.append(url)

    def faults(self) -> list[str]:
        """Serious faults of the page for people who cannot see it or have no mouse, by axe-core."""
        found = Axe().run(self.page)
        serious = [fault for fault in found.response["violations"] if fault["impact"] in ("serious", "critical")]
        told = [f"{fault['id']}: {fault['nodes'][0]['html'][:160]}" for fault in serious]
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return [*told, *([f"{self.page.url} is {wide} px too wide"] if wide > 0 else [])]

    def sign_in(self, office: Office, name: str, password: str = PASSWORD) -> None:
        """Fills in the form."""
        self.page.goto(f"{office.url}/login")
        self.page.get_by_label("用户名").fill(name)
        self.page.get_by_label("密码").fill(password)
        self.page.get_by_role("button", name="登录").click()
