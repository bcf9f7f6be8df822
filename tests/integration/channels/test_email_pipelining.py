"""PIPELINING (RFC 2920): parties and DATA in one write, answers matched in their order; and servers without it."""

from __future__ import annotations

import pytest
from channel_batch import Mail
from mail_rigs import Line, scripted

from reminder.errors import ChannelBroken, DeliveryError, Passing, Permanent


class Server:
    """Answers by the verb, a list one after the other; `heard` are the commands. With `waits` it answers only when all
    of MAIL, RCPT and DATA have come: who waits for an answer in between waits for ever."""

    def __init__(self, *, offers: bool = True, waits: bool = False, **answers: str | list[str]) -> None:
        self.offers, self.waits, self.answers = offers, waits, answers
        self.heard: list[str] = []
        self.letters: list[list[str]] = []

    def __call__(self, line: Line) -> None:
        line.say("220 ready")
        line.hear()
        line.say("250-here\r\n250-SIZE 1000\r\n250 PIPELINING" if self.offers else "250 here")
        while command := line.hear():
            if self.waits and command.startswith("MAIL"):
                held = [command]
                while held[-1] != "DATA":
                    held.append(line.hear())
                for each in held:
                    self.answer(line, each)
            else:
                self.answer(line, command)

    def answer(self, line: Line, command: str) -> None:
        self.heard.append(command)
        verb = command.split(maxsplit=1)[0].upper()
        planned = self.answers.get(verb, "354 go on" if verb == "DATA" else "250 ok")
        reply = planned if isinstance(planned, str) else planned.pop(0)
        line.say(reply)
        if verb == "DATA" and reply.startswith("354"):
            letter: list[str] = []
            while (text := line.hear()) != ".":
                letter.append(text)
            self.letters.append(letter)
            line.say("250 queued" if letter else "554 no valid recipients")


def verbs(server: Server) -> list[str]:
    return [command.split()[0].upper() for command in server.heard if not command.upper().startswith("QUIT")]


def test_parties_and_data_go_out_at_once_where_it_is_offered(mail: Mail) -> None:
    server = Server(waits=True)
    with scripted(server) as (port, _), mail(port) as batch:
        assert [batch.send().code, batch.send("a@x.org", "b@x.org").code] == ["250", "250"]
    assert verbs(server) == ["MAIL", "RCPT", "DATA", "MAIL", "RCPT", "RCPT", "DATA"]
    assert len(server.letters) == 2


def test_they_go_out_in_turn_where_it_is_not(mail: Mail) -> None:
    server = Server(offers=False, RCPT="550 no such user")
    with scripted(server) as (port, _), mail(port) as batch:
        assert type(batch.refused()) is Permanent
    assert verbs(server) == ["MAIL", "RCPT", "RSET"], "DATA is not even asked for"


def test_a_server_that_wants_a_message_for_nobody_gets_an_empty_one(mail: Mail) -> None:
    server = Server(RCPT=["550 no such user", "250 ok"])
    with scripted(server) as (port, count), mail(port) as batch:
        error = batch.refused()
        assert (type(error), error.code) == (Permanent, "550")
        assert batch.send().code == "250"
        assert count == [1], "the connection stays in step"
    assert [bool(letter) for letter in server.letters] == [False, True]


REFUSALS: list[tuple[dict[str, str], type[DeliveryError], str]] = [
    (
        {"MAIL": "553 Mail from must equal authorized user", "RCPT": "503 MAIL first", "DATA": "503"},
        ChannelBroken,
        "553",
    ),
    ({"MAIL": "451 DT:SPM", "RCPT": "503 MAIL first", "DATA": "503 MAIL first"}, Passing, "451"),
    ({"RCPT": "450 mailbox busy", "DATA": "503 no valid recipients"}, Passing, "450"),
    ({"DATA": "451 try later"}, Passing, "451"),
]


@pytest.mark.parametrize(("answers", "kind", "code"), REFUSALS)
def test_each_answer_is_matched_to_its_command(
    mail: Mail, answers: dict[str, str], kind: type[DeliveryError], code: str
) -> None:
    server = Server(**answers)  # type: ignore[arg-type]  # answers are keyword arguments
    with scripted(server) as (port, _), mail(port) as batch:
        error = batch.refused()
    assert (type(error), error.code, error.accepted_unknown) == (kind, code, False)
    assert not any(server.letters)


INJECTED = [
    "a@x.org>\r\nRCPT TO:<evil@x.org",
    "a@x.org\nRSET",
    "a@x.org\r\nDATA\r\nSubject: x",
    "a\r\nMAIL FROM:<evil@x.org>@x.org",
    "a@x.org> NOTIFY=NEVER",
]


@pytest.mark.parametrize("offers", [True, False], ids=["at once", "in turn"])
@pytest.mark.parametrize("address", INJECTED)
def test_cpython_87290_aiosmtplib_v3q9_hj7j_63hq_an_address_is_never_a_command(
    mail: Mail, address: str, offers: bool
) -> None:
    """Line ends in an address became commands of their own (also aiosmtplib GHSA-v3q9-hj7j-63hq)."""
    server = Server(offers=offers)
    with scripted(server) as (port, _), mail(port) as batch:
        assert type(batch.refused(address)) is Permanent
        assert "not an e-mail address" in batch.send(address, "good@x.org").text
    sender = "MAIL FROM:<office@xn--fsqu00a.xn--fiqs8s>"
    said = [command for command in server.heard if command not in ("RSET", "rset", "QUIT", "quit")]
    assert said == [sender, "RCPT TO:<good@x.org>", "DATA"]


def test_of_several_recipients_those_accepted_get_it(mail: Mail) -> None:
    server = Server(RCPT=["250 ok", "550 no such user", "250 ok"])
    with scripted(server) as (port, _), mail(port) as batch:
        receipt = batch.send("a@x.org", "gone@x.org", "b@x.org")
    assert "gone@x.org" in receipt.text
    assert len(server.letters) == 1


def test_421_among_the_answers_hangs_up(mail: Mail) -> None:
    def closes(line: Line) -> None:
        line.say("220 ready")
        line.hear()
        line.say("250-here\r\n250 PIPELINING")
        line.hear()
        line.say("250 ok\r\n421 closing")

    with scripted(closes, Server()) as (port, count), mail(port) as batch:
        error = batch.refused()
        assert (type(error), error.accepted_unknown) == (Passing, False)
        assert batch.send().code == "250"
        assert count == [2]
