"""Any HTTP endpoint: one POST per message, signed after Standard Webhooks 1.0.0, kept out of private networks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from reminder.channels.base import ChannelKeys
from reminder.channels.http_channel import HttpChannel, HttpKeys
from reminder.channels.http_reply import Success, verdict
from reminder.channels.secret import Header, Secret, Url, encrypted_url, revealed
from reminder.channels.signature import signed, webhook_id
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import ChannelBroken, UsageError
from reminder.words import say

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 §5.6.2
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


def _own_header(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("webhook-"):
        raise ValueError(f"the header {name!r} is not a name, or one that the service sets itself")
    return name


class WebhookKeys(HttpKeys):
    """`template` names the body's template ("default": none, facts as JSON); `timeout` in seconds for all of an
    attempt; `allow_private` the networks inside the house that the endpoint may lie in; `connections` at once."""

    kind: Literal["webhook"]
    url: Url
    secret: Secret | None = None
    template: str = Field(default="default", pattern=r"^[A-Za-z0-9_-]+$")
    headers: Mapping[Annotated[str, AfterValidator(_own_header)], Header] = Field(default_factory=dict)
    success: Success = Success()
    connections: int = Field(default=2, ge=1, le=64)


class WebhookChannel(HttpChannel):
    """One endpoint."""

    Keys: ClassVar[type[ChannelKeys]] = WebhookKeys
    needs_address: ClassVar[bool] = False
    keeps_open: ClassVar[bool] = True  # webhook-id tells a repeated request from a new one

    def __init__(self, name: str, keys: WebhookKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._keys = keys
        self.connections = keys.connections
        self.body_template = None if keys.template == "default" else keys.template

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """An address is whatever the body's template needs, a number or a name: only its form is looked at."""
        good = address.strip() == address and 0 < len(address) <= 200 and address.isprintable()
        shown = "".join(c if c.isprintable() else "�" for c in address)[:80]
        return None if good else say(locale, "channels.target_blank", address=shown)

    @property
    def destination(self) -> str:
        """The endpoint itself: one that is entered anew starts afresh."""
        try:
            url = revealed(self._keys.url, self.folder)
        except UsageError:
            return self.name
        return f"webhook:{sha256(url.encode()).hexdigest()[:16]}"

    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        """The template's body, else `{"type", "timestamp", "data"}`; serialised once, because these bytes are signed.

        ValueError where the message id cannot be a webhook id.
        """
        webhook_id(envelope.message_id)
        if letter.body:
            return letter.body.encode("utf-8")
        facts = {
            "type": f"reminder.{letter.data.get('kind', 'message')}",
            "timestamp": envelope.written_at.isoformat(),
            "data": dict(letter.data),
        }
        return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        """One POST. Only a 2xx that passes `success` counts."""
        url, headers = self._request(payload, envelope, now)
        answer = self.answer(url, headers, payload)
        error = verdict(answer, self._keys.success, now)
        if error:
            raise self.cleaned(error)
        return Receipt(str(answer.status), self.clean(answer.words()))

    def _request(self, payload: bytes, envelope: Envelope, now: datetime) -> tuple[str, dict[str, str]]:
        """URL and headers with all secrets revealed. ChannelBroken where one is missing or unusable."""
        keys, folder = self._keys, self.folder
        try:
            url = encrypted_url(revealed(keys.url, folder), inside=bool(keys.allow_private))
            own = {name: revealed(value, folder) for name, value in keys.headers.items()}
            secret = keys.secret.reveal(folder) if keys.secret else ""
            signature = signed(envelope.message_id, now, payload, secret)
        except (UsageError, ValueError) as error:
            raise ChannelBroken(self.clean(str(error))) from error
        return url, {"Content-Type": "application/json; charset=utf-8", **own, **signature}
