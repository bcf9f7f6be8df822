"""E-mail through aiosmtpd: TLS, login, refusals and one connection for a batch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from channel_batch import Mail
from mail_rigs import PASSWORD, Office, mail_server, write_ca

from reminder.domain.message import Receipt
from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent, RateLimited


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)


LOGIN = {"username": "office@example.org", "password": {"env": "SMTP_PASSWORD"}}


def test_what_arrives_is_byte_for_byte_what_was_rendered(mail: Mail) -> None:
    office = Office()
    with mail_server(office) as port, mail(port) as batch:
        receipt = batch.send()
    assert office.letters == [batch.payload()]
    assert receipt == Receipt("250", "2.0.0 queued as 42")
    assert office.sender == "office@xn--fsqu00a.xn--fiqs8s"


def test_a_leading_dot_survives(mail: Mail) -> None:
    office = Office()
    with mail_server(office) as port, mail(port) as batch:
        batch.channel.send(b"X: 1\r\n\r\n.\r\n..a\r\n", batch.envelope, batch.now)
    assert office.letters == [b"X: 1\r\n\r\n.\r\n..a\r\n"]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_tls_is_verified_and_the_batch_logs_in_once(tls: str, tmp_path: Path, ca: trustme.CA, mail: Mail) -> None:
    office, ca_file = Office(), write_ca(ca, tmp_path)
    with mail_server(office, ca, tls) as port, mail(port, tls=tls, ca_file=ca_file, **LOGIN) as batch:
        for _ in range(5):
            batch.send()
    assert (office.logins, len(office.letters), office.encrypted) == (1, 5, True)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_an_unknown_authority_breaks_the_channel_before_the_password_goes(tls: str, ca: trustme.CA, mail: Mail) -> None:
    office = Office()
    with mail_server(office, ca, tls) as port, mail(port, tls=tls, **LOGIN) as batch:
        error = batch.refused()
    assert type(error) is ChannelBroken
    assert "CERTIFICATE_VERIFY_FAILED" in error.text
    assert office.logins == 0


def test_another_hosts_certificate_is_refused(tmp_path: Path, ca: trustme.CA, mail: Mail) -> None:
    keys = {"tls": "implicit", "ca_file": write_ca(ca, tmp_path), "host": "127.0.0.1", **LOGIN}
    with mail_server(Office(), ca, "implicit") as port, mail(port, **keys) as batch:
        assert type(batch.refused()) is ChannelBroken


def test_starttls_that_is_not_offered_is_not_done_without(mail: Mail) -> None:
    office = Office()
    with mail_server(office) as port, mail(port, tls="starttls") as batch:
        error = batch.refused()
    assert type(error) is ChannelBroken
    assert "STARTTLS" in error.text
    assert office.letters == []


def test_a_wrong_password_is_tried_once_in_a_batch_not_once_a_mechanism_or_message(
    tmp_path: Path, ca: trustme.CA, mail: Mail
) -> None:
    office = Office(password="another")
    keys = {"tls": "implicit", "ca_file": write_ca(ca, tmp_path), **LOGIN}
    with mail_server(office, ca, "implicit") as port, mail(port, **keys) as batch:
        errors = [batch.refused() for _ in range(3)]
    assert {type(error) for error in errors} == {ChannelBroken}
    assert {error.code for error in errors} == {"535"}
    assert office.logins == 1


def test_a_password_kept_nowhere_breaks_the_channel(tmp_path: Path, ca: trustme.CA, mail: Mail) -> None:
    keys = {"tls": "implicit", "ca_file": write_ca(ca, tmp_path), "username": "o", "password": {"env": "NOT_SET"}}
    with mail_server(Office(), ca, "implicit") as port, mail(port, **keys) as batch:
        error = batch.refused()
    assert type(error) is ChannelBroken
    assert "NOT_SET" in error.text


def test_a_missing_ca_file_breaks_the_channel(mail: Mail) -> None:
    with mail(1, tls="implicit", ca_file="not-there.pem") as batch:
        error = batch.refused()
    assert type(error) is ChannelBroken
    assert "not-there.pem" in error.text


@pytest.mark.parametrize(
    ("where", "answer", "kind"),
    [
        ("jsj@example.org", "451 4.7.1 greylisted", Passing),
        ("jsj@example.org", "550 5.1.1 no such user", Permanent),
        ("jsj@example.org", "550 Domain frequency limited", RateLimited),
        ("office@xn--fsqu00a.xn--fiqs8s", "553 Mail from must equal authorized user", ChannelBroken),
        ("DATA", "554 DT:SPM 163 smtp", Permanent),
        ("DATA", "451 DT:SPM 163 smtp", Passing),
        ("DATA", "552 Daily sending quota exceeded", RateLimited),
    ],
)
def test_a_refusal_is_told_apart_and_was_no_unknown(
    where: str, answer: str, kind: type[DeliveryError], mail: Mail
) -> None:
    with mail_server(Office(replies={where: answer})) as port, mail(port) as batch:
        error = batch.refused()
    assert type(error) is kind
    assert answer in error.text
    assert (error.code, error.accepted_unknown) == (answer[:3], False)
    assert not isinstance(error, RateLimited) or error.until > batch.now + timedelta(minutes=30)


def test_after_a_refusal_the_same_connection_goes_on(mail: Mail) -> None:
    office = Office(replies={"gone@example.org": "550 no such user"})
    with mail_server(office) as port, mail(port) as batch:
        batch.send()
        batch.refused("gone@example.org")
        batch.send()
    assert (len(office.letters), office.connections) == (2, 1)


def test_one_good_address_of_several_is_enough_and_the_others_are_named(mail: Mail) -> None:
    office = Office(replies={"gone@example.org": "550 no such user"})
    with mail_server(office) as port, mail(port) as batch:
        receipt = batch.send("gone@example.org", "jsj@example.org", "张@example.org")
    assert office.to == [["jsj@example.org"]]
    assert "refused gone@example.org: RCPT TO: 550 no such user" in receipt.text
    assert "张@example.org" in receipt.text


def test_all_refused_stays_a_retry_while_one_may_still_take_it(mail: Mail) -> None:
    office = Office(replies={"gone@example.org": "550 no such user", "full@example.org": "452 try later"})
    with mail_server(office) as port, mail(port) as batch:
        error = batch.refused("gone@example.org", "full@example.org")
    assert type(error) is Passing
    assert "gone@example.org" in error.text
    assert "full@example.org" in error.text


def test_no_more_than_so_many_messages_per_connection(mail: Mail) -> None:
    office = Office()
    with mail_server(office) as port, mail(port, per_connection=2) as batch:
        for _ in range(5):
            batch.send()
    assert (len(office.letters), office.connections) == (5, 3)


def test_nobody_at_home_is_worth_another_try(mail: Mail) -> None:
    with mail(1) as batch:
        error = batch.refused()
    assert type(error) is Passing
    assert not error.accepted_unknown
