"""Messages as files that any mail program opens."""

from __future__ import annotations

import errno
import mailbox
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from reminder.channels import open_channel
from reminder.channels.base import Channel
from reminder.channels.maildir import MaildirKeys
from reminder.domain.message import Envelope, Letter
from reminder.errors import ChannelBroken, Passing


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    keys = MaildirKeys(kind="maildir", path="mail/box", sender="整改办 <office@example.org>")
    return open_channel("files", keys, tmp_path)


def send(channel: Channel, letter: Letter, envelope: Envelope, now: datetime) -> bytes:
    payload = channel.render(letter, envelope)
    channel.send(payload, envelope, now)
    return payload


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "mail" / "box").rglob("*") if path.is_file())


def test_a_message_lands_in_new_byte_for_byte(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    payload = send(channel, letter, envelope, now)
    (file,) = stored(tmp_path)
    assert file.parent.name == "new"
    assert file.read_bytes() == payload
    (message,) = mailbox.Maildir(str(tmp_path / "mail" / "box"), create=False)
    assert message["Message-ID"] == "<r-42@reminder.example.org>"


def test_a_repeated_attempt_is_one_message(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    send(channel, letter, envelope, now)
    send(channel, letter, envelope, now)
    send(channel, letter, replace(envelope, message_id="r-43@reminder.example.org"), now)
    assert len(stored(tmp_path)) == 2


def test_a_message_already_read_does_not_come_back(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    send(channel, letter, envelope, now)
    (file,) = stored(tmp_path)
    file.rename(file.parent.parent / "cur" / f"{file.name}:2,S")
    send(channel, letter, envelope, now)
    assert len(stored(tmp_path)) == 1


def test_it_needs_no_address_and_leaves_nothing_off_the_machine(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    assert (channel.needs_address, channel.leaves_machine) == (False, False)
    send(channel, letter, replace(envelope, addresses=()), now)
    assert b":;\r\n" in stored(tmp_path)[0].read_bytes()


def test_a_hostile_id_does_not_leave_the_folder(
    channel: Channel, tmp_path: Path, envelope: Envelope, now: datetime
) -> None:
    channel.send(b"x", replace(envelope, message_id="../../../../evil@example.org"), now)
    assert len(stored(tmp_path)) == 1


def test_a_file_where_the_folder_should_be_breaks_the_channel(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    (tmp_path / "mail").write_text("in the way")
    with pytest.raises(ChannelBroken, match="cannot store"):
        send(channel, letter, envelope, now)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_breaks_the_channel(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ChannelBroken, match="cannot store"):
        send(channel, letter, envelope, now)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_worth_another_try(
    channel: Channel, tmp_path: Path, letter: Letter, envelope: Envelope, now: datetime
) -> None:
    send(channel, letter, envelope, now)
    (file,) = stored(tmp_path)
    file.unlink()
    (file.parent.parent / "tmp" / file.name).symlink_to("/dev/full")
    with pytest.raises(Passing, match="cannot store") as caught:
        send(channel, letter, envelope, now)
    assert caught.value.code == errno.errorcode[errno.ENOSPC]
