"""Webhooks reach no address they have no business with, however it is spelt and whoever resolves it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from channel_batch import Blind, Hook, Mail
from mail_rigs import scripted
from web_rigs import Endpoint, serving

from reminder.channels import deadline
from reminder.channels.guard import Guard, allowed
from reminder.errors import ChannelBroken, DeliveryError, Passing

REFUSED = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a00:1::", "2002:c0a8:101::", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254"),
    *("fec0::1", "ff02::1", "2001:db8::1", "2001::1", "100::1"),
]
PUBLIC = [
    *("1.1.1.1", "114.114.114.114", "223.5.5.5", "2606:4700::1111", "240e::1"),
    *("::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"),
]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_refused(address: str) -> None:
    assert not allowed(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are_public(address: str) -> None:
    assert allowed(address, ())


@pytest.mark.parametrize(
    ("address", "good"),
    [("10.20.1.1", True), ("::ffff:10.20.1.1", True), ("10.21.1.1", False), ("fd00:20::1", True), ("127.0.0.1", False)],
)
def test_the_office_allows_networks_of_its_own_not_everything(address: str, good: bool) -> None:
    assert allowed(address, [ip_network("10.20.0.0/16"), ip_network("fd00:20::/32")]) is good


ELSEWHERE = ["10.99.0.0/16"]  # a network of the house, which lets plain http:// pass; nothing here lies in it


@pytest.fixture
def canary() -> Iterator[Endpoint]:
    with serving(Endpoint()) as endpoint:
        yield endpoint


HOSTS = [  # this machine and its neighbours, however they are spelt
    *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1"),
    *("017700000001", "0", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("127.0.0.1.", "①②⑦.0.0.1", "１２７.0.0.1", "127。0。0。1", "%31%32%37.0.0.1", "LOCALHOST"),
    *("localhost.", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "127.0.1", "127.255.255.254"),
    *("0x7F.0x0.0x0.0x1", "0177.1", "00000177.0.0.1", "0x0000007f.1", "127.0x1", "[2002:7f00:1::]"),
    *("[2002:7f00:0001::1]", "[64:ff9b:1::7f00:1]", "[::ffff:0:127.0.0.1]", "[fec0::1]"),
    *("[fe80::1]", "[fe80::1%25lo]", "[::1%25lo]", "[fc00::1]", "[fd12:3456:789a::1]", "[ff02::1]"),
    *("[2001:db8::1]", "[100::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:a00:1]"),
    *("[::ffff:10.0.0.1]", "[2001::7f00:1]", "[5f00::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1"),
    *("100.64.0.1", "100.100.100.200", "169.254.169.254", "0xa9fea9fe", "2852039166"),
    *("0251.0376.0251.0376", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "0.0.0.1", "0x0", "00", "localhost.localdomain"),
    *("ip6-localhost", "xn--localhost-", "a..b", "."),
]


@pytest.mark.parametrize("host", HOSTS)
def test_open_swe_1186_onyx_14154_novu_10912_however_this_machine_is_spelt_nothing_arrives(
    host: str, canary: Endpoint, hook: Hook
) -> None:
    error = hook(f"http://{host}:{canary.port}/", allow_private=ELSEWHERE).refused()
    assert isinstance(error, ChannelBroken | Passing)
    assert not error.accepted_unknown
    assert canary.bodies == []


def test_plain_http_is_only_for_networks_inside_the_house(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    connected = resolving(monkeypatch, ["1.1.1.1"])
    error = hook("http://public.example/", allow_private=[]).refused()
    assert (type(error), connected) == (ChannelBroken, [])
    assert "https" in error.text
    hook("https://public.example/", allow_private=[]).refused()
    assert connected == ["1.1.1.1"]


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTS)) >= 60


def test_without_the_guard_the_canary_would_sing(canary: Endpoint, hook: Hook) -> None:
    hook(f"http://localhost:{canary.port}/").send()
    assert len(canary.bodies) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://u:p@127.0.0.1/",
        "http://1.1.1.1@127.0.0.1/",
    ],
)
def test_a_kept_url_of_another_kind_or_with_a_user_is_refused(
    url: str, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL", url)
    assert type(hook({"env": "HOOK_URL"}).refused()) is ChannelBroken


def resolving(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Lets every name resolve to the next of `rounds`, the last for ever; returns the addresses connected to."""
    asked = iter(range(10_000))
    connected: list[str] = []
    connect = socket.socket.connect

    def getaddrinfo(host: object, port: int, *_: Any, **__: Any) -> list[Any]:
        addresses = rounds[min(next(asked), len(rounds) - 1)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def noted(self: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        if address[0].startswith("127."):
            return connect(self, address)
        raise ConnectionRefusedError("nothing public is reached from a test")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", noted)
    return connected


def test_probos_1285_a_rebinding_resolver_gains_nothing(
    canary: Endpoint, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = resolving(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    batch = hook(f"http://rebinding.example:{canary.port}/", allow_private=ELSEWHERE)
    errors: list[DeliveryError] = [batch.refused() for _ in range(3)]
    assert [type(error) for error in errors] == [Passing, ChannelBroken, ChannelBroken]
    assert connected == ["1.1.1.1"], "the connection goes to the very address that was looked at"
    assert canary.bodies == []


def test_of_mixed_addresses_only_the_allowed_are_tried(
    canary: Endpoint, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = resolving(monkeypatch, ["127.0.0.1", "1.1.1.1", "10.0.0.1"])
    assert type(hook(f"http://mixed.example:{canary.port}/", allow_private=ELSEWHERE).refused()) is Passing
    assert connected == ["1.1.1.1"]


def test_hundreds_of_addresses_do_not_cost_hundreds_of_time_outs(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    connected = resolving(monkeypatch, [f"1.1.1.{n}" for n in range(1, 200)])
    hook("http://many.example/", allow_private=ELSEWHERE).refused()
    assert len(connected) == 4


def test_a_proxy_in_the_environment_is_not_asked(canary: Endpoint, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    resolving(monkeypatch, ["10.0.0.1"])
    assert type(hook("http://inside.example/", allow_private=ELSEWHERE).refused()) is ChannelBroken
    assert canary.bodies == []


def test_an_unknown_name_is_worth_another_try(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert type(hook("http://nowhere.example/").refused()) is Passing


def test_a_request_whose_time_is_over_is_not_written(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped wakes up with a connection in hand, before anybody has cut it."""
    heard: list[str] = []

    def connected_too_late(self: Guard, connection: Any) -> socket.socket:
        sock = honest(self, connection)
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 300, sleep=time.sleep)
        monkeypatch.setattr(deadline, "time", later)
        return sock

    honest = Guard.connect
    monkeypatch.setattr(Guard, "connect", connected_too_late)
    monkeypatch.setattr(deadline, "_watch", Blind())
    with scripted(lambda line: heard.extend(iter(line.hear, ""))) as (port, _):
        error = hook(f"http://127.0.0.1:{port}/", timeout=20).refused()
    assert (type(error), error.accepted_unknown) == (Passing, False)
    assert "{" not in "".join(heard)


def asleep(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """A resolver that does not answer before the event; which names it was asked for."""
    awake, asked = threading.Event(), list[str]()

    def hangs(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        awake.wait(60)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    return awake, asked


def test_a_resolver_that_hangs_is_given_up_and_holds_one_thread(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    awake, asked = asleep(monkeypatch)
    batch = hook("http://slow.example/", timeout=0.5)
    errors = [batch.refused() for _ in range(3)]
    assert {(type(error), error.accepted_unknown) for error in errors} == {(Passing, False)}
    assert asked == ["slow.example"]
    awake.set()


def test_mail_does_not_wait_for_a_resolver_that_hangs(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    awake, _ = asleep(monkeypatch)
    with mail(25, host="slow.example", timeout=0.5) as batch:
        error = batch.refused()
    assert (type(error), error.accepted_unknown) == (Passing, False)
    awake.set()


def test_a_stop_does_not_wait_for_a_resolver_that_hangs(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    awake, asked = asleep(monkeypatch)
    batch = hook("http://slow.example/", timeout=20)
    trying = threading.Thread(target=batch.refused)
    began = time.monotonic()
    trying.start()
    while not asked:
        time.sleep(0.01)
    deadline.cut_all()
    trying.join(60)
    assert time.monotonic() - began < 15
    awake.set()
