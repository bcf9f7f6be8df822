"""Webhooks, claims and settlements included: to nginx beside a bare Session, to a late peer beside what it can take and
beside bare Sessions in as many threads, which neither claim nor settle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import requests

from reminder.channels import open_channel
from reminder.channels.base import Channel
from reminder.channels.webhook import WebhookKeys
from tests.bench.measure import Figures, at_least, interleaved
from tests.bench.offices import Office, waiting_office
from tests.bench.peers import late_peer, nginx

MANY = 2016  # by 32
LATE_SECONDS = 0.05
BODY = json.dumps({"type": "reminder.due", "data": {"text": "整改" * 90}}, ensure_ascii=False).encode()


def webhook() -> Figures:
    """Messages a second, medians of five rounds."""
    with nginx() as port, late_peer(LATE_SECONDS) as late, tempfile.TemporaryDirectory() as scratch:
        offices = {
            "engine_to_nginx": _office(scratch, "nginx", port, 16),
            "engine_16_late": _office(scratch, "late16", late, 16),
            "engine_32_late": _office(scratch, "late32", late, 32),
        }
        sides: dict[str, Callable[[], float | None]] = {
            "session": lambda: _posted(port, MANY),
            "sessions_16_late": lambda: _sessions(late, 16),
            "sessions_32_late": lambda: _sessions(late, 32),
        }
        seconds = interleaved(sides | {name: partial(_delivered, office) for name, office in offices.items()})
        for office in offices.values():
            office.close()
    rates = {f"{name}_per_s": MANY / taken for name, taken in seconds.items()}
    figures = rates | {
        "engine_of_session": seconds["session"] / seconds["engine_to_nginx"],
        "of_possible_at_16": rates["engine_16_late_per_s"] / (16 / LATE_SECONDS),
        "of_possible_at_32": rates["engine_32_late_per_s"] / (32 / LATE_SECONDS),
        "sessions_of_possible_at_16": rates["sessions_16_late_per_s"] / (16 / LATE_SECONDS),
        "sessions_of_possible_at_32": rates["sessions_32_late_per_s"] / (32 / LATE_SECONDS),
    }
    return figures, {
        "engine_of_session": at_least(0.8),
        "of_possible_at_16": at_least(0.9),
        "of_possible_at_32": at_least(0.8),
    }


def _office(scratch: str, name: str, port: int, connections: int) -> Office:
    folder = Path(scratch) / name
    folder.mkdir()
    return waiting_office(folder, MANY, partial(a_channel, port, connections), BODY)


def a_channel(port: int, connections: int) -> Channel:
    """A webhook to 127.0.0.1."""
    keys = {"kind": "webhook", "url": f"http://127.0.0.1:{port}/hook", "allow_private": ["127.0.0.0/8"]}
    return open_channel("mail", WebhookKeys.model_validate(keys | {"connections": connections}), Path())


def _delivered(office: Office) -> float:
    office.wait_again()
    return office.delivered()


def _sessions(port: int, connections: int) -> None:
    with ThreadPoolExecutor(connections) as beside:
        list(beside.map(partial(_posted, port), [MANY // connections] * connections))


def _posted(port: int, many: int) -> None:
    with requests.Session() as session:
        for _ in range(many):
            session.post(f"http://127.0.0.1:{port}/hook", data=BODY).raise_for_status()
