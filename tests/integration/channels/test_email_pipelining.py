"""PIPELINING (RFC 2920): parties and DATA in one write, answers matched in their order; and servers without it."""

from __future__ import annotations

import select

import pytest
from channel_batch import Batch, Mail
from mail_rigs import Line, scripted

from reminder.channels import deadline
from reminder.domain.message import Envelope
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
            self.letters.append(line.letter())
            line.say("250 queued" if self.letters[-1] else "554 no valid recipients")


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


def row(batch: Batch, *answers: str, names: str = "abc") -> None:
    """One mail to each name, each foretold by the one before; what came of each: its code."""
    envelopes: list[Envelope | None] = [batch.to(f"{name}@x.org") for name in names]
    for envelope, then, answer in zip(envelopes, [*envelopes[1:], None], answers, strict=True):
        assert envelope is not None
        try:
            code = batch.sent(envelope, then).code
        except DeliveryError as refused:
            code = refused.code
        assert code == answer


def greets(line: Line) -> None:
    line.say("220 ready")
    line.hear()
    line.say("250-here\r\n250 PIPELINING")


def takes(line: Line) -> None:
    """A mail's parties and its bytes, which are not answered yet."""
    for _ in range(3):
        line.hear()
    line.say("250 ok\r\n250 ok\r\n354 go on")
    line.letter()


def receivers(server: Server) -> list[str]:
    return [command.partition("<")[2][0] for command in server.heard if command.startswith("RCPT")]


def test_the_next_mail_is_announced_right_behind_the_bytes_of_this_one(mail: Mail) -> None:
    """The server keeps the answer to a mail until it has heard the parties of the next one."""

    def waits(line: Line) -> None:
        greets(line)
        behind = [line.hear() for _ in range(3)]
        for last in (False, False, True):
            line.say("250 ok\r\n250 ok\r\n354 go on")
            line.letter()
            behind = [] if last else [line.hear() for _ in range(3)]
            line.say("250 queued")
        said.extend(behind)
        line.politely()

    said: list[str] = []
    with scripted(waits) as (port, count), mail(port) as batch:
        row(batch, "250", "250", "250")
        assert count == [1]
    assert said == []


@pytest.mark.parametrize("offers", [True, False], ids=["at once", "in turn"])
def test_who_is_foretold_gets_his_own_mail_once(mail: Mail, offers: bool) -> None:
    server = Server(offers=offers)
    with scripted(server) as (port, count), mail(port) as batch:
        row(batch, "250", "250", "250")
        assert count == [1]
    assert (receivers(server), len(server.letters)) == (["a", "b", "c"], 3)
    assert verbs(server) == ["MAIL", "RCPT", "DATA"] * 3


def test_a_mail_refused_behind_its_bytes_takes_nothing_from_the_next(mail: Mail) -> None:
    class Choosy(Server):
        def answer(self, line: Line, command: str) -> None:
            self.heard.append(command)
            if command != "DATA":
                line.say("250 ok")
                return
            line.say("354 go on")
            self.letters.append(line.letter())
            line.say("552 too large" if len(self.letters) == 1 else "250 queued")

    server = Choosy()
    with scripted(server) as (port, count), mail(port) as batch:
        row(batch, "552", "250", "250")
        assert count == [1], "no RSET in the midst of the next one"
    assert verbs(server) == ["MAIL", "RCPT", "DATA"] * 3


def test_a_foretold_recipient_that_is_refused_leaves_the_others_theirs(mail: Mail) -> None:
    server = Server(RCPT=["250 ok", "550 no such user", "250 ok"])
    with scripted(server) as (port, count), mail(port) as batch:
        row(batch, "250", "550", "250")
        assert count == [1]
    assert [bool(letter) for letter in server.letters] == [True, False, True], "to nobody goes an empty one, refused"


def test_where_another_mail_comes_than_was_foretold_the_server_gets_none_of_it(mail: Mail) -> None:
    """It waits for the bytes of the foretold one: whatever came now would go to the wrong recipient."""
    servers = Server(), Server()
    with scripted(*servers) as (port, count), mail(port) as batch:
        batch.sent(batch.to("a@x.org"), batch.to("b@x.org"))
        batch.sent(batch.to("c@x.org"))
        assert count == [2]
    assert [receivers(server) for server in servers] == [["a", "b"], ["c"]]
    assert [len(server.letters) for server in servers] == [1, 1]


def test_who_was_foretold_and_never_sent_gets_nothing_at_the_end(mail: Mail) -> None:
    server = Server()
    with scripted(server) as (port, _), mail(port) as batch:
        batch.sent(batch.to("a@x.org"), batch.to("b@x.org"))
    assert len(server.letters) == 1


def test_a_connection_that_breaks_behind_the_bytes_leaves_one_in_doubt_and_the_next_untouched(mail: Mail) -> None:
    def breaks(line: Line) -> None:
        greets(line)
        takes(line)
        line.reset()

    server = Server()
    with scripted(breaks, server) as (port, count), mail(port) as batch:
        first, second = batch.to("a@x.org"), batch.to("b@x.org")
        with pytest.raises(Passing) as caught:
            batch.sent(first, second)
        assert caught.value.accepted_unknown
        assert batch.sent(second).code == "250"
        assert count == [2]
    assert receivers(server) == ["b"]


def test_what_was_handed_over_is_watched_until_its_answer_has_come(mail: Mail) -> None:
    """Whoever stops cuts it, also while its sender does something else."""

    def silent(line: Line) -> None:
        greets(line)
        takes(line)
        line.hear()

    with scripted(silent) as (port, _), mail(port, timeout=20) as batch:
        answer = batch.channel.hand_over(batch.payload(), batch.envelope, batch.now)
        assert len(deadline._watch.under_way()) == 1
        deadline.cut_all()
        with pytest.raises(Passing) as caught:
            answer()
        assert caught.value.accepted_unknown
        assert deadline._watch.under_way() == []


def test_no_mail_is_foretold_to_a_connection_that_ends_with_this_one(mail: Mail) -> None:
    servers = Server(), Server()
    with scripted(*servers) as (port, count), mail(port, per_connection=2) as batch:
        row(batch, "250", "250", "250")
        assert count == [2]
    assert [receivers(server) for server in servers] == [["a", "b"], ["c"]]


def test_what_was_foretold_is_forgotten_with_the_mail_it_should_have_followed(mail: Mail) -> None:
    """Refused before its bytes: the next one is announced anew, and nobody hears of it twice."""
    server = Server(RCPT=["550 no such user", "250 ok", "250 ok"])
    with scripted(server) as (port, count), mail(port) as batch:
        row(batch, "550", "250", "250")
        assert count == [1]
    assert receivers(server) == ["a", "b", "c"]


def test_a_server_that_loses_what_was_foretold_is_told_nothing_beforehand_any_more(mail: Mail) -> None:
    """Whoever throws away what lies behind a mail's bytes never answers it: that costs one time-out, not one a mail."""

    def loses(line: Line) -> None:
        greets(line)
        takes(line)
        line.say("250 queued")
        while line.hear():
            pass

    def patient(line: Line) -> None:
        greets(line)
        for _ in range(2):
            takes(line)
            behind.append(bool(select.select([line.sock], [], [], 0.3)[0]))
            line.say("250 queued")
        line.politely()

    behind: list[bool] = []
    with scripted(loses, patient) as (port, count), mail(port, timeout=2) as batch:
        row(batch, "250", "", "250", "250", names="abcd")
        assert count == [2]
    assert behind == [False, False]
