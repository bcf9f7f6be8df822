"""Any HTTP endpoint: one POST per message, signed after Standard Webhooks 1.0.0, kept out of private networks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import requests
from pydantic import AfterValidator, Field, IPvAnyNetwork
from urllib3.exceptions import HTTPError

from reminder.channels.base import Channel, ChannelKeys
from reminder.channels.deadline import cut_after
from reminder.channels.guard import Guard, NotAllowed
from reminder.channels.http_reply import Answer, Success, verdict
from reminder.channels.redact import redact
from reminder.channels.secret import Header, Secret, Url, checked_url, revealed, secrets_in
from reminder.channels.signature import signed, webhook_id
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import ChannelBroken, Passing, UsageError
from reminder.words import say

_MOST = 64 * 1024  # bytes of an answer that are read
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 §5.6.2
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


def _own_header(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("webhook-"):
        raise ValueError(f"the header {name!r} is not a name, or one that the service sets itself")
    return name


class WebhookKeys(ChannelKeys):
    """`template` names the body's template ("default": none, facts as JSON); `timeout` in seconds for all of an
    attempt; `allow_private` the networks inside the house that the endpoint may lie in."""

    kind: Literal["webhook"]
    url: Url
    secret: Secret | None = None
    template: str = Field(default="default", pattern=r"^[A-Za-z0-9_-]+$")
    headers: Mapping[Annotated[str, AfterValidator(_own_header)], Header] = Field(default_factory=dict)
    allow_private: tuple[IPvAnyNetwork, ...] = ()
    ca_file: str | None = None
    timeout: float = Field(default=15, gt=0, le=120)
    success: Success = Success()


class WebhookChannel(Channel):
    """One endpoint. Each attempt has a connection of its own: on one kept open, a peer that has just hung up cannot be
    told from one that accepted and died."""

    Keys: ClassVar[type[ChannelKeys]] = WebhookKeys
    needs_address: ClassVar[bool] = False

    def __init__(self, name: str, keys: WebhookKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._keys = keys
        self.body_template = None if keys.template == "default" else keys.template

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        """An address is whatever the body's template needs, a number or a name: only its form is looked at."""
        good = address.strip() == address and 0 < len(address) <= 200 and address.isprintable()
        shown = "".join(c if c.isprintable() else "�" for c in address)[:80]
        return None if good else say(locale, "channels.target_blank", address=shown)

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
        answer = self._answer(url, headers, payload)
        error = verdict(answer, self._keys.success, now)
        if error:
            error.text = self._clean(error.text)
            error.args = (error.text,)
            raise error
        return Receipt(str(answer.status), self._clean(answer.words()))

    def _request(self, payload: bytes, envelope: Envelope, now: datetime) -> tuple[str, dict[str, str]]:
        """URL and headers with all secrets revealed. ChannelBroken where one is missing or unusable."""
        keys, folder = self._keys, self.folder
        try:
            url = checked_url(revealed(keys.url, folder))
            own = {name: revealed(value, folder) for name, value in keys.headers.items()}
            secret = keys.secret.reveal(folder) if keys.secret else ""
            signature = signed(envelope.message_id, now, payload, secret)
            if keys.ca_file and not (folder / keys.ca_file).is_file():
                raise UsageError(f"cannot read ca_file {keys.ca_file}")
        except (UsageError, ValueError) as error:
            raise ChannelBroken(self._clean(str(error))) from error
        fixed = {"Accept-Encoding": "identity", "Connection": "close"}
        return url, {"Content-Type": "application/json; charset=utf-8", **own, **fixed, **signature}

    def _answer(self, url: str, headers: Mapping[str, str], payload: bytes) -> Answer:
        guard = Guard(self._keys.allow_private)
        with requests.Session() as session, cut_after(self._keys.timeout, guard.current):
            session.trust_env = False  # a proxy from the environment would do the resolving, unguarded
            session.mount("https://", guard)
            session.mount("http://", guard)
            try:
                return self._post(session, url, headers, payload)
            except (requests.RequestException, HTTPError, OSError, UnicodeError, ValueError) as error:
                raise self._meaning(error, guard.written) from error

    def _post(self, session: requests.Session, url: str, headers: Mapping[str, str], payload: bytes) -> Answer:
        verify = str(self.folder / self._keys.ca_file) if self._keys.ca_file else True
        with session.post(
            url,
            data=payload,
            headers=dict(headers),
            timeout=self._keys.timeout,
            allow_redirects=False,
            stream=True,
            verify=verify,
        ) as response:
            retry_after = response.headers.get("Retry-After", "").strip()
            try:
                body, whole = response.raw.read(_MOST, decode_content=False), True
            except (HTTPError, OSError):  # the status stands, whatever becomes of the body
                body, whole = b"", False
            return Answer(response.status_code, retry_after, body, whole)

    def _meaning(self, error: Exception, written: bool) -> ChannelBroken | Passing:
        """What a failure without an answer means."""
        text = self._clean(f"{type(error).__name__}: {error}")
        causes = list(_causes(error))
        if any(isinstance(each, NotAllowed) for each in causes):
            return ChannelBroken(text)
        if any("CERTIFICATE_VERIFY_FAILED" in str(each) for each in causes):
            return ChannelBroken(text)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader | UnicodeError):
            return ChannelBroken(text)
        if written:
            return Passing(f"no answer to a request that went out: {text}", accepted_unknown=True)
        return Passing(text)

    def _clean(self, text: str) -> str:
        """`text` without this channel's secrets, its URL among them."""
        known = []
        for secret in secrets_in(self._keys):
            try:
                known.append(secret.reveal(self.folder))
            except UsageError:  # what cannot be found cannot be in the text
                continue
        return redact(text, known)


def _causes(error: BaseException | None) -> list[BaseException]:
    """The chain of causes: requests and urllib3 wrap the reason several times, some as `reason`, some as arguments."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None)]
    return found
