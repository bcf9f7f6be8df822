"""Secrets stand outside TOML, and outside every text that is stored or shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from reminder.channels import CHANNELS, open_channel
from reminder.channels.email import EmailKeys
from reminder.channels.redact import redact
from reminder.channels.secret import Secret, Url, checked_url, revealed, secrets_in
from reminder.channels.webhook import WebhookKeys
from reminder.errors import UsageError

MAIL = {"kind": "email", "host": "smtp.example.org", "port": 465, "sender": "整改办 <office@example.org>"}


class Linked(BaseModel):
    url: Url


def fault(keys: type[BaseModel], **values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        keys.model_validate(values)
    return str(caught.value)


def test_a_secret_in_an_environment_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_PASSWORD", "hunter22")
    secret = Secret(env="A_PASSWORD")
    assert secret.reveal(tmp_path) == "hunter22"
    assert "hunter22" not in f"{secret!r} {secret}"


@pytest.mark.parametrize("key", ["env", "file"])
def test_no_place_with_a_control_character_in_its_name(key: str) -> None:
    assert "control character" in fault(Secret, **{key: "a\0b"})


@pytest.mark.parametrize("typed", ["hunter22", "hunter22\n", "hunter22\r\n", "\ufeffhunter22\n"])
def test_a_secret_in_a_file_as_editors_leave_it(tmp_path: Path, typed: str) -> None:
    (tmp_path / "password").write_bytes(typed.encode())
    assert Secret(file="password").reveal(tmp_path) == "hunter22"


@pytest.mark.parametrize("secret", [Secret(env="NOT_SET_ANYWHERE"), Secret(file="not-there")])
def test_a_missing_secret_is_named(secret: Secret, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"NOT_SET_ANYWHERE|not-there"):
        secret.reveal(tmp_path)


def test_an_inline_password_is_refused_with_what_to_type_and_not_repeated() -> None:
    text = fault(EmailKeys, **MAIL, username="office", password="hunter22")
    assert '{ env = "NAME" } or { file = "PATH" }' in text
    assert "hunter22" not in fault(Secret, env="A", file="hunter22")


@pytest.mark.parametrize("place", [{}, {"env": "A", "file": "b"}, {"env": ""}, {"enf": "A"}])
def test_a_secret_has_exactly_one_place(place: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Secret.model_validate(place)


@pytest.mark.parametrize("url", ["https://u:hunter22@example.org/", "https://u@example.org/"])
def test_a_url_with_a_password_is_a_secret(url: str) -> None:
    text = fault(Linked, url=url)
    assert "is a secret" in text


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org", "file:///etc/passwd", "example.org", "https://", "http://[::1", "http://a:b/", "http://a b"],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        checked_url(url)


def test_a_url_inline_or_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_URL", "https://example.org/hook?key=abcdef")
    inline, kept = Linked(url="https://example.org/hook"), Linked.model_validate({"url": {"env": "A_URL"}})
    assert revealed(inline.url, tmp_path) == "https://example.org/hook"
    assert revealed(kept.url, tmp_path) == "https://example.org/hook?key=abcdef"


def test_all_secrets_of_a_channel_can_be_asked_for() -> None:
    keys = WebhookKeys.model_validate(
        {"kind": "webhook", "url": {"env": "U"}, "secret": {"file": "s"}, "headers": {"Authorization": {"env": "H"}}}
    )
    assert {str(s) for s in secrets_in(keys)} == {"environment variable U", "file s", "environment variable H"}


def test_no_password_in_clear() -> None:
    text = fault(EmailKeys, **MAIL, tls="none", username="office", password={"env": "A"})
    assert "never sent in clear" in text


def test_a_username_needs_a_password() -> None:
    assert "both username and password" in fault(EmailKeys, **MAIL, username="office")


@pytest.mark.parametrize("name", ["webhook-id", "Webhook-Signature", "Host", "Content-Length", "a b", "X\r\nY"])
def test_a_webhook_does_not_override_what_the_service_sets(name: str) -> None:
    fault(WebhookKeys, kind="webhook", url="https://example.org", headers={name: "x"})


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_kind_describes_its_keys_as_a_json_schema(kind: str) -> None:
    schema = CHANNELS[kind].Keys.model_json_schema()
    assert schema["properties"]["kind"]["const"] == kind
    assert schema["additionalProperties"] is False


def test_a_channel_is_opened_by_its_keys_without_touching_the_network(tmp_path: Path) -> None:
    channel = open_channel("mail", EmailKeys.model_validate(MAIL), tmp_path)
    assert (channel.name, channel.folder) == ("mail", tmp_path)
    channel.close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Max retries exceeded with url: /send?key=SECRETKEY (Caused by x)",
            "Max retries exceeded with url: *** (Caused by x)",
        ),
        ("see https://u:p4ss@example.org/hook/SECRET?x=1 now", "see https://example.org/*** now"),
        ("403 for U0VDUkVUS0VZ and SECRETKEY", "403 for *** and ***"),
        ("one\r\ntwo\0three", "one two three"),
    ],
)
def test_texts_are_redacted(text: str, shown: str) -> None:
    assert redact(text, ["SECRETKEY"]) == shown


def test_the_key_of_a_kept_url_is_hidden_wherever_it_turns_up() -> None:
    text = redact("bad key a1b2c3d4 for /v2/hook/f00dfeed", ["https://h.example/v2/hook/f00dfeed?key=a1b2c3d4"])
    assert "a1b2c3d4" not in text
    assert "f00dfeed" not in text


def test_an_endless_answer_is_cut() -> None:
    assert len(redact("x" * 100_000, [])) == 500
