"""Three of twenty webhooks hostile, over real HTTP: the others' messages go while the three still hold workers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reminder.channels import CHANNELS, open_channel
from reminder.cycle import enqueue
from reminder.cycle.engine import Engine
from reminder.domain.people import Unit
from reminder.store.outbox_tables import MessageRow
from tests.integration.delivery.test_engine import NOON, Clock, until
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at

HOSTILE = ("hang", "drip", "endless")


class Peers:
    """One server; the path says how it behaves. `taken` are the ids accepted by decent paths, `open` counts requests
    that a hostile one holds at the same time."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.taken: list[str] = []
        self.open, self.most_open = dict.fromkeys(HOSTILE, 0), dict.fromkeys(HOSTILE, 0)
        self.lock = threading.Lock()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        name = handler.path.strip("/")
        if name not in HOSTILE:
            self.taken.append(handler.headers["webhook-id"])
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        with self.lock:
            self.open[name] += 1
            self.most_open[name] = max(self.most_open[name], self.open[name])
        try:
            self._plague(name, handler)
        finally:
            with self.lock:
                self.open[name] -= 1

    def _plague(self, name: str, handler: BaseHTTPRequestHandler) -> None:
        if name == "endless":
            handler.wfile.write(b"HTTP/1.1 500 no\r\nContent-Length: 100000000\r\n\r\n")
        while not self.released.wait(0 if name == "endless" else 0.05):
            if name != "hang":
                handler.wfile.write(b"x" * (1 if name == "drip" else 65536))


@contextmanager
def serving(peers: Peers):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            peers.serve(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # with five, what forty workers ask for at once is dropped and never reaches a handler

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # we hang up on the hostile ones

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        peers.released.set()
        server.shutdown()
        server.server_close()


def webhooks(stage: Stage, port: int, names, many: int, timeout: float) -> None:
    """A webhook for each name and `many` units written to by it, all due."""
    channels, units = {}, {}
    for name in names:
        keys = {"kind": "webhook", "url": f"http://127.0.0.1:{port}/{name}", "allow_private": ["127.0.0.0/8"]}
        checked = CHANNELS["webhook"].Keys.model_validate(keys | {"timeout": timeout})
        channels[name] = partial(open_channel, name, checked, stage.folder)
        for n in range(many):
            unit = f"{name}{n}局"
            units[unit] = Unit(name=unit, channels=(name,), addresses={name: ()})
            stage.measure(unit, "2021-06-15", [unit])
    stage.service = stage.changed(channels=channels, directory=a_directory(units=units))
    enqueue(stage.service, at(NOON))


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path, rules=(a_rule("deadline", before=[7]),))


def test_owncast_1504_openwa_511_onestep_104_seventeen_decent_webhooks_do_not_wait_for_three_hostile_ones(stage):
    peers = Peers()
    with serving(peers) as port:
        webhooks(stage, port, [*HOSTILE, *(f"good{n}" for n in range(17))], many=4, timeout=20)
        engine = Engine(stage.service, Clock())
        engine.start()
        try:
            until(lambda: len(peers.taken) == 17 * 4, 60)  # the hostile ones hold theirs for twenty seconds
            assert len(set(peers.taken)) == 17 * 4
            until(lambda: min(peers.most_open[name] for name in ("hang", "drip")) == 2, 60)
            assert peers.most_open["hang"] == peers.most_open["drip"] == 2  # no more workers than its two
        finally:
            peers.released.set()
            engine.stop(5)


def test_what_drips_or_hangs_is_cut_at_the_deadline_of_the_attempt(stage):
    peers = Peers()
    with serving(peers) as port:
        webhooks(stage, port, HOSTILE, many=1, timeout=1)
        engine = Engine(stage.service, Clock())
        engine.start()
        try:  # uncut they would end with the test
            until(lambda: len(stage.deliveries()) == 3 and "trying" not in {d.outcome for d in stage.deliveries()}, 60)
        finally:
            engine.stop(5)
    states = {row.channel: row.state for row in stage.rows(MessageRow)}
    assert states == {"hang": "unknown", "drip": "unknown", "endless": "retrying"}


def test_a_stop_cuts_what_hangs_and_leaves_nothing_claimed(stage):
    peers = Peers()
    with serving(peers) as port:
        webhooks(stage, port, ["hang"], many=6, timeout=20)
        engine = Engine(stage.service, Clock())
        engine.start()
        until(lambda: peers.open["hang"] == 2)
        begun = time.monotonic()
        assert engine.stop(1)
        assert time.monotonic() - begun < 8
    assert sorted(row.state for row in stage.messages()) == ["pending"] * 4 + ["unknown"] * 2
