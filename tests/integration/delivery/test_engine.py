"""The daemon's engine: real threads, a real database, channels that hang and fail on purpose."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from reminder.channels.base import Channel
from reminder.cycle import deliver_due, enqueue
from reminder.cycle.engine import Engine
from reminder.domain.message import Receipt
from reminder.domain.people import Unit
from reminder.errors import Gone, Passing
from reminder.store.outbox_tables import DestinationRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_practice, a_rule, at

NOON = "2021-06-08 12:00"


class Peer:
    """What all channel objects of one name share: what was sent, when, how many were open at once."""

    def __init__(self, answer=lambda n: None, connections=2, rate=()):
        self.answer, self.connections, self.rate = answer, connections, rate
        self.sent, self.threads, self.most, self.now = [], set(), 0, 0
        self.lock = threading.Lock()

    def __call__(self):
        return Scripted(self)


class Scripted(Channel):
    def __init__(self, peer):
        self.name, self.peer = "mail", peer
        self.connections = peer.connections

    @property
    def rate(self):
        return self.peer.rate

    @property
    def destination(self):
        return f"peer:{id(self.peer)}"

    @classmethod
    def address_fault(cls, address, locale="zh_CN"):
        return None

    def render(self, letter, envelope):
        return f"{envelope.recipient}|{letter.subject}".encode()

    def send(self, payload, envelope, now):
        peer = self.peer
        with peer.lock:
            peer.sent.append((envelope.recipient, time.monotonic()))
            peer.now += 1
            peer.most = max(peer.most, peer.now)
            n = len(peer.sent)
        try:
            answer = peer.answer(n)
            if isinstance(answer, Exception):
                raise answer
        finally:
            with peer.lock:
                peer.now -= 1
        return Receipt("250", "ok")


class Clock:
    """Noon of one day, going on at the real pace."""

    def __init__(self):
        self.begun = time.monotonic()

    def __call__(self):
        return datetime.fromtimestamp(at(NOON).timestamp() + time.monotonic() - self.begun, UTC)


@pytest.fixture
def office(tmp_path):
    """`office(peers, many)`: for each peer a channel and `many` units that are written to by it, all due."""
    engines = []

    def build(peers, many, **service):
        units = {
            f"{name}{n}局": Unit(name=f"{name}{n}局", channels=(name,), addresses={name: ("a@example.org",)})
            for name in peers
            for n in range(many)
        }
        stage = Stage(
            tmp_path,
            rules=(a_rule("deadline", before=[7]),),
            directory=a_directory(units=units),
            practice=a_practice(),
            channels=peers,
            **service,
        )
        for name in units:
            stage.measure(name, "2021-06-15", [name])
        engine = Engine(stage.service, Clock())
        engines.append(engine)
        enqueue(stage.service, at(NOON))
        return stage, engine

    yield build
    for engine in engines:
        engine.stop(0.1)


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def states(stage):
    return {state: sum(row.state == state for row in stage.messages()) for state in {r.state for r in stage.messages()}}


def test_everything_due_is_sent_once(office):
    peer = Peer(connections=4)
    stage, engine = office({"mail": peer}, 60)
    engine.start()
    assert engine.drained(60)
    assert states(stage) == {"sent": 60}
    assert len(peer.sent) == len({recipient for recipient, _ in peer.sent}) == 60
    assert [row.outcome for row in stage.deliveries()] == ["sent"] * 60
    assert {row.attempts for row in stage.messages()} == {1}


def test_a_hanging_destination_holds_two_workers_and_delays_nobody(office):
    released = threading.Event()
    hung, well = Peer(lambda _: released.wait(20)), Peer()
    stage, engine = office({"hung": hung, "well": well}, 40)
    engine.start()
    until(lambda: len(well.sent) == 40)
    assert (hung.most, len(hung.sent)) == (2, 2)
    assert sum(thread.name.startswith("to peer:") for thread in threading.enumerate()) <= 4
    released.set()
    assert engine.drained(60)
    assert states(stage) == {"sent": 80}


def test_one_cycle_by_hand_writes_to_the_others_while_a_destination_hangs(office):
    through = threading.Event()
    waited = []
    hung = Peer(lambda _: waited.append(through.wait(0 if waited else 30)))
    well = Peer(lambda n: through.set() if n == 40 else None)
    stage, _ = office({"hung": hung, "well": well}, 40)
    assert deliver_due(stage.service, Clock(), lambda: False) == {"sent": 80}
    assert all(waited), "it hung until it gave up: the others had to wait for it"
    assert hung.most == well.most == 1


def test_an_error_in_a_cycle_by_hand_ends_all_destinations_and_leaves_nothing_claimed(office):
    """`stop` stands for whatever goes wrong: a database that is gone, somebody who interrupts."""

    def stop():
        if len(well.sent) >= 10:
            raise KeyboardInterrupt
        return False

    well, other = Peer(), Peer()
    stage, _ = office({"well": well, "other": other}, 40)
    with pytest.raises(KeyboardInterrupt):
        deliver_due(stage.service, Clock(), stop)
    rows = stage.messages()
    assert {row.state for row in rows} == {"sent", "pending"}
    assert sum(row.state == "sent" for row in rows) == len(well.sent) + len(other.sent)
    assert not any(row.lease_token for row in rows if row.state == "pending")
    assert deliver_due(stage.service, Clock(), lambda: False)["sent"] == sum(row.state == "pending" for row in rows)
    assert states(stage) == {"sent": 80}


def test_no_more_connections_than_the_channel_allows(office):
    peer = Peer(lambda _: time.sleep(0.005), connections=3)
    _, engine = office({"mail": peer}, 60)
    engine.start()
    assert engine.drained(60)
    assert 2 <= peer.most <= 3


def test_after_five_faults_of_the_peer_the_rest_is_left_alone(office):
    peer = Peer(lambda _: Passing("connection refused"), connections=1)
    stage, engine = office({"mail": peer}, 30)
    engine.start()
    assert engine.drained(30)
    assert len(peer.sent) == 5
    assert states(stage) == {"retrying": 5, "pending": 25}
    (row,) = stage.rows_of(DestinationRow)
    assert row.failures == 5
    assert row.paused_until > at(NOON)


def test_a_refused_recipient_is_no_fault_of_the_peer(office):
    peer = Peer(lambda _: Passing("greylisted", code="451"), connections=1)
    stage, engine = office({"mail": peer}, 12)
    engine.start()
    assert engine.drained(30)
    assert len(peer.sent) == 12
    assert stage.rows_of(DestinationRow) == []


def test_when_the_rest_is_over_one_message_tries_and_the_others_follow_its_success(tmp_path):
    peer = Peer(lambda n: Passing("refused") if n <= 5 else None, connections=2)
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7]),), channels={"mail": peer})
    stage.service = with_units(stage, 8)
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"retrying": 5}
    peer.answer = lambda n: Passing("refused") if n == 6 else None
    assert dict(stage.cycle("2021-06-08 09:05").messages) == {"retrying": 1}, "a probe that fails closes the way again"
    assert dict(stage.cycle("2021-06-08 09:05:30").messages) == {}
    assert dict(stage.cycle("2021-06-08 09:25").messages) == {"sent": 8}


def with_units(stage, many):
    units = {f"{n}局": Unit(name=f"{n}局", channels=("mail",), addresses={"mail": ("a@x.org",)}) for n in range(many)}
    for name in units:
        stage.measure(name, "2021-06-15", [name])
    return stage.changed(directory=a_directory(units=units))


def test_a_receiver_that_wants_no_more_is_left_alone_and_its_messages_are_dead_letters(tmp_path):
    peer = Peer(lambda _: Gone("410: unsubscribed", code="410"))
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7]),), channels={"mail": peer})
    stage.service = with_units(stage, 3)
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"failed": 3}
    assert len(peer.sent) == 1
    assert all("410" in row.why for row in stage.messages())
    (row,) = stage.rows_of(DestinationRow)
    assert row.disabled_at == at("2021-06-08 09:00")


def test_limits_hold_across_workers_and_restarts(tmp_path):
    peer = Peer(connections=4, rate=((5, 60.0),))
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7]),), channels={"mail": peer})
    stage.service = with_units(stage, 12)
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 5}
    assert dict(stage.cycle("2021-06-08 09:00:59").messages) == {}  # another process, as far as anything can tell
    assert dict(stage.cycle("2021-06-08 09:01").messages) == {"sent": 5}
    assert dict(stage.cycle("2021-06-08 09:02:30").messages) == {"sent": 2}


def test_the_nearest_deadline_goes_first(tmp_path):
    peer = Peer(connections=1)
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7, 3, 1]),), channels={"mail": peer})
    units = {f"{n}局": Unit(name=f"{n}局", channels=("mail",), addresses={"mail": ("a@x.org",)}) for n in range(3)}
    for name, deadline in zip(units, ("2021-06-15", "2021-06-09", "2021-06-11"), strict=True):
        stage.measure(name, deadline, [name])
    stage.service = stage.changed(directory=a_directory(units=units))
    stage.cycle("2021-06-08 09:00")
    assert [recipient for recipient, _ in peer.sent] == ["1局", "2局", "0局"]


def test_a_stop_gives_back_what_waits_and_ends_within_its_grace(office):
    released = threading.Event()
    peer = Peer(lambda _: released.wait(20))
    stage, engine = office({"mail": peer}, 20)
    engine.start()
    until(lambda: len(peer.sent) == 2)
    begun = time.monotonic()
    threading.Timer(0.3, released.set).start()
    assert engine.stop(6)
    assert time.monotonic() - begun < 6
    assert states(stage) == {"sent": 2, "pending": 18}


@pytest.mark.parametrize("answer_lost", ["UPDATE message SET state", "UPDATE message SET attempts", "SELECT reminder."])
def test_whoever_lost_the_answer_to_a_commit_waits_for_no_lease(office, answer_lost):
    """A server that restarts in the midst of the claim's commit, of the attempt's, or of the reading between them."""
    peer = Peer(connections=2)
    stage, engine = office({"mail": peer}, 20)
    seen, honest = [], stage.engine.dialect.do_commit

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith(answer_lost) and len(seen) < 1:
            seen.append(statement)
            if statement.startswith("SELECT"):
                raise OperationalError(statement, {}, OSError("the server went away"))

    def commit(connection):
        honest(connection)
        if len(seen) == 1 and not answer_lost.startswith("SELECT"):
            seen.append("lost")
            raise OSError("the server went away after it had committed")

    event.listen(stage.engine, "before_cursor_execute", note)
    stage.engine.dialect.do_commit = commit
    engine.start()
    until(lambda: states(stage) == {"sent": 20}, 100)  # a lease is five minutes
    assert seen
    assert len({recipient for recipient, _ in peer.sent}) == len(peer.sent) == 20


@pytest.mark.parametrize("connections", [2, 16])
def test_a_database_that_is_ill_for_a_moment_loses_and_doubles_nothing(office, connections):
    peer = Peer(connections=connections)
    stage, engine = office({"mail": peer}, 20)
    ill = threading.Event()

    def fail(_connection, _cursor, statement, *_rest):
        if ill.is_set() and statement.startswith(("UPDATE", "INSERT")):
            raise OSError("disk full")

    event.listen(stage.engine, "before_cursor_execute", fail)
    peer.answer = lambda n: ill.set() if n == 5 else None  # accepted, and then the settlement fails
    engine.start()
    until(ill.is_set)
    time.sleep(0.5)
    ill.clear()
    peer.answer = lambda _: None
    until(lambda: states(stage) == {"sent": 20}, 60)
    assert len(peer.sent) == 20
