"""Two connections in turn: while the peer answers to one mail, the next one is handed over by the other."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest
import trustme
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from reminder import outbox
from reminder.channels import deadline
from reminder.cycle import enqueue
from reminder.cycle.engine import Engine
from reminder.cycle.lanes import TOGETHER_SECONDS, Lane
from reminder.store import destinations
from reminder.store.engine import reading
from tests.integration.channels.mail_rigs import PASSWORD, Office, mail_server, write_ca
from tests.integration.delivery.post import HANGS_UP, MORNING, SILENT, Post, Row, an_office, is_open, quick
from tests.integration.delivery.test_carried_together import a_job, a_stage
from tests.integration.delivery.test_engine import NOON, Clock, Peer, Scripted, states, until
from tests.makers import at

LONG = 20.0  # seconds; what takes so long does not happen


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """`rows(post, many, **keys)`: a row of so many messages to this post. Nothing in it takes too long."""
    monkeypatch.setattr("reminder.cycle.row._HELD_UP_SECONDS", 1000.0)
    with ExitStack() as ended:

        def build(post, many=4, **keys):
            port = ended.enter_context(post.open())
            row = Row(an_office(tmp_path, port, many, **{"connections": 4, "timeout": LONG} | keys), post)
            ended.callback(row.close)
            return row

        yield build


def held(post, last):
    """The end of each message but the `last` is answered once the next one has come whole."""

    def reply(n):
        if 0 < n < last:
            assert post.came[n + 1].wait(LONG), f"nothing was handed over while {n} waited for its answer"
        return "250 queued"

    return reply


def by_connection(post):
    carried = dict(post.letters)
    return [carried[address] for address in post.order]


def test_the_next_mail_is_handed_over_before_the_answer_to_this_one_has_come(rows):
    post = Post()
    post.at_end = held(post, 4)
    row = rows(post)
    row.carry()
    assert row.outcomes() == ["sent"] * 4
    assert by_connection(post) == [1, 2, 1, 2]


def test_both_stay_for_the_next_row_and_what_was_foretold_follows_on_its_own(rows):
    post = Post()
    row = rows(post, many=12)
    for _ in range(3):
        post.at_end = held(post, 4)
        post.came.clear()
        row.carry()
        assert row.outcomes() == ["sent"] * 4
    assert len(post.lines) == 2, "whatever comes otherwise than it was foretold costs a connection"
    assert len({address for address, _ in post.letters}) == len(post.letters) == 12


@pytest.mark.parametrize("per_connection", [1, 2, 3])
def test_no_connection_carries_more_than_it_may(rows, per_connection):
    post = Post()
    row = rows(post, many=8, connections=8, per_connection=per_connection)
    row.carry()
    assert row.outcomes() == ["sent"] * 8
    carried = [connection for _, connection in post.letters]
    assert max(map(carried.count, carried)) == per_connection
    assert post.most == 2


FAULTS = {
    "refused": ({"at_end": "552 too large"}, "refused", 2),
    "closing": ({"at_end": "421 closing"}, "refused", 3),
    "hung up": ({"at_end": HANGS_UP}, "unknown", 3),
    "silent": ({"at_end": SILENT}, "unknown", 3),
    "nobody": ({"at_recipient": "550 no such user"}, "refused", 2),
    "closing before": ({"at_recipient": "421 closing"}, "refused", 3),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("at", [2, 3])
def test_a_fault_on_one_connection_while_the_other_waits_for_its_answer(rows, name, at):
    (fault, outcome, lines), post = FAULTS[name], Post()

    def at_end(n):
        if n == at - 1:  # its answer comes when the fault is there
            assert (post.came if "at_end" in fault else post.asked)[at].wait(LONG)
        elif n == at and at < 4:  # the fault comes when the one behind it is there
            assert post.came[at + 1].wait(LONG)
        return fault.get("at_end", "250 queued") if n == at else "250 queued"

    post.at_end = at_end
    post.at_recipient = lambda n: fault.get("at_recipient", "250 ok") if n == at else "250 ok"
    row = rows(post, timeout=3 if name == "silent" else LONG)
    row.carry()
    expected = ["sent"] * 4
    expected[at - 1] = outcome
    assert row.outcomes() == expected
    assert len(post.lines) == (lines if at == 2 else 2), "the fourth goes where the second went"
    assert len({address for address, _ in post.letters}) == len(post.letters)
    assert deadline._watch.under_way() == []


LIMITED = "550 mail frequency limited"
ENDS = [
    (lambda post, reply: setattr(post, "at_recipient", reply), ["sent", "refused", "not tried", "not tried"]),
    (lambda post, reply: setattr(post, "at_end", reply), ["sent", "refused", "sent", "not tried"]),
]


@pytest.mark.parametrize(("answers", "outcomes"), ENDS, ids=["before", "at its end"])
def test_behind_an_answer_that_ends_it_nothing_is_handed_over(rows, answers, outcomes):
    """Known before its bytes, it is settled before the next one goes; known after them, one is under way already."""
    post = Post()
    answers(post, lambda n: LIMITED if n == 2 else "250 ok")
    row = rows(post)
    row.carry()
    assert row.outcomes() == outcomes
    assert post.came[3].is_set() == (outcomes[2] == "sent")
    assert not post.came[4].is_set()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_login_that_is_refused_is_tried_once_and_stays_known(tmp_path, monkeypatch, tls):
    monkeypatch.setattr("reminder.cycle.row._HELD_UP_SECONDS", 1000.0)
    office, ca = Office(), trustme.CA()
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    login = {"username": "u", "password": {"env": "MAIL_PASSWORD"}}
    keys = {"host": "localhost", "tls": tls, "ca_file": write_ca(ca, tmp_path)} | login
    with mail_server(office, ca, tls) as port, ExitStack() as ended:
        row = Row(an_office(tmp_path, port, 9, connections=4, timeout=LONG, **keys), Post())
        ended.callback(row.close)
        row.carry(1)
        assert (row.outcomes(), office.logins) == (["sent"], 1)
        office.password = "another"
        row.carry()
        told = row.outcomes()
        assert (told[0], set(told[1:]), office.logins) == ("refused", {"not tried"}, 2)
        row.carry()
        assert (row.post.order, office.logins) == ([], 2)
        with reading(row.stage.engine) as session:
            standing = destinations.standing(session, row.lane.destination)
    assert "535" in standing.why
    assert standing.paused_until > at(MORNING), "what was not tried says nothing of the peer"


def test_a_database_that_falls_ill_in_the_midst_loses_nothing(rows, monkeypatch):
    """What comes of the one under way is read and kept; the one that was not tried goes in another attempt."""
    post, fell, well, honest = Post(), threading.Event(), threading.Event(), outbox.settle

    def settle(connection, settled):
        if post.came[3].is_set() and not well.is_set():
            fell.set()
            raise OperationalError("UPDATE", {}, Exception("disk I/O error"))
        return honest(connection, settled)

    def at_end(n):
        if n in (2, 3):
            assert (post.came[3] if n == 2 else fell).wait(LONG)
        return HANGS_UP if n == 2 else "250 queued"

    monkeypatch.setattr(outbox, "settle", settle)
    post.at_end = at_end
    row = rows(post)
    with pytest.raises(OperationalError):
        row.carry()
    well.set()
    row.carrier.settle_surely(threading.Event())
    assert row.outcomes() == ["sent", "unknown", "sent", "not tried"]
    assert len(post.letters) == 3
    assert row.lane.flying == 0


def test_to_connect_tells_nothing_of_the_pace(rows):
    """Else the second connection would be given back as soon as it is open, and opened again soon after."""
    post = Post(greeting=lambda connection: time.sleep(0.3 * (connection == 2)) or "220 ready")
    row = rows(post, many=9)
    row.carry(1)
    row.paces.clear()
    row.carry()
    assert by_connection(post) == [2, 1, 2, 1]
    assert len(row.paces) == 3, "all but the one that connected"


def test_a_peer_that_takes_no_second_connection_is_left_alone_with_it(rows):
    post = Post(greeting=lambda connection: "421 too many connections" if connection > 1 else "220 ready")
    row = rows(post, many=13)
    row.carry(1)
    told = []
    for _ in range(3):
        row.carry()
        told.append(row.outcomes())
    assert told == [["refused", "sent", "sent", "sent"]] * 2 + [["sent"] * 4]
    assert len(post.lines) == 3
    assert row.lane.further == 0


def test_a_peer_that_gets_slow_gets_its_second_connection_back(rows):
    post = Post()
    row = rows(post, many=9)
    row.carry()
    assert row.lane.further == 1
    Lane.tried(row.lane, 2 * TOGETHER_SECONDS)
    row.carry()
    assert len(row.post.order) == 1
    assert row.lane.further == 0
    until(lambda: sum(is_open(line.sock) for line in post.lines) == 1)


class Later(Scripted):
    answers_later = True

    def hand_over(self, payload, envelope, now):
        receipt = self.send(payload, envelope, now)
        return lambda: receipt


def test_what_was_accepted_while_another_was_handed_over_is_settled_within_a_moment(tmp_path, monkeypatch):
    moments, settled = [0.0], []
    monkeypatch.setattr("reminder.cycle.carrier.moment", lambda: moments[0])
    monkeypatch.setattr("reminder.cycle.row.moment", lambda: moments[0])

    def slow(n):
        with reading(stage.engine) as session:
            told = text("SELECT count(*) FROM delivery WHERE outcome = 'sent'")
            settled.append(session.connection().execute(told).scalar_one())
        moments[0] += TOGETHER_SECONDS * 0.6 if n >= 35 else 0.0

    peer = Peer(slow, connections=8)
    stage = a_stage(tmp_path, lambda: Later(peer), 60)
    stage.cycle(MORNING)
    assert states(stage) == {"sent": 60}
    unsettled = [n - done for n, done in enumerate(settled, 1)]
    assert max(unsettled[:35]) > 3
    assert len(unsettled) == 60
    assert max(unsettled[36:]) <= 3, "one that waits, one that is answered, one that begins"


def test_one_connection_stays_one(rows):
    post = Post()
    row = rows(post, many=3, connections=1)
    for _ in range(3):
        row.carry()
        assert row.outcomes() == ["sent"]
    assert len(post.lines) == post.most == 1


LIMITS = [(1, 1000), (2, 7), (2, 1000), (3, 7), (16, 7), (16, 1000)]


@pytest.mark.parametrize(("connections", "per_connection"), LIMITS)
def test_never_more_connections_are_open_than_there_may_be(tmp_path, connections, per_connection):
    """Also while the peer gets slow and quick again, and workers come and go."""
    count = iter(range(10_000))

    def at_end(_):
        if (next(count) // 25) % 2:
            time.sleep(1.5 * TOGETHER_SECONDS)
        return "250 queued"

    post = Post(at_end)
    post.goodbye = 0.05
    with post.open() as port:
        stage = an_office(tmp_path, port, 100, connections=connections, per_connection=per_connection)
        enqueue(stage.service, at(NOON))
        engine = Engine(stage.service, Clock())
        engine.start()
        assert engine.drained(120)
        assert engine.stop(10)
        assert states(stage) == {"sent": 100}
        (lane,) = engine.dispatch.lanes.values()
        assert (lane.workers, lane.further) == (0, 0)
        stage.engine.dispose()
        assert not any(is_open(line.sock) for line in post.lines)
    assert len({address for address, _ in post.letters}) == len(post.letters) == 100
    assert post.most <= connections
    assert post.most == connections or connections > 3


def a_lane(connections, workers):
    lane = Lane("peer", (), connections)
    lane.workers = workers
    quick(lane)
    lane.put([a_job(n) for n in range(100)])
    return lane


@pytest.mark.parametrize(
    ("connections", "workers", "lent"), [(1, 1, 0), (2, 1, 1), (2, 2, 0), (3, 1, 2), (16, 15, 1), (2, 0, 1), (1, 0, 0)]
)
def test_a_lane_lends_what_is_left(connections, workers, lent):
    lane = a_lane(connections, workers)
    assert [lane.lend() for _ in range(20)].count(True) == lent


def test_what_is_borrowed_and_what_is_being_hung_up_counts_until_it_is_closed():
    lane = a_lane(4, 2)
    assert lane.admits()
    assert lane.admits()
    assert lane.lend()
    assert lane.dismiss(surplus=True)
    lane.leaves()
    lane.tried(TOGETHER_SECONDS)
    assert lane.hire() == 1, "one works, one is borrowed, one says goodbye"
    lane.hung_up()
    assert not lane.lend(), "not to a peer that is slow"
    assert lane.hire() == 1
    lane.hung_up()
    assert [lane.hire(), lane.hire()] == [1, 0]
