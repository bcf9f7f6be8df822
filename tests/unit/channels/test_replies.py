"""What servers' answers mean, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from reminder.channels.http_reply import Answer, Success, verdict
from reminder.channels.smtp_reply import Reply, Stage, of_all, refusal
from reminder.errors import ChannelBroken, DeliveryError, Gone, Passing, Permanent, RateLimited

NOW = datetime(2021, 5, 6, 1, 0, tzinfo=UTC)  # 09:00 in China
RCPT, DATA, LOGIN, SENDER, GREETING = Stage.RECIPIENT, Stage.DATA, Stage.LOGIN, Stage.SENDER, Stage.GREETING


@pytest.mark.parametrize(
    ("stage", "code", "text", "kind"),
    [
        (RCPT, 450, "mailbox busy", Passing),
        (RCPT, 451, "greylisted, try again", Passing),
        (RCPT, 550, "no such user", Permanent),
        (DATA, 552, "message too large", Permanent),
        (DATA, 554, "spam", Permanent),
        (DATA, 451, "DT:SPM 163 smtp", Passing),
        (DATA, 554, "DT:SPM 163 smtp", Permanent),
        (LOGIN, 535, "Login fail. … login frequency limited, or system is busy", ChannelBroken),
        (LOGIN, 454, "temporary authentication failure", Passing),
        (LOGIN, 454, "too frequently sending", RateLimited),
        (SENDER, 530, "Authentication required", ChannelBroken),
        (SENDER, 553, "Mail from must equal authorized user", ChannelBroken),
        (SENDER, 552, "size exceeds limit", Permanent),
        (GREETING, 421, "too many connections", Passing),
        (GREETING, 554, "no service here", ChannelBroken),
        (RCPT, 550, "Connection frequency limited", RateLimited),
        (DATA, 550, "Ip frequency limited", RateLimited),
        (DATA, 554, "Reject by behaviour spam: too frequently sending", RateLimited),
        (RCPT, 552, "recipient mailbox quota exceeded", Permanent),
        (DATA, 552, "Daily sending quota exceeded", RateLimited),
        (RCPT, 451, "MI:SFQ 163", RateLimited),
        (RCPT, 450, "MI:DMC 163", Passing),
        (RCPT, 451, "RP:QRC 163", RateLimited),
        (GREETING, 421, "HL:ICC 163", RateLimited),
        (RCPT, -1, "garbage", Passing),
    ],
)
def test_what_a_mail_server_says(stage: Stage, code: int, text: str, kind: type[DeliveryError]) -> None:
    error = refusal(stage, Reply(code, text), NOW)
    assert type(error) is kind
    assert error.code == str(code)
    assert not error.accepted_unknown


def until(error: DeliveryError) -> timedelta:
    assert isinstance(error, RateLimited)
    return error.until - NOW


def test_qq_frequency_limits_pause_for_hours_not_for_ever() -> None:
    assert until(refusal(RCPT, Reply(550, "Domain frequency limited"), NOW)) == timedelta(hours=2)


def test_a_daily_quota_waits_for_midnight_in_china() -> None:
    assert until(refusal(DATA, Reply(552, "Daily sending quota exceeded"), NOW)) == timedelta(hours=15, minutes=5)


def test_of_several_refusals_the_most_hopeful_decides_and_all_are_named() -> None:
    error = of_all([("a@x", Permanent("550 no", code="550")), ("b@x", Passing("451 later", code="451"))])
    assert type(error) is Passing
    assert str(error) == "a@x: 550 no; b@x: 451 later"


def http(status: int, body: str = "", retry_after: str = "", success: Success | None = None) -> DeliveryError | None:
    return verdict(Answer(status, retry_after, body.encode()), success or Success(), NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ChannelBroken),
        (304, ChannelBroken),
        (400, Permanent),
        (401, ChannelBroken),
        (404, Permanent),
        (408, Passing),
        (410, Gone),
        (413, Permanent),
        (429, RateLimited),
        (500, Passing),
        (502, Passing),
        (503, Passing),
        (504, Passing),
    ],
)
def test_what_an_endpoint_says(status: int, kind: type[DeliveryError]) -> None:
    assert type(http(status)) is kind


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_2xx_is_success(status: int) -> None:
    assert http(status) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 1),
        ("999999", 6 * 3600),
        ("-5", 60),
        ("soon", 60),
        ("", 60),
        ("٣", 60),
        ("Thu, 06 May 2021 01:10:00 GMT", 600),
        ("Thu, 06 May 2021 00:10:00 GMT", 1),
        ("Thu, 06 May 9999 00:10:00 GMT", 6 * 3600),
        ("Thu, 99 May 2021 00:10:00 GMT", 60),
    ],
)
def test_retry_after_is_honoured_within_reason(header: str, seconds: int) -> None:
    error = http(429, retry_after=header)
    assert error is not None
    assert until(error) == timedelta(seconds=seconds)


def test_503_with_retry_after_is_a_wish_for_peace() -> None:
    assert type(http(503, retry_after="60")) is RateLimited


@pytest.mark.parametrize(
    ("success", "body", "accepted"),
    [
        ({"json": "errcode", "equals": 0}, '{"errcode":0}', True),
        ({"json": "errcode", "equals": 0}, '{"errcode":310000}', False),
        ({"json": "errcode", "equals": 0}, '{"errcode":false}', False),
        ({"json": "errcode", "equals": 0}, "{}", False),
        ({"json": "errcode", "equals": 0}, "<html>proxy</html>", False),
        ({"json": "errcode", "equals": 0}, "[" * 50_000, False),
        ({"json": "a.b", "equals": "ok"}, '{"a":{"b":"ok"}}', True),
        ({"json": "a.b", "equals": "ok"}, '{"a":[]}', False),
        ({"body": "ok"}, "ok\n", True),
        ({"body": "ok"}, "not ok", False),
        ({"status": [200, 202]}, "", True),
        ({"status": [202]}, "", False),
    ],
)
def test_200_does_not_mean_delivered_for_some_gateways(success: dict[str, object], body: str, accepted: bool) -> None:
    error = http(200, body, success=Success.model_validate(success))
    assert (error is None) is accepted
    assert error is None or type(error) is Passing


def test_a_deciding_body_that_broke_off_leaves_it_open() -> None:
    error = verdict(Answer(200, "", b"", whole=False), Success(body="ok"), NOW)
    assert isinstance(error, Passing)
    assert error.accepted_unknown


@pytest.mark.parametrize("success", [{"json": "errcode"}, {"equals": 0}, {"status": [302]}, {"statuz": [200]}])
def test_a_half_written_success_test_is_refused(success: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Success.model_validate(success)
