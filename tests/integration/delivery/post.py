"""A mail server of several connections at once, which counts them, and offices whose mail goes there."""

from __future__ import annotations

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from reminder.channels import open_channel
from reminder.channels.email import EmailKeys
from reminder.cycle import enqueue
from reminder.cycle.carrier import Carrier
from reminder.cycle.dispatch import Dispatch
from reminder.cycle.lanes import Lane
from reminder.domain.people import Unit
from tests.integration.channels.mail_rigs import Line
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at

MORNING = "2021-06-08 09:00"
HANGS_UP, SILENT = "hangs up", "silent"
Reply = Callable[[int], str]


class Post:
    """Greets, and answers to a message's recipient and to its end, as it is told by number: that of the connection,
    that of the message in `order`, which are addresses. `HANGS_UP` and `SILENT` are such answers.

    `letters` are the messages that came whole, each with its connection; `came` an event for each of them, `asked` for
    its recipient. `most` is how many connections were open at once, by what the system says of them.
    """

    def __init__(
        self,
        at_end: Reply = lambda _: "250 queued",
        at_recipient: Reply = lambda _: "250 ok",
        greeting: Reply = lambda _: "220 ready",
    ) -> None:
        self.at_end, self.at_recipient, self.greeting = at_end, at_recipient, greeting
        self.order: list[str] = []
        self.letters: list[tuple[str, int]] = []
        self.came: dict[int, threading.Event] = defaultdict(threading.Event)
        self.asked: dict[int, threading.Event] = defaultdict(threading.Event)
        self.most = 0
        self.goodbye = 0.0  # seconds until it is answered
        self.lines: list[Line] = []
        self._lock = threading.Lock()

    @contextmanager
    def open(self) -> Iterator[int]:
        """Takes connections at the port it yields."""
        threads: list[threading.Thread] = []
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            threads.append(threading.Thread(target=self._listen, args=(listener, threads), daemon=True))
            threads[0].start()
            try:
                yield int(listener.getsockname()[1])
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                threads[0].join(20)
                for line in self.lines:
                    line.cut()
                for thread in threads:
                    thread.join(20)
                    assert not thread.is_alive(), "a connection does not end when it is cut"

    def _listen(self, listener: socket.socket, threads: list[threading.Thread]) -> None:
        with suppress(OSError):
            while True:
                line = Line(listener.accept()[0])
                self.lines.append(line)
                self._count()
                threads.append(threading.Thread(target=self._serve, args=(line, len(self.lines)), daemon=True))
                threads[-1].start()

    def _count(self) -> None:
        with self._lock:
            self.most = max(self.most, sum(is_open(line.sock) for line in list(self.lines)))

    def _serve(self, line: Line, connection: int) -> None:
        with suppress(OSError):
            if self._said(line, self.greeting(connection)):
                self._talk(line, connection)
        line.close()

    def _talk(self, line: Line, connection: int) -> None:
        address, wanted = "", False
        while command := line.hear():
            verb = command.split()[0].upper()
            if verb == "EHLO":
                line.say("250-here\r\n250 PIPELINING")
            elif verb == "RCPT":
                address = command.partition("<")[2].rstrip(">")
                self.asked[self._number(address)].set()
                reply = self.at_recipient(self._number(address))
                wanted = reply.startswith("250")
                line.say(reply)
            elif verb == "DATA" and not wanted:
                line.say("503 for whom?")
            elif verb == "DATA":
                line.say("354 go on")
                line.letter()
                self.letters.append((address, connection))
                self.came[self._number(address)].set()
                self._count()
                if not self._said(line, self.at_end(self._number(address))):
                    return
            elif verb == "QUIT":
                time.sleep(self.goodbye)
                line.say("221 bye")
            else:
                line.say("250 ok")

    def _said(self, line: Line, reply: str) -> bool:
        """Whether the connection goes on after this answer."""
        if reply == HANGS_UP:
            line.reset()
        elif reply == SILENT:
            while line.hear():
                pass
        else:
            line.say(reply)
        return reply[:3] in ("220", "250", "552")

    def _number(self, address: str) -> int:
        return self.order.index(address) + 1 if address in self.order else 0


def is_open(sock: socket.socket) -> bool:
    """Whether nobody has hung up yet, as tcp(7)'s TCP_INFO has it: the state comes first, 1 is ESTABLISHED."""
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == 1
    except OSError:
        return False


def an_office(folder: Path, port: int, many: int, **keys: object) -> Stage:
    """An office with so many units, each with an address of its own and a measure of which it is told that morning."""
    usual = {"kind": "email", "host": "127.0.0.1", "sender": "整改办 <office@example.org>", "tls": "none"}
    checked = EmailKeys.model_validate({**usual, "port": port, **keys})
    units = {
        f"{n}局": Unit(name=f"{n}局", channels=("mail",), addresses={"mail": (f"u{n}@example.org",)})
        for n in range(many)
    }
    stage = Stage(
        folder,
        rules=(a_rule("deadline", before=[7]),),
        directory=a_directory(units=units),
        channels={"mail": partial(open_channel, "mail", checked, folder)},
    )
    for name in units:
        stage.measure(name, "2021-06-15", [name])
    return stage


class Row:
    """Messages in a row, taken by one worker for a peer that is quick, whatever it is told: `paces`."""

    def __init__(self, stage: Stage, post: Post) -> None:
        self.stage, self.post = stage, post
        enqueue(stage.service, at(MORNING))
        self.dispatch = Dispatch(stage.service, lambda: at(MORNING))
        self.dispatch.feed(look=True)
        (self.lane,) = self.dispatch.lanes.values()
        quick(self.lane)
        self.paces: list[float] = []
        self.lane.tried = self.paces.append  # type: ignore[method-assign]  # a loaded machine would make it slow
        self.carrier = Carrier(self.dispatch)

    def carry(self, most: int = 16) -> None:
        """Carries all that go in a row, `most` at the most, in the order that the post knows from now on."""
        if len(self.lane.queue) < self.lane.connections:
            self.dispatch.refill(self.lane)
        jobs = self.lane.take(at(MORNING))
        self.lane.queue.extendleft(reversed(jobs[most:]))
        self.lane.landed(len(jobs[most:]))
        self.post.order = [job.start.envelope.addresses[0] for job in jobs[:most]]
        self.carrier.carry(self.lane, jobs[:most])

    def outcomes(self) -> list[str]:
        """What came of the deliveries, in the row's order; those that were not tried as that."""
        self.carrier.settle_last()
        found = {row.message_pk: row for row in self.stage.deliveries()}
        order = {row.addresses[0]: row.id for row in self.stage.messages() if row.addresses}
        rows = [found[order[address]] for address in self.post.order]
        return ["not tried" if row.text.startswith("not tried") else row.outcome for row in rows]

    def close(self) -> None:
        self.carrier.close()
        self.dispatch.pool(self.lane).hang_up()
        for lane in self.dispatch.lanes.values():
            self.dispatch.give_back(lane)
        self.dispatch.close()
        self.stage.engine.dispose()


def quick(lane: Lane) -> None:
    """The peer is known to answer at once."""
    for _ in range(50):
        lane.tried(0.0001)
