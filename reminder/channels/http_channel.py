"""What all channels over HTTP share: one guarded POST within a deadline, and what it means when no answer comes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import requests
from pydantic import Field, IPvAnyNetwork
from urllib3.exceptions import HTTPError

from reminder.channels.base import Channel, ChannelKeys
from reminder.channels.deadline import MOST_SECONDS, cut_after
from reminder.channels.guard import Guard, NotAllowed
from reminder.channels.http_reply import Answer
from reminder.channels.redact import redact
from reminder.channels.secret import secrets_in
from reminder.errors import ChannelBroken, DeliveryError, Passing, UsageError

_MOST = 64 * 1024  # bytes of an answer that are read


class HttpKeys(ChannelKeys):
    """`timeout` is in seconds for all of an attempt; `allow_private` are networks inside the house it may reach."""

    allow_private: tuple[IPvAnyNetwork, ...] = ()
    ca_file: str | None = None
    timeout: float = Field(default=15, gt=0, le=MOST_SECONDS)


class HttpChannel(Channel):
    """POSTs, each guarded and within a deadline. `pause_header` is where the peer says how long to wait.

    With `keeps_open` the connection is kept for the next message. A peer that has just hung up on a kept connection
    cannot be told from one that accepted and died, so this is for endpoints that know a message by its id: there the
    same request goes out once more at once. Robots have no such id; each of their messages has a connection of its own.

    Requests go to the adapter as they are prepared: a `requests.Session` would look for cookies, redirects and proxies
    that we refuse, at twice the price. All to one URL are the same request but for headers and body: to prepare each
    anew would cost as much as to send it.
    """

    pause_header: ClassVar[str] = "Retry-After"
    keeps_open: ClassVar[bool] = False

    def __init__(self, name: str, keys: HttpKeys, folder: Path) -> None:
        super().__init__(name, keys, folder)
        self._http = keys
        self._guard = Guard(keys.allow_private)
        self._secrets = tuple(secrets_in(keys))
        self._blank: tuple[str, requests.PreparedRequest] | None = None  # the last URL and its request

    def answer(self, url: str, headers: Mapping[str, str], payload: bytes) -> Answer:
        """What the endpoint says to one POST: its status at least. Passing or ChannelBroken where it says nothing."""
        if self._http.ca_file and not (self.folder / self._http.ca_file).is_file():
            raise ChannelBroken(f"cannot read ca_file {self._http.ca_file}")
        guard = self._guard
        with cut_after(self._http.timeout, guard.current) as limit:
            try:
                request = self._request_to(url, headers, payload)
                try:
                    return self._post(request, limit)
                except requests.ConnectionError:
                    if not guard.written or guard.fresh or limit.was_cut or guard.status is not None:
                        raise
                guard.close()
                return self._post(request, limit)
            except (requests.RequestException, HTTPError, OSError, UnicodeError, ValueError) as error:
                guard.close()
                if guard.status is not None:
                    return Answer(guard.status, "", b"", whole=False)
                raise self._meaning(error, guard.written) from error

    def _request_to(self, url: str, headers: Mapping[str, str], payload: bytes) -> requests.PreparedRequest:
        """An attempt ends before the next one begins, so one request object serves them all."""
        if self._blank is None or self._blank[0] != url:
            self._blank = (url, requests.Request("POST", url).prepare())
        request = self._blank[1]
        request.prepare_headers({**self._headers(headers), "Content-Length": str(len(payload))})
        request.body = payload
        return request

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        once = {} if self.keeps_open else {"Connection": "close"}
        return {"User-Agent": "deadline-reminder", **headers, "Accept-Encoding": "identity", **once}

    def _post(self, request: requests.PreparedRequest, limit: cut_after) -> Answer:
        self._guard.begin(limit)
        verify = str(self.folder / self._http.ca_file) if self._http.ca_file else True
        with self._guard.send(request, stream=True, timeout=limit.left(), verify=verify) as response:
            retry_after = response.headers.get(self.pause_header, "").strip()
            try:
                body = response.raw.read(_MOST, decode_content=False)
                whole = len(body) == _MOST or (_ended(response.raw.length_remaining, body) and not limit.was_cut)
            except (HTTPError, OSError):  # the status stands, whatever becomes of the body
                body, whole = b"", False
        if not self.keeps_open or not whole or len(body) == _MOST or response.status_code < 200:
            self._guard.close()
        return Answer(response.status_code, retry_after, body, whole)

    def close(self) -> None:
        """Hangs up."""
        self._guard.close()

    def _meaning(self, error: Exception, written: bool) -> ChannelBroken | Passing:
        """What a failure without an answer means."""
        text = self.clean(f"{type(error).__name__}: {error}")
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

    def cleaned(self, error: DeliveryError) -> DeliveryError:
        """`error` with its text fit to be stored."""
        error.text = self.clean(error.text)
        error.args = (error.text,)
        return error

    def clean(self, text: str) -> str:
        """`text` without this channel's secrets, its URL among them."""
        known = []
        for secret in self._secrets:
            try:
                known.append(secret.reveal(self.folder))
            except UsageError:  # what cannot be found cannot be in the text
                continue
        return redact(text, known)


def _ended(remaining: int | None, body: bytes) -> bool:
    """Whether that was all: a body cut short raises no error, nor do headers, behind which no length is known."""
    return remaining == 0 or (remaining is None and body != b"")


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
