"""Connections that workers have in turn: never too many, and nothing waits for a commit that might go."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from reminder.cycle.lanes import TOGETHER_SECONDS, Lane
from reminder.cycle.pool import Pool
from reminder.store.engine import reading
from tests.integration.delivery.post import quick
from tests.integration.delivery.test_carried_together import LATE, QUICK, lane
from tests.integration.delivery.test_engine import NOON, Peer, office, states, until
from tests.integration.stage import Stage
from tests.makers import at

__all__ = ["office"]  # a fixture


@pytest.mark.parametrize(
    ("connections", "tries", "workers"),
    [
        (16, [LATE], 20),  # what takes longer than a commit, yet not long
        (32, [LATE], 40),
        (4, [LATE], 5),
        (3, [LATE], 3),
        (2, [LATE], 2),
        (1, [LATE], 1),
        (16, [], 16),  # nothing is known yet
        (16, [TOGETHER_SECONDS], 16),  # it counts for so long where it is ill
        (16, [LATE, 5.0], 16),  # it hangs: who has begun would wait for long
        (16, [QUICK] * 50, 1),
    ],
)
def test_so_many_workers_for_so_many_connections(connections, tries, workers):
    made = lane(connections, *tries)
    made.workers = 0
    assert made.hire() == workers


class Late(Peer):
    """Answers after 50 ms; `begun` is how many attempts were begun and not settled meanwhile, at the most."""

    def __init__(self, connections):
        super().__init__(self._wait, connections=connections)
        self.begun, self.stage = [], None

    def _wait(self, n):
        time.sleep(0.05)
        if self.stage and n % 5 == 0:
            with reading(self.stage.engine) as session:
                under_way = text("SELECT count(*) FROM delivery WHERE outcome = 'trying'")
                self.begun.append(session.connection().execute(under_way).scalar_one())


def test_a_late_peer_has_no_more_connections_than_it_may_while_others_begin_and_settle(office):
    peer = Late(connections=8)
    peer.stage, engine = office({"mail": peer}, 200)
    engine.start()
    assert engine.drained(60)
    assert states(peer.stage) == {"sent": 200}
    assert peer.most == 8
    assert 8 < max(peer.begun) <= 8 + 8 // 4
    (made,) = engine.dispatch.lanes.values()
    assert engine.stop(10)
    assert (made.workers, made.open, made.further) == (0, 0, 0)


def test_at_a_stop_what_has_begun_and_has_no_connection_yet_is_left_untried(office):
    gone_on, hung = threading.Event(), threading.Event()

    def answer(n):
        time.sleep(0.05)
        if n > 40:
            hung.set()
            gone_on.wait(20)

    peer = Peer(answer, connections=8)
    stage, engine = office({"mail": peer}, 100)
    engine.start()
    assert hung.wait(20)
    (made,) = engine.dispatch.lanes.values()
    until(lambda: peer.now == 8 and made.flying == 10)
    stopped = threading.Thread(target=engine.stop, args=(20,))
    stopped.start()
    until(lambda: sum(row.outcome == "refused" for row in stage.deliveries()) == 2)
    left = [row for row in stage.deliveries() if row.outcome == "refused"]
    assert [row.text.partition(":")[0] for row in left] == ["not tried"] * 2
    assert peer.now == 8
    gone_on.set()
    stopped.join(20)
    assert len({recipient for recipient, _ in peer.sent}) == len(peer.sent) == states(stage)["sent"]
    assert states(stage)["retrying"] == 2
    assert {row.outcome for row in stage.deliveries()} == {"sent", "refused"}


def test_what_has_begun_and_waits_for_a_connection_is_left_untried_where_nothing_may_go_meanwhile(office):
    peer = Peer(connections=1)
    stage, engine = office({"mail": peer}, 1)
    made = engine.dispatch.lane("mail")
    with engine.dispatch.pool(made).taken():
        engine.start()
        until(lambda: [row.outcome for row in stage.deliveries()] == ["trying"])
        with made.changed:
            made.rests_until = at(NOON) + timedelta(hours=1)  # another worker was told so
    until(lambda: [row.outcome for row in stage.deliveries()] == ["refused"])
    assert [row.text.partition(":")[0] for row in stage.deliveries()] == ["not tried"]
    assert peer.sent == []


@pytest.fixture
def made():
    return Lane("peer", (), 3)


@pytest.fixture
def pool(tmp_path, made):
    stage = Stage(tmp_path)
    yield Pool(stage.service, made, pairs=True)
    stage.engine.dispose()


def test_the_one_used_last_is_taken_first_and_others_are_hung_up(pool, made):
    with pool.taken() as first:
        with pool.taken() as second:
            pass
        with pool.taken() as again:
            assert again is second
    with pool.taken() as latest:
        assert latest is first
    assert made.open == 2
    pool.hang_up(unused=60)
    assert made.open == 2
    made.workers = 1
    pool.shrink()
    assert (made.open, made.further) == (1, 0)
    with pool.taken() as kept:
        assert kept is first
    pool.hang_up()
    assert made.open == 0


def test_who_finds_none_waits_until_one_is_put_back_or_hung_up(pool, made):
    made.connections = 1
    for ends in (lambda: None, lambda: 1 / 0):
        came = threading.Event()

        def wait(came=came):
            with pool.taken() as ways:
                assert ways
                came.set()

        waiting = threading.Thread(target=wait)
        try:
            with pool.taken():
                waiting.start()
                assert not came.wait(0.2)
                ends()
        except ZeroDivisionError:
            assert made.open <= 1
        assert came.wait(20)
        waiting.join(20)
    assert (made.open, made.further) == (1, 0)


def test_whoever_waits_where_the_lane_is_closed_gets_none(pool, made):
    made.connections, got = 1, []

    def wait():
        with pool.taken() as ways:
            got.append(ways)

    with pool.taken():
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.1)
        made.close()
        waiting.join(20)
        assert got == [None]
    assert made.open == 1


def test_a_borrowed_one_and_one_that_is_being_hung_up_count(pool, made):
    quick(made)
    made.workers = 1
    with pool.taken():
        assert made.lend()
        assert made.lend()
        assert not made.lend()
        assert not made.admits()
        made.hung_up()
        assert made.admits()
        made.leaves()
        assert not made.admits()
        made.hung_up()
        assert made.admits()
