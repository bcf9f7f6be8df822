"""Nasty text from a ledger in, clean e-mail out."""

from __future__ import annotations

import binascii
import email
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminder.domain.message import Envelope, Letter
from reminder.render.mime import build, one_line

SENDER = "整改办 <office@example.org>"
LETTER = Letter(
    subject="整改提醒：3项措施将于本周到期",
    text="建设局：\n第73项将于6月30日到期。\n",
    html="<p>建设局</p>",
    brief="第73项",
    data={"locale": "zh_CN"},
)
ENVELOPE = Envelope(
    message_id="r-42@reminder.example.org",
    recipient="建设局",
    addresses=("jsj@example.org",),
    reply_to=("office@example.org",),
    references=("m-73@reminder.example.org", "m-74@reminder.example.org"),
    written_at=datetime(2021, 5, 6, 1, 0, tzinfo=UTC),
)
NASTY = st.text(
    st.one_of(st.characters(), st.sampled_from('\r\n\0\x0b\x0c\x1c\x85\u2028\u2029\u202e\ud800=?<>@,;:"\\ 整')),
    max_size=300,
)


def parsed(letter: Letter = LETTER, envelope: Envelope = ENVELOPE) -> EmailMessage:
    return email.message_from_bytes(build(letter, envelope, SENDER), policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def as_shown(text: str) -> str:
    """What of a body arrives, worked out character by character."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c in "\t\n" or unicodedata.category(c) != "Cc")
    return "".join("�" if unicodedata.category(c) == "Cs" else c for c in kept).replace("\n", "\r\n")


def addressed_to(payload: bytes) -> list[tuple[str, str]]:
    """Read as older programs do: the new parser of 3.11 leaves a blank between two encoded words of a name."""
    message = email.message_from_bytes(payload, policy=policy.compat32)
    return [(str(make_header(decode_header(name))), address) for name, address in getaddresses([message["To"]])]


def test_a_letter_arrives_as_it_was_written() -> None:
    message = parsed()
    assert message["Subject"] == LETTER.subject
    assert str(message["From"]) == "整改办 <office@example.org>"
    assert str(message["To"]) == "建设局 <jsj@example.org>"
    assert message["Reply-To"] == "office@example.org"
    assert message["Date"].datetime == ENVELOPE.written_at
    assert message["Message-ID"] == "<r-42@reminder.example.org>"
    assert part(message, "plain").replace("\r\n", "\n") == LETTER.text


def test_text_comes_before_html_and_both_say_so() -> None:
    message = parsed()
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]


def test_bileto_815_osticket_1041_freescout_2445_helpdesk_3628_posthog_92017_rt_345_autoresponders_keep_quiet() -> None:
    message = parsed()
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert message["Content-Language"] == "zh-CN"


def test_mail_programs_thread_by_measure() -> None:
    threads = "<m-73@reminder.example.org> <m-74@reminder.example.org>"
    assert parsed()["References"] == threads
    assert parsed()["In-Reply-To"] == threads


def test_hundreds_of_measures_do_not_swell_the_header() -> None:
    many = replace(ENVELOPE, references=tuple(f"m-{n}@reminder.example.org" for n in range(400)))
    assert len(str(parsed(envelope=many)["References"]).split()) == 50


def test_the_same_letter_gives_the_same_bytes_and_another_id_another_boundary() -> None:
    again = replace(ENVELOPE, message_id="r-43@reminder.example.org")
    assert build(LETTER, ENVELOPE, SENDER) == build(LETTER, ENVELOPE, SENDER)
    assert parsed().get_boundary() != parsed(envelope=again).get_boundary()


def test_a_chinese_domain_goes_out_in_ascii() -> None:
    message = parsed(envelope=replace(ENVELOPE, addresses=("zhang@例子.中国",)))
    assert message["To"].addresses[0].addr_spec == "zhang@xn--fsqu00a.xn--fiqs8s"


def test_without_addresses_the_recipient_is_an_empty_group() -> None:
    group = parsed(envelope=replace(ENVELOPE, addresses=()))["To"].groups[0]
    assert (group.display_name, group.addresses) == ("建设局", ())


@pytest.mark.parametrize("name", ['建设局"', "a, b <evil@example.net>", "办公室(综合)", "x" * 200, ""])
def test_a_strange_display_name_stays_a_name(name: str) -> None:
    payload = build(LETTER, replace(ENVELOPE, recipient=name), SENDER)
    assert addressed_to(payload) == [(name, "jsj@example.org")]


def test_cve_2024_6923_an_encoded_word_in_a_ledger_makes_no_header() -> None:
    evil = "=?utf-8?q?a=0D=0AX-Evil=3A_1=0D=0A=0D=0Abody?="
    message = parsed(replace(LETTER, subject=evil), replace(ENVELOPE, recipient=evil))
    assert message["X-Evil"] is None
    assert message["Subject"] == evil.replace("=?", "= ?")


def test_alt_enter_from_excel_in_a_subject_becomes_a_blank() -> None:
    assert one_line("第73项\n已\x0b逾\u2028期\0\u202e") == "第73项 已 逾 期"


def test_a_url_in_a_long_subject_survives() -> None:
    subject = "see https://reminder.example.org/" + "a" * 300
    assert parsed(replace(LETTER, subject=subject))["Subject"] == subject


@pytest.mark.parametrize("message_id", ["no-at", "a b@x", "a@x\r\nX-Evil: 1", "<a@x>", "整改@x"])
def test_a_malformed_id_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="not a message id"):
        build(LETTER, replace(ENVELOPE, message_id=message_id), SENDER)


@settings(deadline=None)
@given(subject=NASTY, name=NASTY, text=NASTY, html=NASTY)
def test_whatever_a_ledger_holds_the_message_is_clean(subject: str, name: str, text: str, html: str) -> None:
    letter = replace(LETTER, subject=subject, text=text, html=html)
    payload = build(letter, replace(ENVELOPE, recipient=name), SENDER)
    head = payload.partition(b"\r\n\r\n")[0]
    assert payload.isascii()
    assert b"\n" not in payload.replace(b"\r\n", b"")
    assert max(map(len, payload.split(b"\r\n"))) <= 78
    assert len(head.split(b"\r\nSubject:")) == 2
    message = email.message_from_bytes(payload, policy=policy.default)
    assert [p.defects for p in message.walk()] == [[], [], []]
    assert all(not value.defects for value in message.values())
    assert set(message.keys()) == set(parsed().keys())
    assert message["Subject"] == one_line(subject)
    assert addressed_to(payload) == [(one_line(name), "jsj@example.org")]
    assert part(message, "plain") == as_shown(text)
    assert part(message, "html") == as_shown(html)


@settings(deadline=None)
@given(st.text(st.sampled_from("整改a😀é \u0301="), min_size=1, max_size=200))
def test_an_encoded_word_never_splits_a_character(subject: str) -> None:
    payload = build(replace(LETTER, subject=subject), ENVELOPE, SENDER)
    words = re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", payload.partition(b"\r\nDate:")[0].partition(b"\r\nSubject:")[2])
    assert b"".join(binascii.a2b_base64(word) for word in words).decode() == (one_line(subject) if words else "")
    for word in words:
        binascii.a2b_base64(word).decode()  # each one alone (RFC 2047 §5)
