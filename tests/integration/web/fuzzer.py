"""A fuzzer of pages and forms: whatever is sent, nothing breaks and nothing comes back as markup."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from starlette.testclient import TestClient

CANARY = "\"><script>canary()</script><img src=x onerror=canary()>'`${7*7}{{7*7}}"
RAW = re.compile(r"<script>canary|<img src=x|onerror=canary\(\)>")
VALUES = (
    "",
    " ",
    CANARY,
    "0",
    "-1",
    "101",
    "99999999999999999999",
    "１２",
    "٣",
    "1e3",
    "NaN",
    "2021-02-30",
    "9999-12-31",
    "0001-01-01",
    "2021-W54",
    "2021-W23",
    "2021-06-30",
    "a\0b",
    "\r\nSet-Cookie: a=b",
    "\U0001f600",
    "\u202eevil",
    "é" * 500,
    "x" * 70_000,
    "../../etc/passwd",
    "' OR 1=1 --",
    "%00%ff",
    "claim",
    "phase_complete",
    "zh_CN",
    "//evil.example",
    "1",
)
FILES = (
    ("a.png", b"\x89PNG\r\n\x1a\n"),
    ("..\\x.pdf", b"%PDF-1"),
    (CANARY + ".png", b""),
    ("", b"x"),
    ("a", b"\0" * 9),
)


@dataclass
class Form:
    """One form of a page: where it goes, its fields with their first values, its fields for files."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """The forms of a page that change something; not the one that signs out."""

    def __init__(self, html: str, path: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._path, self._inside = path, False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "form":
            action = told.get("action") or self._path
            self._inside = (told.get("method") or "").lower() == "post" and action != "/logout"
            self.found += [Form(action)] if self._inside else []
        name = told.get("name")
        if name and self._inside and tag in ("input", "textarea", "select", "button"):
            if told.get("type") == "file":
                self.found[-1].files.append(name)
            else:
                self.found[-1].fields.setdefault(name, told.get("value") or "")

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False


class Fuzzer:
    """Sends nonsense to pages and counts what came of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sent = 0
        self.codes: dict[int, int] = {}
        self.broken: list[str] = []
        self.asked: set[str] = set()

    def value(self) -> str:
        return self.random.choice(VALUES)

    def look(self, client: TestClient, path: str, *names: str) -> None:
        """Asks for `path` with some of these query parameters."""
        query = {name: self.value()[:3000] for name in names if self.random.random() < 0.7}
        self.judge(client.get(path, params=query), f"GET {path} {query}")

    def fill(self, client: TestClient, path: str) -> None:
        """Opens `path` and sends one of its forms with some fields changed, left out or added."""
        forms = Forms(client.get(path).text, path).found
        if not forms:
            return
        form = self.random.choice(forms)
        sent = dict(form.fields)
        for name in list(sent):
            if name == "csrf" and self.random.random() < 0.95:
                continue
            chance = self.random.random()
            if chance < 0.45:
                sent[name] = self.value()
            elif chance < 0.5:
                del sent[name]
        if self.random.random() < 0.1:
            sent[self.value()[:50] or "x"] = self.value()
        names = [name for name in form.files if self.random.random() < 0.3]
        files = {name: (*self.random.choice(FILES), "image/png") for name in names}
        self.judge(
            client.post(form.action, data=sent, files=files or None), f"POST {form.action} {sorted(sent)} {files}"
        )

    def judge(self, answer, what: str) -> None:
        self.sent += 1
        self.asked.add(what.partition("?")[0].split(" {")[0].split(" [")[0])
        self.codes[answer.status_code] = self.codes.get(answer.status_code, 0) + 1
        html = answer.headers.get("content-type", "").startswith("text/html")
        if answer.status_code >= 500 or (html and RAW.search(answer.text)) or "Traceback" in answer.text:
            self.broken.append(f"{answer.status_code} {what[:300]}")
