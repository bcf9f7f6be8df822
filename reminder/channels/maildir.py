"""Messages as files in a Maildir (https://cr.yp.to/proto/maildir.html): for trials, replays and archives."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from reminder.channels.base import Channel, ChannelKeys, Sender
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import ChannelBroken, DeliveryError, Passing
from reminder.render import mime
from reminder.render.address import address_fault

_NEEDS_A_PERSON = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ELOOP})


class MaildirKeys(ChannelKeys):
    """`path`: the folder, made where it is missing; `sender`: who the messages come from."""

    kind: Literal["maildir"]
    path: str = Field(min_length=1)
    sender: Sender


class MaildirChannel(Channel):
    """A folder of messages on this machine; any mail program can open it."""

    Keys: ClassVar[type[ChannelKeys]] = MaildirKeys
    leaves_machine: ClassVar[bool] = False
    needs_address: ClassVar[bool] = False

    def __init__(self, name: str, keys: MaildirKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._sender = self.mail_from = keys.sender
        self._path = folder / keys.path

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """As for e-mail, so that a trial in files finds the faults the real channel would."""
        return address_fault(address, locale)

    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        """The same bytes as e-mail sends."""
        return mime.build(letter, envelope, self._sender)

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        """Stores the message under a name made of its id: a repeated attempt finds or replaces its own file."""
        name = _file_name(envelope.message_id)
        try:
            if self._read_already(name):
                return Receipt("kept", f"{name} has already been read")
            self._store(name, payload)
        except OSError as error:
            raise _meaning(error) from error
        return Receipt("stored", name)

    def _read_already(self, name: str) -> bool:
        """Whether a mail program has moved the message from new/ to cur/, where it adds its flags to the name."""
        return any((self._path / "cur").glob(f"{name}*"))

    def _store(self, name: str, payload: bytes) -> None:
        for part in ("tmp", "new", "cur"):
            (self._path / part).mkdir(mode=0o770, parents=True, exist_ok=True)  # the umask may take the group's away
        draft, final = self._path / "tmp" / name, self._path / "new" / name
        with draft.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(final)
        _sync(final.parent)


def _file_name(message_id: str) -> str:
    """Of fixed length and harmless characters, whatever the id holds."""
    return f"{sha256(message_id.encode()).hexdigest()[:32]}.reminder"


def _sync(folder: Path) -> None:
    """Makes the new name survive a power cut; Windows knows no such thing for folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _meaning(error: OSError) -> DeliveryError:
    text, code = f"cannot store the message: {error}", errno.errorcode.get(error.errno or 0, "")
    return ChannelBroken(text, code=code) if error.errno in _NEEDS_A_PERSON else Passing(text, code=code)
