"""Keeps webhooks out of networks they have no business in, at the moment of connecting.

Checking a name before the request is useless: a rebinding resolver answers the second question differently. So the
connection itself resolves once, drops what is not allowed and connects to the very address it has looked at.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from http.client import HTTPResponse
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from reminder.channels import lookup
from reminder.channels.deadline import MOST_SECONDS, cut_after, first_open

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_SITE_LOCAL = IPv6Network("fec0::/10")  # deprecated, yet "global" to Python 3.11
_IETF = IPv4Network("192.0.0.0/24")  # RFC 6890: Python 3.11 calls 192.0.0.8 global


class NotAllowed(NewConnectionError):
    """The name leads only to addresses that webhooks may not reach."""


def allowed(address: str, private: Iterable[Network]) -> bool:
    """Whether a webhook may connect to `address`: public, or within one of the office's `private` networks.

    `is_private` would let 100.100.100.200 through, the metadata service of Alibaba Cloud; `is_global` alone multicast
    and every IPv6 spelling of a private IPv4 address.
    """
    ip = _innermost(ip_address(address.partition("%")[0]))
    if any(ip in network for network in private):
        return True
    hidden = ip in (_SITE_LOCAL if isinstance(ip, IPv6Address) else _IETF)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or hidden)


def _innermost(ip: Address) -> Address:
    """The IPv4 address that a v4-mapped, 6to4 or NAT64 address leads to."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


class Guard(HTTPAdapter):
    """An adapter for one connection at a time, kept open between requests. `written` says whether the request went out,
    `fresh` whether over a connection of its own, `status` what its answer's first line said, whatever became of the
    rest; `begin` sets them back."""

    def __init__(self, private: Iterable[Network]) -> None:
        self.private = tuple(private)
        self.written = self.fresh = False
        self.status: int | None = None
        self._limit: cut_after | None = None
        self._handle: socket.socket | None = None
        self._pool: tuple[tuple[str | None, Any], Any] | None = None
        self._path: tuple[str | None, str] | None = None
        super().__init__(pool_connections=1, pool_maxsize=1)

    def begin(self, limit: cut_after) -> None:
        """A new request, of which nothing is written after `limit`."""
        self.written, self.fresh, self.status, self._limit = False, False, None, limit

    def check(self) -> None:
        """TimeoutError where the time to write is over."""
        if self._limit:
            self._limit.check()

    def current(self) -> socket.socket | None:
        """A second handle on the open connection: TLS takes the first one over while it shakes hands."""
        return self._handle

    def close(self) -> None:
        """Hangs up."""
        self._let_go()
        self._pool = None
        super().close()

    def _let_go(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter: puts the guarded connections in."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _guarded_pools(self)

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Called by HTTPAdapter for each request: looked up once for each URL, and a channel has one."""
        wanted = (request.url, verify)
        if self._pool is None or self._pool[0] != wanted:
            self._pool = (wanted, super().get_connection_with_tls_context(request, verify, proxies, cert))
        return self._pool[1]

    def request_url(self, request: PreparedRequest, _proxies: Any) -> str:
        """Called by HTTPAdapter for each request: the path, taken out of the URL once; there are no proxies."""
        if self._path is None or self._path[0] != request.url:
            self._path = (request.url, request.path_url)
        return self._path[1]

    def build_response(self, _request: PreparedRequest, raw: Any) -> Response:
        """Called by HTTPAdapter: status, headers and the body unread, without cookies and a history."""
        response = Response()
        response.status_code, response.headers, response.raw = raw.status, raw.headers, raw
        return response

    def connect(self, connection: HTTPConnection) -> socket.socket:
        """A socket to the first allowed address of the connection's host. urllib3's errors."""
        host = connection._dns_host  # the name as urllib3 itself resolves it
        seconds = connection.timeout if isinstance(connection.timeout, int | float) else MOST_SECONDS
        ends_at = time.monotonic() + seconds
        try:
            found = lookup.addresses(host, connection.port, seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, str(error)) from error
        except (socket.gaierror, UnicodeError) as error:
            reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(connection.host, connection, reason) from error
        vetted = [entry for entry in found if allowed(str(entry[4][0]), self.private)]
        if not vetted:
            raise NotAllowed(connection, f"{host} leads to no public address; allow its network in allow_private")
        sock = _open(connection, vetted, ends_at - time.monotonic())
        self._let_go()
        self._handle, self.fresh = sock.dup(), True
        return sock


def _open(connection: HTTPConnection, vetted: list[Any], seconds: float) -> socket.socket:
    try:
        return first_open(vetted, seconds, connection.socket_options or ())
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the connection timed out") from error
    except OSError as error:
        raise NewConnectionError(connection, f"cannot connect: {error}") from error


class _InOneWrite(HTTPConnection):
    """Head and body of a request are one write: the peer, and a thread of ours, wake up once for both."""

    _held: list[bytes] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._held = []
        try:
            super().request(*args, **kwargs)
            whole = b"".join(self._held)
        finally:
            self._held = None
        if self.sock is None:
            self.connect()  # not by the write: the time may be over when it has connected
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)


def _guarded_pools(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    """Pool classes whose connections ask `guard` for their socket and tell it when the request has gone out, and what
    was answered."""

    class Heard(HTTPResponse):
        def begin(self) -> None:
            try:
                super().begin()
            finally:  # its headers may break off
                if isinstance(self.status, int):
                    guard.status = self.status

    class Guarded(_InOneWrite):
        response_class = Heard

        def _new_conn(self) -> socket.socket:
            return guard.connect(self)

        def send(self, data: Any) -> None:
            guard.check()
            super().send(data)

        def getresponse(self) -> Any:
            guard.written = True
            return super().getresponse()

    class Secured(Guarded, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Guarded

    class SecuredPool(HTTPSConnectionPool):
        ConnectionCls = Secured

    return {"http": PlainPool, "https": SecuredPool}
