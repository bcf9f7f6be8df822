"""The served application over a small office, with people of each role and a clock that stands."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from reminder.app import open_app
from reminder.gate import accounts, tokens
from reminder.gate.role import Person, Role
from reminder.store.engine import reading, writing
from reminder.store.outbox_tables import MessageRow, PayloadRow
from reminder.web.application import application
from reminder.web.headers import Guarded
from tests.integration.cli.conftest import Desk, bare, desk, empty_database, folder  # noqa: F401 - fixtures

NOW = datetime(2021, 6, 7, 3, 0, tzinfo=UTC)  # Monday, 11:00 in Shanghai
PASSWORD = "correct horse battery"


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def on(self, **span: float) -> None:
        self.at += timedelta(**span)


class House:
    """The office's folder, its application and browsers."""

    def __init__(self, office: Desk) -> None:
        self.desk, self.clock = office, Clock()
        self.app = open_app(office.folder)
        self.served = application(lambda: self.app, self.clock)
        memory = self.served.state.hall.memory
        memory.patience = memory.first = 600  # a busy machine is waited for
        self.door = self.served.state.hall.door
        self.door.patience = 600  # the same

    @property
    def engine(self):
        return self.app.engine

    def reload(self):
        self.app = open_app(self.desk.folder)

    def browser(self, role: Role | None = None, address: str = "127.0.0.1") -> TestClient:
        """A browser, signed in as somebody of that role."""
        client = TestClient(
            Guarded(self.served), follow_redirects=False, raise_server_exceptions=False, client=(address, 50000)
        )
        if role is not None:
            person = self.user(role)
            assert self.sign_in(client, person, PASSWORD).status_code == 303
        return client

    def user(self, role: Role) -> str:
        """A user of that role, made when first asked for."""
        name = f"{role.value}-person"
        with writing(self.engine) as session:
            if name not in [one.name for one in accounts.everybody(session)]:
                accounts.add(session, Person(name, role), PASSWORD, NOW, "en")
        return name

    def sign_in(self, client: TestClient, name: str, password: str):
        """What the sign-in form answers."""
        return client.post("/login", data={**hidden(client.get("/login").text), "name": name, "password": password})

    def token(self, role: Role) -> dict[str, str]:
        """The header of a program with that role."""
        with writing(self.engine) as session:
            return {"Authorization": f"Bearer {tokens.add(session, 'program', role, NOW, 'en')}"}


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the page's last form that has any."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


@pytest.fixture
def house(desk: Desk):  # noqa: F811 - the fixture
    desk.write(
        "reminder.toml",
        desk.read("reminder.toml") + '[web]\nlisten = "127.0.0.1:8080"\n',
    )
    made = House(desk)
    yield made
    made.engine.dispose()


RULES = """
[[rule]]
name = "weekly-nudge"
kind = "nudge"
on = "monday"
[[rule]]
name = "weekly-report"
kind = "report"
due = "friday 17:00"
remind = ["friday 09:00"]
chase = { from = "monday 09:00", every = "1wd", until = "thursday" }
[[rule]]
name = "overdue"
kind = "overdue"
every = 1
escalate = [{ after = 1, colour = "red", to = ["leader"] }]
"""


@pytest.fixture
def week(house: House) -> House:
    """An office with pages, a Monday nudge, weekly reports and measures of two units; its first Monday has gone out."""
    more = '[office]\npublic_url = "http://testserver"\ncontact = "督办科 分机 000"\n'
    house.desk.write("reminder.toml", house.desk.read("reminder.toml").replace("[office]\n", more))
    house.desk.write("rules.toml", RULES)
    known = {"known_on": date(2021, 6, 7)}
    house.desk.measure("1", "2021-06-10", text="硬化<b>道路</b>", **known)
    house.desk.measure("2", "2021-05-31", leader="分管领导", **known)
    house.desk.measure("3", None, **known)
    house.desk.measure("9", "2021-06-30", "财政局", **known)
    house.reload()
    house.desk.cycle("2021-06-07 09:00")
    return house


def letters(house: House) -> dict[str, list[str]]:
    """By recipient the plain texts that were sent, the oldest first."""
    found: dict[str, list[str]] = {}
    with reading(house.engine) as session:
        sent = select(MessageRow.recipient, PayloadRow.content).where(PayloadRow.message_pk == MessageRow.id)
        for recipient, content in session.exec(sent.order_by(MessageRow.id)):
            body = email.message_from_bytes(content, policy=email.policy.default).get_body(("plain",))
            found.setdefault(recipient, []).append(body.get_content())
    return found


def link_in(text: str) -> str:
    """The path of the one link in a letter's plain text."""
    (found,) = re.findall(r"http://testserver(/r/\S+)", text)
    return found
