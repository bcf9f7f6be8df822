"""A canary in the place of every secret: whatever goes wrong, none of them is ever seen where people look."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from reminder.config.example import write_example
from tests.integration.channels.mail_rigs import Line, free_port, scripted
from tests.integration.channels.web_rigs import Endpoint, serving

NAMES = (
    "SMTP",
    "HOOK_KEY",
    "HOOK_SECRET",
    "HOOK_HEADER",
    "WECOM",
    "DING",
    "DING_SECRET",
    "FEISHU",
    "FS_SECRET",
    "PING",
    "DB",
)
CANARIES = {name: f"kanari/{name.lower()}+7Zq" for name in NAMES}
CHANNELS = """
[channel.mail]
kind = "email"
host = "localhost"
port = {smtp}
tls = "implicit"
ca_file = "ca.pem"
sender = "office@example.org"
username = "office@example.org"
password = {{ env = "SMTP" }}
[channel.hook]
kind = "webhook"
url = {{ env = "HOOK" }}
secret = {{ file = "hook_secret" }}
headers = {{ X-Key = {{ env = "HOOK_HEADER" }} }}
allow_private = ["127.0.0.0/8"]
[channel.wx]
kind = "wecom"
url = {{ env = "WECOM" }}
allow_private = ["127.0.0.0/8"]
[channel.ding]
kind = "dingtalk"
url = {{ env = "DING" }}
secret = {{ env = "DING_SECRET" }}
allow_private = ["127.0.0.0/8"]
[channel.fs]
kind = "feishu"
url = {{ env = "FEISHU" }}
secret = {{ env = "FS_SECRET" }}
allow_private = ["127.0.0.0/8"]
"""
UNITS = """
[[unit]]
name = "建设局"
email = ["jsj@example.org"]
channels = ["mail", "hook", "wx", "ding", "fs"]
addresses = { hook = [], wx = ["@all"], ding = ["@all"], fs = ["@all"] }
"""
LEDGER = "序号,整改措施,责任单位,整改时限\r\n1,修订制度,建设局,2021年6月10日前\r\n"


class Parrot(Endpoint):
    """Repeats all that it hears, in turn with each kind of answer there is."""

    @property
    def body(self) -> bytes:
        heard = f"{self.paths[-1]} {self.got[-1]}" if self.paths else ""
        return json.dumps({"errcode": 310000, "errmsg": heard, "msg": heard}).encode()

    @body.setter
    def body(self, _: bytes) -> None: ...

    @property
    def status(self) -> int:
        return (403, 302, 500, 200, 200, 429)[len(self.paths) % 6]

    @status.setter
    def status(self, _: int) -> None: ...


def spellings() -> list[bytes]:
    """Each canary as it is, in URLs, in JSON and in base64."""
    found: set[str] = set()
    for canary in CANARIES.values():
        found |= {canary, quote(canary, safe=""), quote(canary), canary.replace("/", "\\/")}
        found.add(base64.b64encode(canary.encode()).decode().rstrip("="))
        found.add(base64.b64encode(f"\0office@example.org\0{canary}".encode()).decode().rstrip("="))
    return [each.encode() for each in found]


def echoing(ca: trustme.CA) -> Callable[[Line], None]:
    """A mail server that refuses each login and repeats it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)

    def answer(bare: Line) -> None:
        bare.sock = context.wrap_socket(bare.sock, server_side=True)
        line = Line(bare.sock)
        line.say("220 ready")
        while heard := line.hear():
            if heard.upper().startswith("EHLO"):
                line.say("250-here\r\n250 AUTH PLAIN LOGIN")
            else:
                line.say(f"535 5.7.8 not {heard} {CANARIES['SMTP']}")

    return answer


class Office:
    """A folder with all its secrets set, and commands in it, whose every output is kept."""

    def __init__(self, folder: Path, secrets: dict[str, str]) -> None:
        self.folder, self.secrets, self.said = folder, secrets, list[bytes]()

    def __call__(self, *words: str, **secrets: str) -> int:
        command = [sys.executable, "-m", "reminder", "--config", str(self.folder), *words]
        environment = {**os.environ, **self.secrets, **secrets}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
            self.said.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())
            self.said += process.communicate(timeout=120)
        return process.returncode

    def seen(self) -> list[bytes]:
        """All that people can look at: what was said, and every file but those that hold the secrets."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "hook_secret"]
        return [*self.said, *(path.read_bytes() for path in files)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "office"
    write_example(folder)
    with ExitStack() as open_until_the_end:
        ca = trustme.CA()
        port, _ = open_until_the_end.enter_context(scripted(echoing(ca)))
        ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        peer = open_until_the_end.enter_context(serving(Parrot()))
        peer.headers = {"Location": f"http://127.0.0.1:{peer.port}/{CANARIES['HOOK_KEY']}"}
        base = f"http://127.0.0.1:{peer.port}"
        keys = {name: f"{base}/send?key={CANARIES[name]}" for name in ("WECOM", "FEISHU")}
        keys["DING"] = f"{base}/robot/send?access_token={quote(CANARIES['DING'], safe='')}"
        keys["HOOK"] = f"{base}/hook/{CANARIES['HOOK_KEY']}/in"
        keys["PING"] = f"http://127.0.0.1:{free_port()}/{CANARIES['PING']}"
        plain = {name: CANARIES[name] for name in ("SMTP", "HOOK_HEADER", "DING_SECRET", "FS_SECRET")}
        (folder / "hook_secret").write_text("whsec_" + base64.b64encode(CANARIES["HOOK_SECRET"].encode()).decode())
        (folder / "channels.toml").write_text(CHANNELS.format(smtp=port), encoding="utf-8")
        (folder / "units.toml").write_text(UNITS, encoding="utf-8")
        with (folder / "reminder.toml").open("a", encoding="utf-8") as file:
            file.write('\n[watchdog]\nping_url = { env = "PING" }\n')
        (tmp_path / "ledger.csv").write_text(LEDGER, encoding="utf-8")
        yield Office(folder, plain | keys)


def test_natlas_139_lowdefy_2388_wordpress_12081_alertmanager_1822_3228_3887_no_canary_is_ever_seen(
    office: Office, tmp_path: Path
) -> None:
    assert office("import", str(tmp_path / "ledger.csv"), "--as-of", "2021-04-08") in (0, 1), office.said
    once = ("run", "--once", "--verbose", "--really-send", "--json", "--now")
    for instant in ("2021-06-10T09:00", "2021-06-10T09:30"):
        office(*once, instant)
    office(*once, "2021-06-10T15:00", HOOK="not a url " + CANARIES["HOOK_KEY"], WECOM=CANARIES["WECOM"], FEISHU="")
    office(*once, "2021-06-11T09:00", DING=f"https://{CANARIES['DING']}@x/", SMTP=CANARIES["SMTP"] + "密")
    for words in (
        ["check"],
        ["check", "--json"],
        ["status", "--json"],
        ["outbox"],
        ["outbox", "--json"],
        ["outbox", "verify"],
    ):
        office(*words)
    office("export", str(office.folder / "out.xlsx"))
    office("db", "backup", str(office.folder / "copy.db"))
    for name in ("mail", "hook", "ding"):
        office("channel", "test", name, "--to", "jsj@example.org" if name == "mail" else "@all")
    attempts = [line for line in office.said if b'"attempts"' in line]
    outcomes = {each["outcome"] for line in attempts[0].splitlines() for each in json.loads(line)["attempts"]}
    assert outcomes, "a rig in which nothing was tried proves nothing"
    found = {each for each in spellings() for text in office.seen() if each in text}
    assert found == set()


QUOTES = """
import sys
import reminder.cli
from pathlib import Path
from reminder.__main__ import main
from reminder.channels.secret import Secret

def app():
    password = Secret(env="SMTP").reveal(Path())
    raise RuntimeError(f"no rule for https://x.example/hook/{password} and {password}")

reminder.cli.app = app
main()
"""


def test_an_error_that_nobody_expected_quotes_no_secret() -> None:
    environment = {**os.environ, "SMTP": CANARIES["SMTP"]}
    ended = subprocess.run(
        [sys.executable, "-c", QUOTES], env=environment, capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert b"RuntimeError: no rule for" in ended.stderr
    assert CANARIES["SMTP"].encode() not in ended.stderr


def test_the_password_of_a_database_is_not_seen_either(tmp_path: Path) -> None:
    folder = tmp_path / "office"
    write_example(folder)
    text = (folder / "reminder.toml").read_text(encoding="utf-8")
    (folder / "reminder.toml").write_text(text + '\n[store]\nurl = { env = "DB" }\n', encoding="utf-8")
    office = Office(folder, {})
    password = quote(CANARIES["DB"], safe="")
    nobody = f"127.0.0.1:{free_port()}"
    for url in (
        f"postgresql://reminder:{password}@{nobody}/reminder",
        f"postgresql://{nobody}/reminder?user=x&password={password}",
        f"postgresql://reminder:{CANARIES['DB']}@{nobody}/reminder?connect_timeout=no",
        f"mysql://reminder:{password}@{nobody}/reminder",
        f"postgresql://[{password}/",
        password,
    ):
        for words in ("check", "run --once --verbose"):
            assert office(*words.split(), DB=url) != 0, (url, words)
    assert [each for each in spellings() for text in office.seen() if each in text] == []
