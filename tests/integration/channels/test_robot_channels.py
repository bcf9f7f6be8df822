"""Chat robots against real HTTP servers: what goes out on each attempt, and what counts as accepted."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from channel_batch import Group
from mail_rigs import Line, drip, scripted
from web_rigs import Endpoint, serving

from reminder.channels import dingtalk, feishu
from reminder.deliver import hand_over
from reminder.domain.message import Outcome
from reminder.errors import ChannelBroken, Passing, Permanent, RateLimited

SECRET = "SEC000000000000000000000000000000000000000000000000000000000000000"
ROBOTS = ["wecom", "dingtalk", "feishu"]
each_robot = pytest.mark.parametrize("kind", ROBOTS)
YES = b'{"errcode":0,"code":0,"errmsg":"ok"}'


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOT_SECRET", SECRET)


def sent(endpoint: Endpoint) -> Any:
    return json.loads(endpoint.bodies[-1])


@each_robot
@pytest.mark.parametrize("form", ["markdown", "text"])
def test_accepted_by_the_bodys_code(kind: str, form: str, group: Group) -> None:
    with serving(Endpoint(body=YES)) as endpoint:
        batch = group(kind, endpoint.url, format=form)
        receipt = batch.send()
    assert (receipt.code, endpoint.bodies) == ("0", [batch.payload()])
    assert "第73项将于6月30日到期".encode() in endpoint.bodies[0]
    assert endpoint.got[0]["Content-Type"] == "application/json; charset=utf-8"
    assert endpoint.paths == ["/hook?key=SECRETKEY"]


@each_robot
@pytest.mark.parametrize(
    ("status", "body", "kind_of_error"),
    [
        (200, b"<html>please log in</html>", Passing),
        (200, b"", Passing),
        (200, b'{"errcode":-1,"code":77}', Passing),
        (200, b'{"errcode":40035,"code":19002,"errmsg":"bad parameter SECRETKEY"}', Permanent),
        (200, b" " * 70_000 + YES, Passing),
        (502, b"<html>bad gateway</html>", Passing),
        (429, b"", RateLimited),
        (404, b"<html>not found</html>", ChannelBroken),
    ],
)
def test_anything_else_is_no_acceptance(
    kind: str, status: int, body: bytes, kind_of_error: type[Exception], group: Group
) -> None:
    with serving(Endpoint(status=status, body=body)) as endpoint:
        error = group(kind, endpoint.url).refused()
    assert (type(error), error.accepted_unknown) == (kind_of_error, False)
    assert "SECRETKEY" not in error.text


@each_robot
@pytest.mark.parametrize(("code", "most"), [(770077, 3), (-1, {"wecom": 4, "dingtalk": 4, "feishu": 3})])
def test_an_unknown_code_is_worth_three_tries_and_a_busy_robot_three_more(
    kind: str, code: int, most: int | dict[str, int], group: Group
) -> None:
    """Lists of codes differ from year to year; Feishu's knows no -1."""
    most = most[kind] if isinstance(most, dict) else most
    answer = json.dumps({"errcode": code, "code": code, "errmsg": "words to keep", "msg": "words to keep"})
    with serving(Endpoint(body=answer.encode())) as endpoint:
        batch = group(kind, endpoint.url)
        found = [hand_over(batch.channel, batch.payload(), batch.envelope, n + 1, batch.now) for n in range(most)]
    tries = [one for one in found if isinstance(one, Outcome)]
    assert [one.state for one in tries] == ["retrying"] * (most - 1) + ["failed"]
    assert {one.outcome for one in tries} == {"refused"}
    assert "words to keep" in tries[-1].text


@each_robot
def test_a_redirect_is_not_followed(kind: str, group: Group) -> None:
    with serving(Endpoint(body=YES)) as canary:
        elsewhere = Endpoint(status=302, headers={"Location": canary.url}, body=YES)
        with serving(elsewhere) as endpoint:
            assert type(group(kind, endpoint.url).refused()) is ChannelBroken
    assert canary.bodies == []


def test_dingtalk_signs_every_attempt_in_the_query_encoded_once(group: Group) -> None:
    with serving(Endpoint(body=b'{"errcode":-1}')) as endpoint:
        batch = group("dingtalk", endpoint.url, secret={"env": "ROBOT_SECRET"})
        instants = [int(batch.now.timestamp() * 1000) + minutes * 60_000 for minutes in range(40)]
        for _ in instants:
            batch.refused()
            batch.now += timedelta(minutes=1)
    assert len(set(endpoint.bodies)) == 1
    expected = [dingtalk.signature(instant, SECRET) for instant in instants]
    assert any("+" in sign for sign in expected), "these catch a wrong encoding"
    for path, instant, sign in zip(endpoint.paths, instants, expected, strict=True):
        query = {"key": "SECRETKEY", "timestamp": str(instant), "sign": sign}
        assert dict(parse_qsl(urlsplit(path).query)) == query


def test_feishu_signs_every_attempt_in_the_body(group: Group) -> None:
    with serving(Endpoint(body=b'{"code":77}')) as endpoint:
        batch = group("feishu", endpoint.url, secret={"env": "ROBOT_SECRET"})
        batch.refused()
        batch.now += timedelta(minutes=5)
        batch.refused()
    first, second = (json.loads(body) for body in endpoint.bodies)
    assert int(second["timestamp"]) - int(first["timestamp"]) == 300
    assert [each.pop("sign") for each in (first, second)] == [
        feishu.signature(int(each.pop("timestamp")), SECRET) for each in (first, second)
    ]
    assert first == second == json.loads(batch.payload())


def test_feishu_says_in_a_header_how_long_to_wait(group: Group) -> None:
    limited = Endpoint(status=400, headers={"x-ogw-ratelimit-reset": "17"}, body=b'{"code":99991400,"msg":"limit"}')
    with serving(limited) as endpoint:
        batch = group("feishu", endpoint.url)
        error = batch.refused()
    assert isinstance(error, RateLimited)
    assert error.until == batch.now + timedelta(seconds=17)


@each_robot
def test_no_answer_to_a_request_that_went_out_may_have_been_an_acceptance(kind: str, group: Group) -> None:
    def hangs(line: Line) -> None:
        line.sock.recv(65536)
        line.sock.recv(1)

    for behaviour in (lambda line: line.sock.recv(65536), hangs, drip):
        with scripted(behaviour) as (port, count):
            started = time.monotonic()
            error = group(kind, f"http://127.0.0.1:{port}/", timeout=0.3).refused()
            assert time.monotonic() - started < 5
            assert (type(error), error.accepted_unknown, count) == (Passing, True, [1])


@each_robot
def test_an_answer_that_breaks_off_may_have_been_an_acceptance(kind: str, group: Group) -> None:
    def breaks(line: Line) -> None:
        line.sock.recv(65536)
        line.sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"errc')
        drip(line)

    with scripted(breaks) as (port, _):
        error = group(kind, f"http://127.0.0.1:{port}/", timeout=0.3).refused()
    assert (type(error), error.accepted_unknown) == (Passing, True)


@each_robot
def test_nobody_at_home_is_worth_another_try(kind: str, group: Group) -> None:
    error = group(kind, "http://127.0.0.1:1/send?key=SECRETKEY").refused()
    assert (type(error), error.accepted_unknown) == (Passing, False)
    assert "SECRETKEY" not in error.text


@each_robot
@pytest.mark.parametrize(
    ("url", "allow_private"),
    [
        ("http://robot.example/send", []),  # a key over plain HTTP
        ("https://127.0.0.1:1/send", []),
        ("ftp://127.0.0.1/", ["127.0.0.0/8"]),
        ("https://u:p@127.0.0.1/", ["127.0.0.0/8"]),
        ("", ["127.0.0.0/8"]),
    ],
)
def test_a_url_that_must_not_be_used_breaks_the_channel(
    kind: str, url: str, allow_private: list[str], group: Group
) -> None:
    error = group(kind, url, allow_private=allow_private).refused()
    assert type(error) is ChannelBroken
    assert not url or url not in error.text


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_a_secret_that_is_kept_nowhere_breaks_the_channel_before_anything_goes(kind: str, group: Group) -> None:
    with serving(Endpoint(body=YES)) as endpoint:
        assert type(group(kind, endpoint.url, secret={"env": "NOWHERE"}).refused()) is ChannelBroken
    assert endpoint.bodies == []


def test_an_echoed_secret_is_not_stored(group: Group) -> None:
    with serving(Endpoint(body=f'{{"errcode":310000,"errmsg":"sign {SECRET}"}}'.encode())) as endpoint:
        error = group("dingtalk", endpoint.url, secret={"env": "ROBOT_SECRET"}).refused()
    assert SECRET not in error.text
    assert "sign ***" in error.text


@each_robot
def test_the_destination_is_the_robot_whatever_the_channels_name_and_no_secret(kind: str, group: Group) -> None:
    first, again, other = (
        group(kind, f"https://x.example/hook?key={key}").channel.destination for key in ("k1", "k1", "k2")
    )
    assert first == again != other
    assert "k1" not in first
    assert group(kind, "").channel.destination == "group"


def test_wecom_calls_a_mobile_number_in_one_text_message(group: Group) -> None:
    with serving(Endpoint(body=YES)) as endpoint:
        batch = group("wecom", endpoint.url)
        batch.envelope = replace(batch.envelope, addresses=("13800001111", "lisi"))
        batch.send()
    assert len(endpoint.bodies) == 1
    text = sent(endpoint)["text"]
    assert (text["mentioned_mobile_list"], text["mentioned_list"]) == (["13800001111"], ["lisi"])
