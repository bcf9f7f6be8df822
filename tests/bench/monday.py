"""A Monday of ten thousand units with 600,000 open measures: every unit's nudge, from the tick until a peer has
accepted it, against the plain way and against the best times of its parts; the rows that nudges are made of."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from sqlmodel import Session, col, select

from reminder.cycle import enqueue
from reminder.cycle.engine import Engine
from reminder.cycle.service import Service
from reminder.domain.measure import Measure
from reminder.domain.reminder import Reminder
from reminder.plan import asks
from reminder.rules.kinds.nudge import in_order
from reminder.rules.rule import Span
from reminder.scan import portions
from reminder.store.engine import reading
from reminder.store.garbage import uncollected
from reminder.store.outbox_tables import MessageRow, ReminderRow
from reminder.store.shown import shown
from reminder.store.tables import OPEN_EACH, MeasureRow, MeasureUnitRow
from tests.bench import enqueueing, smtp
from tests.bench.country import BACKENDS, UNITS, country, unit_name
from tests.bench.enqueueing import value_of
from tests.bench.letters import MONDAY, Plain, envelope, ours, reminder
from tests.bench.measure import Figures, at_least, at_most, interleaved, seconds
from tests.bench.office import empty, office, restart, rule
from tests.bench.peers import smtp_sink
from tests.makers import at

_MANY = 1_000_000
_SHOWN = 20
_TENTH = 10  # the plain way takes minutes: a tenth of the units, ten times
_LETTERS = 500
_NOW, _SUNDAY = at(f"{MONDAY} 09:00"), at("2026-03-01 09:00")
_OPEN = OPEN_EACH.replace("status", "m.status")
_ROW = "m.id, m.code, m.text, m.problem_text, m.leader, m.deadline_on, m.status, m.percent, m.progress, m.progress_on"
_OF = f"FROM measure_unit u JOIN measure m ON m.id = u.measure_id WHERE u.role = 'responsible' AND {_OPEN}"
_COUNTS = f"SELECT u.unit, count(*) {_OF} GROUP BY u.unit"
_TOP = f"{_OF} AND u.unit = w.unit ORDER BY m.deadline_on, m.id LIMIT {_SHOWN}"
_UNITS = "(SELECT DISTINCT unit FROM measure_unit WHERE role = 'responsible') w"
_RANK = "row_number() OVER (PARTITION BY u.unit ORDER BY m.deadline_on, m.id) AS place"
_ONCE = f"SELECT * FROM (SELECT u.unit, {_ROW}, {_RANK}, count(*) OVER (PARTITION BY u.unit) {_OF}) w"
_BEST = {  # of what each database was tried with: windows take SQLite half as long again, LATERAL PostgreSQL five times
    "sqlite": [
        (_COUNTS, UNITS),
        (f"SELECT w.unit, {_ROW} FROM {_UNITS} JOIN measure m ON m.id IN (SELECT m.id {_TOP})", UNITS * _SHOWN),
    ],
    "postgresql": [(f"{_ONCE} WHERE place <= {_SHOWN}", UNITS * _SHOWN)],
}


@contextmanager
def _monday(backend: str, channel: Callable[[], object] | None = None) -> Iterator[Service]:
    rules = (rule("nudge", name="weekly-nudge", on="monday"),)
    channels = {"mail": channel} if channel else {}
    with office(country(backend, _MANY), _SUNDAY, rules, channels) as service:  # type: ignore[arg-type]
        yield service


def nudge() -> Figures:
    """What a Monday's nudges are made of: all open measures in outline, in parts and unit by unit, because a plan lists
    each; and of the twenty that come first in the nudge's own order, all that a letter shows. Against the best SQL for
    their number and these twenty. The program reads the twenty when it writes the letter."""
    figures: dict[str, float] = {}
    for backend in BACKENDS:
        with _monday(backend) as service:
            took = interleaved({"ours": partial(_read, service), "raw": partial(_raw, service, backend)})
            figures |= {
                f"{backend}_ours_s": took["ours"],
                f"{backend}_raw_s": took["raw"],
                f"{backend}_over_raw": took["ours"] / took["raw"],
            }
    return figures, {f"{backend}_over_raw": at_most(1.5) for backend in BACKENDS}


def _read(service: Service) -> None:
    span, (rule,) = Span(MONDAY, MONDAY), service.rules
    asked = asks(service.rules, span, service.practice)
    listed = rows = 0
    with reading(service.engine) as session, uncollected():  # as a cycle does
        for facts in portions(session, asked, (), service.directory, MONDAY):
            found = rule.by_unit(facts).values()
            listed += sum(map(len, found))
            told = shown(session, [one for measures in found for one in in_order(measures)[:_SHOWN]])
            rows += sum(1 for measure in told if measure.text and measure.progress_on)
    assert listed >= _MANY * 0.6
    assert rows == UNITS * _SHOWN


def _raw(service: Service, backend: str) -> None:
    with service.engine.connect() as connection:
        cursor = connection.connection.cursor()
        for statement, expected in _BEST[backend]:
            cursor.execute(statement)
            assert len(cursor.fetchall()) == expected
        cursor.close()


def monday() -> Figures:
    """Seconds from the tick to the last acceptance, on SQLite with its full durability. The parts do what the whole has
    to: they write and send the letters of that Monday, not one of them again and again out of what is remembered."""
    with smtp_sink() as port, _monday("sqlite", lambda: smtp.mail_channel(port, smtp.ENGINE_CONNECTIONS)) as service:
        with reading(service.engine) as session:
            letters = [reminder(_of_unit(session, unit_name(number))) for number in range(_LETTERS)]
        due = [enqueueing.single(n, n) for n in range(UNITS)]
        rows, letter = enqueueing.rows_for(service.engine, due), ours(letters[0], envelope(1))
        parts: dict[str, Callable[[], float | None]] = {
            "read": partial(_raw, service, "sqlite"),
            "enqueue": partial(enqueueing.raw, service.engine, rows),
            "compose": lambda: UNITS / _LETTERS * seconds(partial(_composed, letters)),
            "send": lambda: UNITS / smtp.MANY * seconds(lambda: smtp.alone(port, letter)),
        }
        took = interleaved(
            parts | {"ours": partial(_sent, service), "plain": lambda: _TENTH * _plain(service, Plain(), port)}
        )
    figures = {f"{name}_s": taken for name, taken in took.items()} | {
        "over_plain": took["plain"] / took["ours"],
        "over_parts": took["ours"] / sum(took[name] for name in parts),
    }
    return figures, {"over_plain": at_least(5), "over_parts": at_most(1.8)}


def _composed(letters: list[Reminder]) -> None:
    for number, told in enumerate(letters):
        ours(told, envelope(number))


def _sent(service: Service) -> float:
    restart(service, _SUNDAY)
    begun = time.perf_counter()

    def clock() -> datetime:
        return datetime.fromtimestamp(_NOW.timestamp() + time.perf_counter() - begun, UTC)

    assert enqueue(service, clock()).planned == UNITS
    engine = Engine(service, clock)
    engine.start()
    assert engine.drained(900)
    passed = time.perf_counter() - begun
    engine.stop(10)
    assert engine.dispatch.counts == {"sent": UNITS}, engine.dispatch.counts
    return passed


def _plain(service: Service, write: Plain, port: int) -> float:
    """What one writes first: a query a unit, Jinja2, EmailMessage, one kept-open smtplib, a commit a message."""
    empty(service.engine)
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(0, UNITS, _TENTH):
            with Session(service.engine) as session, session.begin():
                told = reminder(_of_unit(session, unit_name(number)))
                mail = write(told, envelope(number))
                message = MessageRow(
                    message_id=uuid4().hex,
                    channel="mail",
                    recipient=told.recipient,
                    due_at=_NOW,
                    created_at=_NOW,
                    payload=mail,
                    state="sent",
                )
                session.add(message)
                session.flush()
                session.add(_row(told.recipient, message))
                client.sendmail("a@x.org", ["b@x.org"], mail)
    return time.perf_counter() - begun


def _of_unit(session: Session, unit: str) -> list[Measure]:
    ids = select(MeasureUnitRow.measure_id).where(MeasureUnitRow.unit == unit, MeasureUnitRow.role == "responsible")
    states = ("not_started", "in_progress", "phase_complete")
    rows = select(MeasureRow).where(col(MeasureRow.id).in_(ids), col(MeasureRow.status).in_(states))
    return [value_of(row, unit) for row in session.exec(rows)]


def _row(unit: str, message: MessageRow) -> ReminderRow:
    named = {"rule": "weekly-nudge", "kind": "nudge", "subject": f"unit:{unit}", "unit": unit, "recipient": unit}
    return ReminderRow(**named, occasion=MONDAY, channel="mail", at=_NOW, message_pk=message.id)


def held() -> float:
    """The resident memory in MiB of a process that plans and sends a whole Monday and of the one that writes letters
    for it, by /proc (Linux): the highest of each, added; pages that they share count twice. What the system tells of an
    ended child would also count its parent, whose memory it had until it became a program of its own. One that was
    ended because there was little to write, and another one started afterwards, are never there together."""
    monday = subprocess.Popen([sys.executable, "-m", "tests.bench.monday"])
    own = beside = 0
    while monday.poll() is None:
        beside = max(beside, sum(map(_highest, _children(monday.pid))))
        own = _highest(monday.pid) or own
        time.sleep(0.05)
    assert monday.returncode == 0
    return (own + beside) / 1024


def _children(process: int) -> list[int]:
    try:
        told = [file.read_text() for file in Path(f"/proc/{process}/task").glob("*/children")]
    except OSError:
        return []
    return [int(one) for one in " ".join(told).split()]


def _highest(process: int) -> int:
    """In KiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _alone() -> None:
    """The Monday of `held`, into a folder of files."""
    from reminder.channels import open_channel  # noqa: PLC0415
    from reminder.channels.maildir import MaildirKeys  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        keys = MaildirKeys.model_validate({"kind": "maildir", "path": "mailbox", "sender": "a@x.org"})
        with _monday("sqlite", lambda: open_channel("mail", keys, Path(folder))) as service:
            _sent(service)


if __name__ == "__main__":
    _alone()
