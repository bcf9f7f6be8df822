"""Five bad things among a thousand letters: each stops only itself."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import update
from sqlmodel import col

from reminder.channels.maildir import MaildirChannel, MaildirKeys
from reminder.domain.message import Envelope, Receipt
from reminder.domain.people import Unit
from reminder.errors import Permanent
from reminder.store.engine import writing
from reminder.store.outbox_tables import ReminderRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule

UNITS = tuple(f"单位{n:04d}" for n in range(1_000))
BOMB, LONG, BENT, NOWHERE, ELSEWHERE = UNITS[3], UNITS[250], UNITS[500], UNITS[750], UNITS[997]
_LOOPS = "{% for group in section.groups %}{% for line in group.lines %}" + "{% for a in line.text|list %}" * 4
_EXPLODES = _LOOPS + "{% endfor %}" * 6 + "{{ section.count }} 项\n"


def units() -> dict[str, Unit]:
    found = dict(a_directory(names=UNITS).units)
    found[ELSEWHERE] = replace(found[ELSEWHERE], addresses={"mail": ("typo@exmaple.org",)})
    return found


class Office(MaildirChannel):
    """Files, by a server that knows everybody but one."""

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        if envelope.recipient == NOWHERE:
            raise Permanent("550 no such user", code="550")
        return super().send(payload, envelope, now)


@pytest.fixture
def stage(tmp_path) -> Stage:
    own = tmp_path / "templates" / "zh_CN"
    own.mkdir(parents=True)
    (own / "due.text.txt").write_text(_EXPLODES, encoding="utf-8")
    keys = MaildirKeys(kind="maildir", path="mailbox", sender="office@example.org")
    return Stage(
        tmp_path,
        channels={"mail": partial(Office, "mail", keys, tmp_path)},
        rules=(a_rule("deadline", before=[0]),),
        directory=a_directory(units=units()),
        allow_domains=("example.org",),
        templates=own.parent,
    )


def test_five_bad_things_among_a_thousand_letters(stage, caplog):
    texts = {BOMB: "长" * 150, LONG: "很长的措施。" * 1_200_000}
    for n, unit in enumerate(UNITS):
        stage.measure(str(n), "2021-06-15", [unit], text=texts.get(unit, "短"))
    stage.cycle("2021-06-15 09:00", stop=lambda: True)
    with writing(stage.engine) as session:  # as a slip in the database would leave it
        bent = update(ReminderRow).where(col(ReminderRow.unit) == BENT).values(kind="no such kind")
        session.connection().execute(bent)
    with caplog.at_level(logging.INFO):
        counts = stage.cycle("2021-06-15 09:01")
    states = {message.recipient: (message.state, message.why) for message in stage.messages()}
    bad = {unit: state for unit, state in states.items() if state[0] != "sent"}
    assert counts.messages["sent"] == len(stage.letters()) == len(UNITS) - 3
    assert set(bad) == {BENT, NOWHERE, ELSEWHERE}
    assert {state for state, _ in bad.values()} == {"failed"}
    assert "exmaple.org is not among sending.allow_domains" in bad[ELSEWHERE][1]
    assert bad[NOWHERE][1] == "550 no such user"
    assert "no such kind" in bad[BENT][1]
    assert states[BOMB] == ("sent", ""), "by the built-in template"
    assert states[LONG] == ("sent", "")
    assert sum(len(letter.as_bytes()) for letter in stage.letters()) < 1_000 * 50_000
