"""What no decent mail server does: hanging, hanging up, answering nonsense, dripping."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from channel_batch import Blind, Mail
from mail_rigs import Line, drip, scripted

from reminder.channels import deadline
from reminder.channels.smtp_mail import SmtpMail
from reminder.errors import ChannelBroken, Passing, RateLimited


def accepts(line: Line) -> None:
    line.politely()
    line.say("250 queued")


def accepts_then_hangs_up(line: Line) -> None:
    accepts(line)


def accepts_then_talks_nonsense(line: Line) -> None:
    accepts(line)
    line.hear()
    line.sock.sendall(b"\0\0\0\r\n")


def stays_for_all(line: Line) -> None:
    accepts(line)
    while verb := line.hear().split(" ")[0]:
        line.say("354 go on" if verb == "DATA" else "250 ok")
        if verb == "DATA":
            while line.hear() != ".":
                pass
            line.say("250 queued")


def test_garbage_in_answer_to_quit_is_no_failure(mail: Mail) -> None:
    with scripted(accepts_then_talks_nonsense) as (port, _), mail(port) as batch:
        assert batch.send().code == "250"


def test_a_connection_gone_between_two_messages_is_opened_anew(mail: Mail) -> None:
    with scripted(accepts_then_hangs_up, accepts) as (port, count), mail(port) as batch:
        assert [batch.send().code, batch.send().code] == ["250", "250"]
        assert count == [2]


def test_421_for_having_been_idle_is_opened_anew(mail: Mail) -> None:
    def closes_when_idle(line: Line) -> None:
        accepts(line)
        line.hear()
        line.say("421 idle too long")

    with scripted(closes_when_idle, accepts) as (port, count), mail(port) as batch:
        assert [batch.send().code, batch.send().code] == ["250", "250"]
        assert count == [2]


@pytest.mark.parametrize(
    "ending",
    [
        lambda line: None,
        lambda line: line.say("what?"),
        lambda line: line.hear(),
        lambda line: line.sock.sendall(b"250"),
        lambda line: line.sock.sendall(b"250-2.0.0 Ok\r\n250 2.0"),
    ],
    ids=["cut", "nonsense", "hang", "half a line", "half an answer"],
)
def test_no_answer_after_the_final_dot_may_have_been_an_acceptance(mail: Mail, ending: object) -> None:
    def ends(line: Line) -> None:
        line.politely()
        assert callable(ending)
        ending(line)

    with scripted(ends) as (port, count), mail(port, timeout=3) as batch:
        error = batch.refused()
        assert (type(error), error.accepted_unknown) == (Passing, True)
        assert count == [1], "a second attempt is for the outbox to decide"


def test_a_plain_refusal_after_the_final_dot_is_known(mail: Mail) -> None:
    def refuses(line: Line) -> None:
        line.politely()
        line.say("451 4.3.0 queue full")

    with scripted(refuses) as (port, _), mail(port) as batch:
        error = batch.refused()
    assert (type(error), error.accepted_unknown, error.code) == (Passing, False, "451")


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_hanging_up_before_the_message_was_handed_over_leaves_nothing_open(mail: Mail, verb: str) -> None:
    def hangs_up(line: Line) -> None:
        line.say("220 ready")
        while not line.hears(verb):
            line.say("250 ok")

    with scripted(hangs_up) as (port, count), mail(port) as batch:
        error = batch.refused()
    assert (type(error), error.accepted_unknown) == (Passing, False)
    assert count == [1]


def test_a_server_that_never_greets_is_given_up_after_the_timeout(mail: Mail) -> None:
    with scripted(lambda line: line.hear()) as (port, _), mail(port, timeout=0.3) as batch:
        started = time.monotonic()
        assert type(batch.refused()) is Passing
    assert time.monotonic() - started < 5


def up_to(line: Line, verb: str) -> None:
    """Answers each command before `verb` politely."""
    if verb == "greeting":
        return
    line.say("220 ready")
    while not line.hears(verb):
        line.say("250 ok")


@pytest.mark.parametrize("verb", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_drips_its_answer_is_cut_off_at_any_stage(mail: Mail, verb: str) -> None:
    """No single read times out; the drip goes on until it is cut."""

    def drips(line: Line) -> None:
        up_to(line, verb)
        drip(line, for_ever=True)

    with scripted(drips) as (port, count), mail(port, timeout=1) as batch:
        error = batch.refused()
        assert (type(error), error.accepted_unknown, count) == (Passing, False, [1])


def test_a_server_that_drips_its_answer_to_the_final_dot_is_cut_off_and_may_have_accepted(mail: Mail) -> None:
    def drips(line: Line) -> None:
        line.politely()
        drip(line, for_ever=True)

    with scripted(drips) as (port, count), mail(port, timeout=3) as batch:
        error = batch.refused()
        assert (type(error), error.accepted_unknown, count) == (Passing, True, [1])


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_server_that_never_shakes_hands_is_cut_off(mail: Mail, tls: str) -> None:
    def says_nothing(line: Line) -> None:
        if tls == "starttls":
            line.say("220 ready")
            line.hear()
            line.say("250-here\r\n250 STARTTLS")
            line.hear()
            line.say("220 go ahead")
        drip(line, for_ever=True)

    with scripted(says_nothing) as (port, _), mail(port, timeout=1, tls=tls) as batch:
        error = batch.refused()
        assert (type(error), error.accepted_unknown) == (Passing, False)


def test_a_server_that_drips_its_goodbye_is_not_waited_for(mail: Mail) -> None:
    def drips_at_quit(line: Line) -> None:
        accepts(line)
        line.hears("QUIT")
        drip(line, for_ever=True)

    with scripted(drips_at_quit, accepts) as (port, count), mail(port, timeout=20, per_connection=1) as batch:
        assert [batch.send().code, batch.send().code] == ["250", "250"]
        assert count == [2]


def test_a_server_that_reads_slowly_is_cut_off_before_it_has_the_final_dot(mail: Mail) -> None:
    """Where cutting is safe: it has not got all of the message."""

    def stalls(line: Line) -> None:
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        up_to(line, "DATA")
        line.say("354 go on")
        stalled.wait(30)

    stalled = threading.Event()
    with scripted(stalls) as (port, _), mail(port, timeout=2) as batch:
        batch.letter = replace(batch.letter, text="整改" * 10_000_000)
        error = batch.refused()
        stalled.set()
    assert (type(error), error.accepted_unknown) == (Passing, False)


def test_an_attempt_whose_time_is_over_hands_nothing_over(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped wakes up with the go-ahead in hand, before anybody has cut its connection."""
    heard: list[str] = []

    def listens(line: Line) -> None:
        up_to(line, "DATA")
        line.say("354 go on")
        heard.append(line.hear())

    def announced_too_late(self: SmtpMail, *args: Any, **named: Any) -> None:
        honest(self, *args, **named)
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 300, sleep=time.sleep)
        monkeypatch.setattr(deadline, "time", later)

    honest = SmtpMail.announce
    monkeypatch.setattr(SmtpMail, "announce", announced_too_late)
    monkeypatch.setattr(deadline, "_watch", Blind())
    with scripted(listens) as (port, _), mail(port, timeout=20) as batch:
        error = batch.refused()
    assert (type(error), error.accepted_unknown, heard) == (Passing, False, [""])


def test_an_attempt_whose_time_is_over_on_a_kept_connection_does_not_dial_again(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """month, seed 101: it dialed with less than no time left, which is a ValueError to a socket."""

    def listens(line: Line) -> None:
        line.politely()
        line.say("250 ok")
        for command in iter(line.hear, ""):
            line.say("354 go on" if command == "DATA" else "250 ok")

    def announced_too_late(self: SmtpMail, *args: Any, **named: Any) -> None:
        honest(self, *args, **named)
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 300, sleep=time.sleep)
        monkeypatch.setattr(deadline, "time", later)

    honest = SmtpMail.announce
    monkeypatch.setattr(deadline, "_watch", Blind())
    with scripted(listens, accepts) as (port, count), mail(port, timeout=20) as batch:
        batch.send()
        monkeypatch.setattr(SmtpMail, "announce", announced_too_late)
        error = batch.refused()
    assert (type(error), error.accepted_unknown, count) == (Passing, False, [1])


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [("421 HL:ICC too many connections", RateLimited), ("421 busy", Passing), ("554 no service", ChannelBroken)],
)
def test_a_refusing_greeting(mail: Mail, greeting: str, kind: type[Exception]) -> None:
    with scripted(lambda line: line.say(greeting)) as (port, _), mail(port) as batch:
        assert type(batch.refused()) is kind


def test_421_in_the_middle_hangs_up_and_the_next_message_dials_again(mail: Mail) -> None:
    with scripted(lambda line: line.politely(RCPT="421 closing"), accepts) as (port, count), mail(port) as batch:
        assert type(batch.refused()) is Passing
        assert batch.send().code == "250"
        assert count == [2]


def test_netease_wants_a_new_connection_after_too_many_messages(mail: Mail) -> None:
    with scripted(lambda line: line.politely(RCPT="450 MI:DMC 163"), accepts) as (port, count), mail(port) as batch:
        assert type(batch.refused()) is Passing
        assert batch.send().code == "250"
        assert count == [2]


def test_words_in_gb18030_are_readable(mail: Mail) -> None:
    def speaks_gb(line: Line) -> None:
        line.say("220 ready")
        while not line.hears("RCPT"):
            line.say("250 ok")
        line.sock.sendall("550 收件人不存在\r\n".encode("gb18030"))
        line.hear()

    with scripted(speaks_gb) as (port, _), mail(port) as batch:
        assert "收件人不存在" in batch.refused().text


def test_the_mail_goes_out_in_seven_bits_without_looking_up_our_own_name(mail: Mail) -> None:
    heard: list[str] = []

    def listens(line: Line) -> None:
        line.say("220 ready")
        while command := line.hear():
            heard.append(command)
            if command == "DATA":
                line.say("354 go on")
                while (text := line.hear()) != ".":
                    heard.append(text)
            line.say("250 ok")

    with scripted(listens) as (port, _), mail(port) as batch:
        batch.send()
    assert heard[0] == "ehlo [127.0.0.1]"
    assert all(text.isascii() and len(text) < 80 for text in heard)


def test_an_unbroken_batch_needs_one_connection(mail: Mail) -> None:
    with scripted(stays_for_all) as (port, count), mail(port) as batch:
        for _ in range(10):
            batch.send()
        assert count == [1]


@pytest.mark.parametrize("stage", ["the greeting", "a command", "the final dot"])
def test_an_answer_without_end_is_read_only_so_far(mail: Mail, stage: str) -> None:
    """64 KiB, and what lies in the sockets' buffers; without a bound all of it would be kept in memory."""
    poured = [0]

    def pours(line: Line) -> None:
        if stage == "a command":
            line.say("220 ready")
            line.hear()
        elif stage == "the final dot":
            line.politely()
        while True:
            line.sock.sendall((b"250-" + b"x" * 60 + b"\r\n") * 100)
            poured[0] += 6600

    with scripted(pours) as (port, _), mail(port, timeout=20) as batch:
        error = batch.refused()
        assert (type(error), error.accepted_unknown) == (Passing, stage == "the final dot")
        assert "goes on after 65536 bytes" in error.text
    assert poured[0] < 32 * 2**20
