"""Webhooks against real HTTP servers: what is sent, what is signed, what the answers mean."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from channel_batch import Hook
from mail_rigs import Line, drip, scripted, write_ca
from standardwebhooks.webhooks import Webhook
from web_rigs import Endpoint, serving

from reminder.errors import ChannelBroken, DeliveryError, Gone, Passing, Permanent, RateLimited

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def test_the_body_is_the_facts_as_json(hook: Hook) -> None:
    with serving(Endpoint()) as endpoint:
        batch = hook(endpoint.url)
        receipt = batch.send()
    assert json.loads(endpoint.bodies[0]) == {
        "type": "reminder.due",
        "timestamp": "2021-05-06T01:00:00+00:00",
        "data": {"kind": "due", "measures": ["73"]},
    }
    assert (receipt.code, receipt.text) == ("200", "ok")
    assert endpoint.got[0]["Content-Type"] == "application/json; charset=utf-8"


def test_chinese_goes_out_as_it_is_not_escaped_to_twice_its_size(hook: Hook) -> None:
    batch = hook("http://127.0.0.1:1/")
    batch.letter = replace(batch.letter, data={"title": "整改事项"})
    assert "整改事项".encode() in batch.payload()


def test_the_body_of_a_template_goes_out_untouched(hook: Hook) -> None:
    with serving(Endpoint()) as endpoint:
        batch = hook(endpoint.url, template="sms")
        batch.letter = replace(batch.letter, body="内容=第73项")
        batch.send()
    assert endpoint.bodies == ["内容=第73项".encode()]
    assert (batch.channel.body_template, batch.channel.needs_address) == ("sms", False)


def test_the_signature_satisfies_the_standards_own_library(hook: Hook) -> None:
    with serving(Endpoint()) as endpoint:
        batch = hook(endpoint.url, secret={"env": "HOOK_SECRET"})
        batch.now = datetime.now(UTC)
        batch.send()
    headers = {name.lower(): value for name, value in endpoint.got[0].items()}
    Webhook(SECRET).verify(endpoint.bodies[0].decode(), headers)
    assert headers["webhook-id"] == "r-42"


def test_a_retry_has_the_same_id_and_bytes_and_its_own_instant(hook: Hook) -> None:
    with serving(Endpoint(status=500)) as endpoint:
        batch = hook(endpoint.url)
        batch.refused()
        batch.now += timedelta(minutes=5)
        batch.refused()
    assert endpoint.bodies[0] == endpoint.bodies[1]
    assert endpoint.got[0]["webhook-id"] == endpoint.got[1]["webhook-id"]
    assert int(endpoint.got[1]["webhook-timestamp"]) - int(endpoint.got[0]["webhook-timestamp"]) == 300


def test_own_headers_may_be_secrets_and_do_not_show(hook: Hook) -> None:
    with serving(Endpoint(status=400, body=f"bad token {SECRET}".encode())) as endpoint:
        error = hook(endpoint.url, headers={"Authorization": {"env": "HOOK_SECRET"}, "X-App": "a"}).refused()
    assert (endpoint.got[0]["Authorization"], endpoint.got[0]["X-App"]) == (SECRET, "a")
    assert SECRET not in error.text
    assert "bad token ***" in error.text


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (400, {}, Permanent),
        (410, {}, Gone),
        (429, {"Retry-After": "120"}, RateLimited),
        (503, {"Retry-After": "Thu, 06 May 2021 01:02:00 GMT"}, RateLimited),
        (500, {}, Passing),
    ],
)
def test_answers_are_told_apart(status: int, headers: dict[str, str], kind: type[DeliveryError], hook: Hook) -> None:
    with serving(Endpoint(status=status, headers=headers, body="原因".encode())) as endpoint:
        batch = hook(endpoint.url)
        error = batch.refused()
    assert (type(error), error.code, error.accepted_unknown) == (kind, str(status), False)
    assert "原因" in error.text
    assert not isinstance(error, RateLimited) or error.until == batch.now + timedelta(seconds=120)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, hook: Hook) -> None:
    with serving(Endpoint()) as canary, serving(Endpoint(status=status, headers={"Location": canary.url})) as endpoint:
        assert type(hook(endpoint.url).refused()) is ChannelBroken
    assert canary.bodies == []


def test_a_gateway_that_answers_200_with_an_error_has_not_accepted(hook: Hook) -> None:
    with serving(Endpoint(body=b'{"errcode":310000,"errmsg":"keywords not in content"}')) as endpoint:
        error = hook(endpoint.url, success={"json": "errcode", "equals": 0}).refused()
    assert type(error) is Passing
    assert "keywords not in content" in error.text


@pytest.mark.parametrize("ending", [b"", b"HTTP/1.1 20"], ids=["cut", "half an answer"])
def test_no_answer_to_a_request_that_went_out_may_have_been_an_acceptance(ending: bytes, hook: Hook) -> None:
    def ends(line: Line) -> None:
        line.sock.recv(65536)
        line.sock.sendall(ending)

    with scripted(ends) as (port, count):
        error = hook(f"http://127.0.0.1:{port}/").refused()
        assert (type(error), error.accepted_unknown) == (Passing, True)
        assert count == [1], "a second attempt is for the outbox to decide"


def test_a_hanging_endpoint_is_given_up_and_may_have_accepted(hook: Hook) -> None:
    with scripted(lambda line: (line.sock.recv(65536), line.sock.recv(1))) as (port, _):
        started = time.monotonic()
        error = hook(f"http://127.0.0.1:{port}/", timeout=0.3).refused()
        assert time.monotonic() - started < 5
    assert (type(error), error.accepted_unknown) == (Passing, True)


def test_a_dripping_endpoint_is_cut_off_though_no_single_read_times_out(hook: Hook) -> None:
    with scripted(drip) as (port, _):
        started = time.monotonic()
        error = hook(f"http://127.0.0.1:{port}/", timeout=0.5).refused()
        assert time.monotonic() - started < 5
    assert (type(error), error.accepted_unknown) == (Passing, True)


LATER = {"headers": b"X-Trace: ", "body": b"Content-Length: 999999\r\n\r\n"}


@pytest.mark.parametrize("then", LATER.values(), ids=LATER)
def test_once_2xx_was_said_what_drips_after_it_changes_nothing(then: bytes, hook: Hook) -> None:
    """Drips on until it is cut: a byte that meets the cut resets the connection."""

    def drips(line: Line) -> None:
        request(line)
        line.sock.sendall(b"HTTP/1.1 202 Accepted\r\n" + then)
        drip(line)

    with scripted(drips) as (port, _):
        started = time.monotonic()
        assert hook(f"http://127.0.0.1:{port}/", timeout=0.5).send().code == "202"
        assert time.monotonic() - started < 10 - 1, "it drips for ten seconds"


def resets(line: Line, said: bytes) -> None:
    request(line)
    line.sock.sendall(said)
    line.reset()


@pytest.mark.parametrize("then", [b"", *LATER.values()], ids=["at once", *LATER])
def test_once_2xx_was_said_a_reset_connection_changes_nothing(then: bytes, hook: Hook) -> None:
    with scripted(lambda line: resets(line, b"HTTP/1.1 200 OK\r\n" + then)) as (port, count):
        assert hook(f"http://127.0.0.1:{port}/").send().code == "200"
        assert count == [1]


@pytest.mark.parametrize("then", LATER.values(), ids=LATER)
def test_a_success_test_that_reads_the_body_needs_it_whole(then: bytes, hook: Hook) -> None:
    with scripted(lambda line: resets(line, b"HTTP/1.1 200 OK\r\n" + then)) as (port, _):
        error = hook(f"http://127.0.0.1:{port}/", success={"json": "errcode", "equals": 0}).refused()
    assert (type(error), error.accepted_unknown, error.code) == (Passing, True, "200")


def test_a_refusal_whose_rest_is_lost_is_a_refusal(hook: Hook) -> None:
    with scripted(lambda line: resets(line, b"HTTP/1.1 500 No\r\nX-Trace: ")) as (port, _):
        error = hook(f"http://127.0.0.1:{port}/").refused()
    assert (type(error), error.accepted_unknown, error.code) == (Passing, False, "500")


def test_2xx_on_a_kept_connection_that_is_reset_then_is_not_asked_for_again(hook: Hook) -> None:
    def resets_the_second(line: Line) -> None:
        request(line)
        line.sock.sendall(OK)
        resets(line, b"HTTP/1.1 200 OK\r\nX-Trace: ")

    with scripted(resets_the_second) as (port, count):
        batch = hook(f"http://127.0.0.1:{port}/")
        assert [batch.send().code, batch.send().code] == ["200", "200"]
        assert count == [1]


def test_an_answer_to_follow_answers_nothing_and_never_the_next_request(hook: Hook) -> None:
    def says_so(line: Line) -> None:
        request(line)
        line.sock.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)

    with scripted(says_so) as (port, count):
        batch = hook(f"http://127.0.0.1:{port}/")
        errors = [batch.refused() for _ in range(2)]
        assert [(type(error), error.accepted_unknown, error.code) for error in errors] == [(Passing, True, "103")] * 2
        assert count == [2]


def test_an_endless_answer_is_read_only_so_far(hook: Hook) -> None:
    with serving(Endpoint(body=b"x" * 5_000_000)) as endpoint:
        receipt = hook(endpoint.url).send()
    assert len(receipt.text) == 500
    assert endpoint.got[0]["Accept-Encoding"] == "identity"


def test_nobody_at_home_is_worth_another_try_and_the_key_does_not_show(hook: Hook) -> None:
    error = hook("http://127.0.0.1:1/send?key=SECRETKEY").refused()
    assert (type(error), error.accepted_unknown) == (Passing, False)
    assert "SECRETKEY" not in error.text


def test_tls_is_verified_against_the_given_authority(ca: trustme.CA, hook: Hook, tmp_path: Path) -> None:
    ca_file = write_ca(ca, tmp_path)
    with serving(Endpoint(), ca) as endpoint:
        good, other_name = f"https://localhost:{endpoint.port}/", f"https://127.0.0.1:{endpoint.port}/"
        hook(good, ca_file=ca_file).send()
        assert type(hook(good).refused()) is ChannelBroken
        assert type(hook(other_name, ca_file=ca_file).refused()) is ChannelBroken
        assert type(hook(good, ca_file="not-there.pem").refused()) is ChannelBroken
    assert len(endpoint.bodies) == 1


@pytest.mark.parametrize("kept", ["not a secret", "", "whsec_!!"])
def test_an_unusable_secret_breaks_the_channel_before_anything_goes(
    kept: str, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", kept)
    with serving(Endpoint()) as endpoint:
        assert type(hook(endpoint.url, secret={"env": "HOOK_SECRET"}).refused()) is ChannelBroken
    assert endpoint.bodies == []


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request(line: Line) -> str:
    """One whole request; its webhook-id, "" where the peer has hung up."""
    identity, length = "", 0
    while head := line.hear():
        name, _, value = head.partition(": ")
        identity = value if name.lower() == "webhook-id" else identity
        length = int(value) if name.lower() == "content-length" else length
    line.body(length)
    return identity


def test_the_connection_is_kept_for_the_next_message(hook: Hook) -> None:
    def answers(line: Line) -> None:
        while request(line):
            line.sock.sendall(OK)

    with scripted(answers) as (port, count):
        batch = hook(f"http://127.0.0.1:{port}/")
        assert [batch.send().code for _ in range(5)] == ["200"] * 5
        assert count == [1]
        batch.channel.close()


def test_head_and_body_of_a_request_are_one_write(hook: Hook) -> None:
    came: list[bytes] = []

    def answers(line: Line) -> None:
        while packet := line.sock.recv(65536):  # what one write brings over the loopback
            came.append(packet)
            line.sock.sendall(OK)

    with scripted(answers) as (port, _):
        batch = hook(f"http://127.0.0.1:{port}/")
        assert [batch.send().code for _ in range(5)] == ["200"] * 5
        batch.channel.close()
    assert [packet[:5] for packet in came] == [b"POST "] * 5
    assert all(packet.endswith(b"}") for packet in came)


def test_after_a_hang_up_on_a_kept_connection_the_same_request_goes_out_once_more(hook: Hook) -> None:
    heard: list[str] = []

    def hangs_up_on_the_second(line: Line) -> None:
        heard.append(request(line))
        line.sock.sendall(OK)
        heard.append(request(line))

    def answers(line: Line) -> None:
        heard.append(request(line))
        line.sock.sendall(OK)

    with scripted(hangs_up_on_the_second, answers) as (port, count):
        batch = hook(f"http://127.0.0.1:{port}/")
        assert [batch.send().code, batch.send().code] == ["200", "200"]
        assert count == [2]
        assert heard == ["r-42"] * 3, "one identity, by which the receiver knows the repetition"


def test_a_kept_connection_that_hangs_is_not_tried_again(hook: Hook) -> None:
    def hangs_on_the_second(line: Line) -> None:
        request(line)
        line.sock.sendall(OK)
        request(line)
        line.hear()

    with scripted(hangs_on_the_second) as (port, count):
        batch = hook(f"http://127.0.0.1:{port}/", timeout=0.5)
        batch.send()
        error = batch.refused()
        assert (type(error), error.accepted_unknown, count) == (Passing, True, [1])


def test_an_answer_that_was_not_read_to_its_end_ends_the_connection(hook: Hook) -> None:
    def talks_on(line: Line) -> None:
        request(line)
        line.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
        line.hear()

    with scripted(talks_on) as (port, count):
        batch = hook(f"http://127.0.0.1:{port}/")
        assert [batch.send().code, batch.send().code] == ["200", "200"]
        assert count == [2]
