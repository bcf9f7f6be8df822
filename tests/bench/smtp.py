"""Mail to smtp-sink: our channel alone, the engine with claims and settlements, and the yardsticks beside them; among
these what the engine asks of its database and of the server, done by the driver and sockets alone."""

from __future__ import annotations

import smtplib
import tempfile
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reminder.channels import open_channel
from reminder.channels.base import Channel
from reminder.channels.email import EmailKeys
from reminder.domain.message import Envelope, Letter
from reminder.render.mime import build
from tests.bench.measure import Figures, at_least, interleaved
from tests.bench.offices import Office, waiting_office
from tests.bench.peers import smtp_sink, smtp_source
from tests.bench.tape import Step, play, recorded

MANY = 4000
SESSIONS = 8
_IN_TURN = 2  # connections of a worker
ENGINE_CONNECTIONS = 16  # so many mails may be on the way: they begin and are settled together
_NOW = datetime(2021, 6, 8, 1, 0, tzinfo=UTC)
_ENVELOPE = Envelope(message_id="r-1@example.org", recipient="建设局", addresses=("b@x.org",), written_at=_NOW)


def a_mail() -> bytes:
    """Some 7 kB, as a nudge of twenty rows is."""
    rows = "".join(f"<tr><td>{n}</td><td>第{n}项措施：完成整改并报送佐证材料</td></tr>" for n in range(20))
    text = "".join(f"{n}．第{n}项措施，时限2021年6月15日，请按期完成并报送\n" for n in range(20))
    letter = Letter(subject="整改提醒：20项措施将于本周到期", text=text, html=f"<table>{rows}</table>", brief="20项")
    return build(letter, _ENVELOPE, "整改办 <a@x.org>")


def smtp() -> Figures:
    """Messages a second, medians of five rounds."""
    mail = a_mail()
    with smtp_sink() as port, tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "mail.eml"
        file.write_bytes(mail.replace(b"\r\n", b"\n"))
        office = waiting_office(Path(scratch), MANY, partial(mail_channel, port, ENGINE_CONNECTIONS), mail)
        office.wait_again()
        with recorded(office.service.engine) as tape:
            office.delivered()
        seconds = interleaved(
            {
                "smtp_source": lambda: smtp_source(port, SESSIONS, MANY, file),
                "alone": lambda: alone(port, mail),
                "smtplib": lambda: _smtplib(port, mail),
                "with_claims": partial(_engine, office),
                "driver_alone": lambda: _driver_alone(office, tape, port),
            }
        )
        office.close()
    rates = {f"{name}_per_s": MANY / taken for name, taken in seconds.items()}
    figures = rates | {
        "mail_bytes": float(len(mail)),
        "alone_of_smtp_source": seconds["smtp_source"] / seconds["alone"],
        "alone_of_smtplib": seconds["smtplib"] / seconds["alone"],
        "with_claims_of_smtp_source": seconds["smtp_source"] / seconds["with_claims"],
        "with_claims_of_driver_alone": seconds["driver_alone"] / seconds["with_claims"],
        "driver_alone_of_smtp_source": seconds["smtp_source"] / seconds["driver_alone"],
    }
    required = {
        "alone_of_smtp_source": at_least(0.65),
        "alone_of_smtplib": at_least(2.5),
        "with_claims_of_smtp_source": at_least(0.25),
    }
    return figures, required


def mail_channel(port: int, connections: int = 2) -> Channel:
    keys = {"kind": "email", "host": "127.0.0.1", "port": port, "tls": "none", "sender": "整改办 <a@x.org>"}
    checked = EmailKeys.model_validate(keys | {"connections": connections, "per_connection": MANY})
    return open_channel("mail", checked, Path())


def alone(port: int, mail: bytes) -> None:
    """As a worker sends them: handed over on one connection while the server answers on the other, each mail's
    parties told right behind the one before it."""
    channels, answers = [mail_channel(port) for _ in range(_IN_TURN)], deque[Callable[[], object]]()
    for number in range(MANY):
        channel = channels[number % _IN_TURN]
        channel.expect(_ENVELOPE if number + _IN_TURN < MANY else None)
        answers.append(channel.hand_over(mail, _ENVELOPE, _NOW))
        if len(answers) == _IN_TURN:
            answers.popleft()()
    while answers:
        answers.popleft()()
    for channel in channels:
        channel.close()


def _smtplib(port: int, mail: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for _ in range(MANY):
            client.sendmail("a@x.org", ["b@x.org"], mail)


def _engine(office: Office) -> float:
    office.wait_again()
    return office.delivered()


def _driver_alone(office: Office, tape: list[Step], port: int) -> float:
    office.wait_again()
    begun = time.perf_counter()
    play(tape, str(office.service.engine.url.database), port)
    passed = time.perf_counter() - begun
    assert office.waiting() == 0
    return passed
