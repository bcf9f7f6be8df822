"""Every error a user can meet. The message says what is wrong and what to do; the class says who must act."""

from __future__ import annotations

from datetime import datetime


class ReminderError(Exception):
    """Base of all errors that are shown as one clear line, without a traceback."""


class UsageError(ReminderError):
    """Wrong usage or configuration; nothing was done (exit code 2)."""


class UnreadableLedger(UsageError):
    """The workbook cannot be read: locked, encrypted, of a foreign format, too large or hostile."""


class StoreMissing(UsageError):
    """There is no database at the configured place: `reminder init` or `reminder import` creates it."""


class DeliveryError(ReminderError):
    """A channel could not deliver. `code` is the peer's own code; `text` is safe to store and to show.

    `accepted_unknown` is True where the peer may have accepted the message before the failure.
    """

    def __init__(self, text: str, *, code: str = "", accepted_unknown: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.accepted_unknown = accepted_unknown


class Passing(DeliveryError):
    """It may work later: try again.

    `peer_ill` says that the fault is the peer's own and not this message's, so that others would meet it too. Who
    gives no code gave no answer, which is such a fault. `most` tries are worth while, the one that failed among them;
    None: as many as for any fault.
    """

    def __init__(
        self,
        text: str,
        *,
        code: str = "",
        accepted_unknown: bool = False,
        peer_ill: bool | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__(text, code=code, accepted_unknown=accepted_unknown)
        self.peer_ill = not code if peer_ill is None else peer_ill
        self.most = most


class RateLimited(DeliveryError):
    """The peer asks to slow down: nothing goes to this destination before `until` (aware)."""

    def __init__(self, text: str, *, until: datetime, code: str = "") -> None:
        super().__init__(text, code=code)
        self.until = until


class Permanent(DeliveryError):
    """This message will never be accepted: give it up and tell the office."""


class ChannelBroken(DeliveryError):
    """Nothing can go through this channel until somebody mends it (login refused, endpoint gone)."""


class Gone(ChannelBroken):
    """The receiver wants no more (HTTP 410): nothing goes there until the office opens it again."""


class TemplateFault(ReminderError):
    """A template cannot be used, or (`warning`) should be looked at: mend the named file at the named line."""

    def __init__(self, file: str, line: int, text: str, *, warning: bool = False) -> None:
        super().__init__(f"{file}:{line}: {text}")
        self.file, self.line, self.text, self.warning = file, line, text, warning
