"""Our signatures against the published vectors and the standard's own library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from reminder.channels.signature import signed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHINESE = '{"type":"reminder.due","timestamp":"2026-01-04T00:00:00Z","data":{"id":"r-1","title":"整改事项"}}'


@pytest.mark.parametrize(
    ("name", "seconds", "body", "signature"),
    [
        (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            '{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        ("msg_r1", 1767484800, CHINESE, "v1,btSW7S70J9bPlGCAMVSK/nDnDFSvizgWJYP6IjtDcFc="),
    ],
)
def test_vectors(name: str, seconds: int, body: str, signature: str) -> None:
    headers = signed(f"{name}@example.org", datetime.fromtimestamp(seconds, UTC), body.encode(), SECRET)
    assert headers == {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": signature}


def test_the_standards_own_library_agrees_and_notices_a_changed_byte() -> None:
    headers = signed("r-1@example.org", datetime.now(UTC), CHINESE.encode(), SECRET)
    Webhook(SECRET).verify(CHINESE, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(CHINESE.replace("整改", "整攺"), headers)


def test_both_secrets_sign_during_rotation() -> None:
    new = "whsec_" + "QUJD" * 8
    headers = signed("r-1@example.org", datetime.now(UTC), b"{}", f"{new} {SECRET}")
    Webhook(new).verify("{}", headers)
    Webhook(SECRET).verify("{}", headers)


def test_a_retry_keeps_its_id_and_signs_its_own_instant() -> None:
    now = datetime.now(UTC)
    first, second = (signed("r-1@example.org", at, b"{}", SECRET) for at in (now, now + timedelta(minutes=5)))
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_without_a_secret_there_is_an_id_and_no_signature() -> None:
    assert set(signed("r-1@example.org", datetime.now(UTC), b"", "")) == {"webhook-id", "webhook-timestamp"}


@pytest.mark.parametrize("secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_not base64!", "whsk_AAAA"])
def test_what_is_no_signing_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_") as caught:
        signed("r-1@example.org", datetime.now(UTC), b"", secret)
    assert secret.removeprefix("whsec_") not in str(caught.value) or secret == "whsec_"


@pytest.mark.parametrize("message_id", ["a.b@example.org", "@example.org"])
def test_an_id_the_standard_cannot_carry_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="webhook id"):
        signed(message_id, datetime.now(UTC), b"", SECRET)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        signed("r-1@example.org", datetime(2021, 5, 6), b"", SECRET)
