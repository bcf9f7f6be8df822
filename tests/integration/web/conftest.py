"""The served application over a small office, with people of each role and a clock that stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from reminder.app import open_app
from reminder.gate import accounts, tokens
from reminder.gate.role import Person, Role
from reminder.store.engine import writing
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
