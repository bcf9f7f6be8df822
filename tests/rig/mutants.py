"""Twelve planted mutants, and for each the scenario of the rigs that must catch it.

A scenario takes a mutant's plant, plays with real processes, and returns what was wrong: nothing without a mutant.
Plants run in the forked victims only. Where a mutant can be planted in the database it is: that survives rebuilding.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from reminder import cycle, deliver
from reminder.channels import http_channel, http_reply, robot, smtp_session
from reminder.channels.email import EmailChannel
from reminder.channels.guard import Guard
from reminder.cycle import dispatch, prepare
from reminder.cycle.service import Service
from reminder.errors import Passing
from reminder.plan import known_parts
from reminder.store import reminders
from reminder.store.engine import writing
from reminder.store.memory import Memory, remember
from reminder.store.outbox_tables import DeliveryRow, MessageRow
from reminder.store.tables import MeasureRow, MeasureUnitRow
from tests.makers import a_rule
from tests.rig import offices
from tests.rig.kills import UNITS, Plant, Trial
from tests.rig.peers import Receiver

InDatabase = Callable[[sqlite3.Connection], object]
Scenario = Callable[[Path, Receiver, Plant, InDatabase], list[str]]
ACCEPTED = "http: accepted, before the answer"


def _trial(folder: Path, peer: Receiver, kind: str, mutant: Plant, planted: InDatabase) -> Trial:
    trial = Trial(folder, peer, kind, mutant=mutant)
    with closing(sqlite3.connect(trial.folder / "reminder.db")) as database:
        planted(database)
    return trial


# --- scenarios


def killed_at(point: str) -> Scenario:
    """One kill at a point, then heirs."""

    def play(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
        trial = _trial(folder, peer, "email", mutant, planted)
        trial.victim(trial.at(point))
        trial.heirs()
        return trial.verdict()

    return play


def import_in_mid_day(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """A nudge at nine; a measure of the same unit known since today comes at ten."""
    trial = _trial(folder, peer, "email", mutant, planted)
    trial.more_rules = (a_rule("nudge", name="weekly", on="tuesday"),)
    trial.heirs()
    before = trial.peer.accepted()
    with writing(trial.engine) as session:
        today = date(2021, 6, 8)
        new = MeasureRow(code="U1R9", text="措施", deadline_kind="ongoing", status="in_progress", known_on=today)
        session.add(new)
        session.flush()
        session.add(MeasureUnitRow(measure_id=new.id or 0, role="responsible", position=0, unit="U1"))
    trial.heirs()
    return [f"nudged again at {line.to}" for line in trial.peer.accepted()[len(before) :]]


def two_at_once(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """One daemon is slow in the midst of an attempt while another one works, well within the lease."""
    trial = _trial(folder, peer, "webhook", mutant, planted)
    trial.step = 1
    slow = trial.zombie(ACCEPTED, "and answered")
    trial.victim(lambda: peer.order(kill={}) and None)
    trial.revive(slow)
    trial.step = 7
    trial.heirs()
    return trial.verdict()


def zombie(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """A daemon sleeps beyond its lease in the midst of an attempt, and wakes up to a broken connection."""
    trial = _trial(folder, peer, "webhook", mutant, planted)
    asleep = trial.zombie(ACCEPTED, "and hung up on")
    trial.victim(lambda: peer.order(kill={}) and None)
    trial.revive(asleep)
    trial.allowed.update({trial.peer.accepted()[0].key: 1})  # one copy a zombie
    trial.heirs()
    return trial.verdict()


def poisoned_row(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """One message's reminder cannot be read: the others go."""
    trial = _trial(folder, peer, "email", mutant, planted)
    trial.patience = 15  # the mutant never gets there; without it a second is enough
    trial.victim(trial.at("before the claim"))
    with trial.engine.begin() as connection:
        connection.execute(text("UPDATE reminder SET lines = 'no JSON' WHERE unit = 'U1'"))
    trial.victim(lambda: None)
    reached = {line.to for line in trial.peer.accepted()}
    return [f"U{n} got nothing" for n in range(UNITS) if n != 1 and f"u{n}@example.org" not in reached]


def hostile_pause(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """One endpoint asks us to wait for thirty years; the next working day it would accept."""
    trial = _trial(folder, peer, "hooks", mutant, planted)
    peer.order(faults={"first": {"/u1": "429 for ever"}})
    for hours in (0, 5, 24, 29):
        trial.step, trial.cycles = 60 * hours, 1
        trial.victim(lambda: None)
    return [f"U{n} got nothing" for n in range(UNITS) if f"/u{n}" not in {line.to for line in peer.accepted()}]


def no_goodbye(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """QQ answers QUIT with zeros and hangs up."""
    trial = _trial(folder, peer, "email", mutant, planted)
    peer.order(faults={"quit": True})
    trial.heirs()
    return trial.verdict()


def refused_with_200(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """A robot refuses with HTTP 200 and a code."""
    trial = _trial(folder, peer, "wecom", mutant, planted)
    peer.order(faults={"robot": True, "first": {"/robot": "errcode"}})
    for _ in range(12):
        trial.victim(lambda: None)
    told = {code for line in peer.accepted() for code in re.findall(r"U\dR\d", line.content)}
    return [f"{code} never came" for code in sorted(trial.codes - told)]


def moved_away(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """An endpoint answers with a redirect to somewhere else."""
    trial = _trial(folder, peer, "hooks", mutant, planted)
    peer.order(faults={"at": {"/u1": "301"}})
    trial.victim(lambda: None)
    return [f"followed to {line.to}" for line in peer.lines() if line.to == "/canary"]


def secret_in_a_url(folder: Path, peer: Receiver, mutant: Plant, planted: InDatabase) -> list[str]:
    """Nobody listens at a robot's secret address; what the library says of that holds the whole address."""
    trial = _trial(folder, peer, "wecom", mutant, planted)
    os.environ["RIG_CLOSED_URL"] = "http://127.0.0.1:1/send?key=CANARY-5b1c"
    trial.more_keys = {"url": {"env": "RIG_CLOSED_URL"}}
    trial.victim(lambda: None)
    told = [row.text for row in offices.rows(trial.engine, DeliveryRow)]
    told += [row.why for row in offices.rows(trial.engine, MessageRow)]
    assert any(told)
    return [said for said in told if "CANARY" in said]


# --- mutants


def no_unique_key() -> None:
    """Nobody asks which occasions are stored already. The database has no key either, see `without_key`."""
    reminders._known = lambda *_: set()


def _rewritten(honest: str, mutated: str) -> None:
    """Statements with `honest` in them go to the database with `mutated` instead."""

    def rewritten(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        return statement.replace(honest, mutated), parameters

    event.listen(Engine, "before_cursor_execute", rewritten, retval=True)


def no_lease_check() -> None:
    _rewritten("message.lease_until <", "1 = 1 OR message.lease_until <")


def committed_apart() -> None:
    """The cycle is remembered in a transaction of its own, before its reminders are put into the outbox."""
    honest = cycle._put

    def apart(service: Service, session: Session, memory: Memory, now: datetime) -> int:
        remember(session, now, known_parts(service.rules, service.directory), {})
        session.flush()
        session.connection().exec_driver_sql("COMMIT")
        session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        return honest(service, session, memory, now)

    cycle._put = apart


def one_batch() -> None:
    def all_or_none(service: Any, opened: Any, session: Any, batch: Any) -> list[Any]:
        desk = prepare._Desk.read(service, session, batch)
        return [desk.decide(message, opened(message.channel)) for message in batch.claimed]

    dispatch.prepare = all_or_none  # type: ignore[assignment]


def pause_unbounded() -> None:
    http_reply._LONGEST = timedelta(days=20000)
    deliver._LATEST = timedelta(days=20000)


def quit_counted() -> None:
    honest = EmailChannel._answer

    def answer(self: EmailChannel, *arguments: Any) -> Any:
        receipt = honest(self, *arguments)
        smtp = self._session.smtp
        assert smtp
        try:
            code, _ = smtp.docmd("quit")
        except OSError as error:
            raise Passing(str(error), accepted_unknown=True) from error
        if code != 221:
            raise Passing("no goodbye", accepted_unknown=True)
        return receipt

    EmailChannel._answer = answer  # type: ignore[method-assign]


def errcode_ignored() -> None:
    robot.verdict = lambda *_: None


def redirects_followed() -> None:
    honest = Guard.send

    def send(self: Guard, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        response = honest(self, request, **named)
        if not response.is_redirect:
            return response
        moved = request.copy()
        moved.url = urljoin(request.url or "", response.headers["Location"])
        return honest(self, moved, **named)

    Guard.send = send  # type: ignore[method-assign]


def redaction_off() -> None:
    http_channel.redact = smtp_session.redact = lambda said, _secrets: said


def no_fencing() -> None:
    _rewritten("AND message.lease_token = ?", "AND (message.lease_token = ? OR 1 = 1)")


def marked_early(database: sqlite3.Connection) -> None:
    database.executescript("""
        CREATE TRIGGER early AFTER INSERT ON delivery BEGIN
            UPDATE message SET state = 'sent', finished_at = NEW.at, next_attempt_at = NULL WHERE id = NEW.message_pk;
        END""")


def named_anew(database: sqlite3.Connection) -> None:
    database.executescript("""
        CREATE TRIGGER anew AFTER UPDATE OF lease_token ON message WHEN NEW.state = 'sending' AND NEW.attempts > 0 BEGIN
            UPDATE message SET message_id = 'r-' || lower(hex(randomblob(10))) || '@example.org' WHERE id = NEW.id;
            DELETE FROM payload WHERE message_pk = NEW.id;
        END""")


def without_key(database: sqlite3.Connection) -> None:
    (made,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'reminder'").fetchone()
    without, n = re.subn(r",\s*CONSTRAINT uq_reminder_occasion UNIQUE \([^)]*\)", "", made)
    assert n == 1
    database.executescript(f"DROP TABLE reminder; {without}")


def nothing(*_: object) -> None:
    """Plants nothing."""


@dataclass(frozen=True)
class Mutant:
    """What is planted in each victim, and in the database."""

    scenario: Scenario
    plant: Plant = nothing
    planted: InDatabase = nothing


MUTANTS = {
    "mark before send": Mutant(killed_at("bytes committed, not sent"), planted=marked_early),
    "no unique key": Mutant(import_in_mid_day, no_unique_key, without_key),
    "no lease check": Mutant(two_at_once, no_lease_check),
    "new id per retry": Mutant(killed_at("accepted, not settled"), planted=named_anew),
    "state and outbox committed apart": Mutant(killed_at("after the scan"), committed_apart),
    "render inside the batch": Mutant(poisoned_row, one_batch),
    "retry-after unbounded": Mutant(hostile_pause, pause_unbounded),
    "QUIT counted": Mutant(no_goodbye, quit_counted),
    "errcode ignored": Mutant(refused_with_200, errcode_ignored),
    "redirects followed": Mutant(moved_away, redirects_followed),
    "redaction off": Mutant(secret_in_a_url, redaction_off),
    "rescue without fencing": Mutant(zombie, no_fencing),
}
