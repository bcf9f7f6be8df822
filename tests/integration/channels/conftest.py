"""A letter, its envelope and a certificate authority for all channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from channel_batch import Batch, Group, Hook, Mail

from reminder.channels import CHANNELS, open_channel
from reminder.channels.email import EmailKeys
from reminder.channels.webhook import WebhookKeys
from reminder.domain.message import Envelope, Letter


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def now() -> datetime:
    return datetime(2021, 5, 6, 1, 0, tzinfo=UTC)


@pytest.fixture
def letter() -> Letter:
    return Letter(
        subject="整改提醒：3项措施将于本周到期",
        text=".\n第73项将于6月30日到期。\n..\n",
        html="<p>第73项</p>",
        brief="第73项",
        data={"kind": "due", "measures": ["73"]},
    )


@pytest.fixture
def envelope(now: datetime) -> Envelope:
    return Envelope(
        message_id="r-42@reminder.example.org", recipient="建设局", addresses=("jsj@example.org",), written_at=now
    )


@pytest.fixture
def mail(tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime) -> Mail:
    usual = {"kind": "email", "host": "localhost", "sender": "整改办 <office@例子.中国>", "tls": "none", "timeout": 5}

    @contextmanager
    def opened(port: int, **keys: object) -> Iterator[Batch]:
        channel = open_channel("mail", EmailKeys.model_validate({**usual, "port": port, **keys}), tmp_path)
        try:
            yield Batch(channel, letter, envelope, now)
        finally:
            channel.close()

    return opened


@pytest.fixture
def hook(tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime) -> Hook:
    usual = {"kind": "webhook", "allow_private": ["127.0.0.0/8"], "timeout": 5}

    def opened(url: object, **keys: object) -> Batch:
        channel = open_channel("hook", WebhookKeys.model_validate({**usual, "url": url, **keys}), tmp_path)
        return Batch(channel, letter, replace(envelope, addresses=()), now)

    return opened


@pytest.fixture
def group(tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Group:
    usual = {"url": {"env": "ROBOT_URL"}, "allow_private": ["127.0.0.0/8"], "timeout": 5}

    def opened(kind: str, url: str, **keys: object) -> Batch:
        monkeypatch.setenv("ROBOT_URL", url)
        known = CHANNELS[kind].Keys.model_validate({"kind": kind, **usual, **keys})
        return Batch(open_channel("group", known, tmp_path), letter, replace(envelope, addresses=()), now)

    return opened
