"""Several messages in a row to a peer that answers at once: begun and settled together, and yet each its own."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from reminder.cycle.lanes import TOGETHER_SECONDS, Job, Lane
from reminder.domain.message import Envelope
from reminder.errors import Gone, Passing, Permanent, RateLimited
from reminder.outbox import Claimed, Start, Written
from reminder.store.engine import reading, writing
from tests.integration.delivery.test_engine import Peer, office, states, until, with_units
from tests.integration.stage import Stage
from tests.makers import a_rule, at

__all__ = ["office"]  # a fixture

MORNING, LATER = "2021-06-08 09:00", "2021-06-08 11:00"


def a_stage(tmp_path, peer, many):
    stage = Stage(tmp_path, rules=(a_rule("deadline", before=[7]),), channels={"mail": peer})
    stage.service = with_units(stage, many)
    return stage


def lane(connections, *seconds):
    """A lane in which a hundred messages wait, after tries that took so long."""
    made = Lane("peer", (), connections)
    made.workers = 1
    for one in seconds:
        made.tried(one)
    made.put([a_job(n) for n in range(100)])
    return made


def a_job(number, *, doubted=False):
    message = Claimed(
        id=number,
        message_id=f"r-{number}@example.org",
        token="token",
        channel="mail",
        recipient="建设局",
        own="",
        attempts=0,
        created_at=at(MORNING),
        written_at=None,
        addresses=(),
        thread_ids=(),
        payload=None,
    )
    envelope = Envelope(message_id=message.message_id, recipient="建设局", addresses=(), written_at=at(MORNING))
    return Job(Start(message, envelope, Written("", b""), doubted=doubted), 0.0)


QUICK, LATE = TOGETHER_SECONDS / 100, TOGETHER_SECONDS * 3


@pytest.mark.parametrize(
    ("connections", "tries", "together"),
    [
        (16, [], 1),  # nothing is known yet
        (16, [LATE] * 50, 1),
        (16, [TOGETHER_SECONDS / 4] * 50, 3),  # a little is still believed of the beginning
        (16, [QUICK] * 50, 16),
        (2, [QUICK] * 50, 2),
        (1, [QUICK] * 50, 1),
        (16, [QUICK] * 50 + [LATE], 1),  # what is slow is believed at once
        (16, [QUICK] * 50 + [TOGETHER_SECONDS], 1),
        (16, [QUICK] * 50 + [TOGETHER_SECONDS / 10], 16),  # one try: this process may have waited for the processor
        (16, [QUICK] * 50 + [TOGETHER_SECONDS / 4] * 4, 4),
    ],
)
def test_a_worker_takes_as_many_as_are_tried_in_a_moment(connections, tries, together):
    assert len(lane(connections, *tries).take(at(MORNING))) == together


@pytest.mark.parametrize(("workers", "together"), [(1, 16), (2, 8), (5, 3), (16, 1)])
def test_all_workers_together_carry_no_more_than_there_may_be_connections(workers, together):
    quick = lane(16, *[QUICK] * 50)
    quick.workers = workers
    assert len(quick.take(at(MORNING))) == together


def test_who_comes_in_while_another_worker_has_them_all_gets_none():
    quick = lane(4, *[QUICK] * 50)
    assert len(quick.take(at(MORNING))) == 4
    quick.workers = 2
    assert quick.take(at(MORNING)) == []
    quick.landed(4)
    assert len(quick.take(at(MORNING))) == 2


def test_what_may_have_been_the_death_of_a_process_goes_alone():
    """Else those begun with it would count its deaths as their own, and end with it."""
    quick = Lane("peer", (), 16)
    for _ in range(50):
        quick.tried(QUICK)
    quick.put([a_job(n, doubted=n in (3, 4)) for n in range(8)])
    taken = []
    for _ in range(4):
        taken.append([job.start.message.id for job in quick.take(at(MORNING))])
        quick.landed(len(taken[-1]))
    assert taken == [[0, 1, 2], [3], [4], [5, 6, 7]]


def test_workers_that_are_too_many_end_one_by_one():
    quick = lane(16, *[QUICK] * 50)
    quick.workers = 3
    assert [quick.dismiss(surplus=True) for _ in range(3)] == [True, True, False]
    assert quick.hire() == 0
    quick.tried(LATE)
    assert quick.hire() == 19


def test_never_more_messages_are_tried_and_not_settled_than_there_may_be_connections(office):
    unsettled = []

    def look(n):
        with reading(stage.engine) as session:
            settled = "SELECT count(*) FROM delivery WHERE outcome = 'sent'"
            unsettled.append(n - session.connection().execute(text(settled)).scalar_one())

    peer = Peer(look, connections=6)
    stage, engine = office({"mail": peer}, 120)
    engine.start()
    assert engine.drained(60)
    assert states(stage) == {"sent": 120}
    assert max(unsettled) < 6 + 6, "more than six only while a worker has six and others are called in"


@pytest.mark.parametrize("connections", [1, 3, 16, 300])
def test_no_portion_has_a_rest_that_would_begin_by_itself(connections):
    made = Lane("peer", (), connections)
    for _ in range(20):
        assert (portion := made.portion()) > 0
        assert portion % connections == 0


def test_they_begin_in_few_transactions(tmp_path):
    peer = Peer(connections=8)
    stage = a_stage(tmp_path, peer, 100)
    commits = []
    honest = stage.engine.dialect.do_commit

    def commit(connection):
        commits.append(1)
        honest(connection)

    stage.engine.dialect.do_commit = commit
    assert dict(stage.cycle(MORNING).messages) == {"sent": 100}
    assert len(commits) < 60
    assert len({recipient for recipient, _ in peer.sent}) == len(peer.sent) == 100


def test_nothing_is_tried_any_more_behind_an_answer_that_ends_it(tmp_path):
    peer = Peer(lambda n: Gone("410: unsubscribed", code="410") if n == 30 else None, connections=8)
    stage = a_stage(tmp_path, peer, 60)
    assert dict(stage.cycle(MORNING).messages) | {"retrying": 0} == {"sent": 29, "failed": 31, "retrying": 0}
    assert len(peer.sent) == 30


def test_what_is_left_behind_goes_when_the_peer_takes_more_and_the_delivery_tells_that_it_was_not_tried(tmp_path):
    peer = Peer(lambda n: RateLimited("slow down", until=at("2021-06-08 10:00")) if n == 30 else None, connections=8)
    stage = a_stage(tmp_path, peer, 60)
    stage.cycle(MORNING)
    assert len(peer.sent) == 30
    assert states(stage)["sent"] == 29
    behind = [row for row in stage.deliveries() if row.text.startswith("not tried")]
    assert 0 < len(behind) < 8
    assert {row.outcome for row in behind} == {"refused"}
    stage.cycle(LATER)
    assert states(stage) == {"sent": 60}
    assert len({recipient for recipient, _ in peer.sent}) == 60
    assert len(peer.sent) == 61, "the one that was limited went again"


def test_one_that_is_refused_in_the_midst_stops_only_itself(tmp_path):
    peer = Peer({20: Permanent("550 no such user", code="550"), 40: Passing("451", code="451")}.get, connections=8)
    stage = a_stage(tmp_path, peer, 60)
    stage.cycle(MORNING)
    assert states(stage) == {"sent": 58, "failed": 1, "retrying": 1}
    assert len(peer.sent) == 60


def test_one_that_somebody_else_has_taken_over_stays_his_and_the_others_go(tmp_path):
    taken = []

    def steal(n):
        if n == 20:
            with writing(stage.engine) as session:
                waiting = "SELECT max(id) FROM message WHERE state = 'sending' AND attempts = 0"
                taken.append(session.connection().execute(text(waiting)).scalar_one())
                theirs = text("UPDATE message SET lease_token = 'theirs' WHERE id = :id")
                session.connection().execute(theirs, {"id": taken[0]})

    peer = Peer(steal, connections=8)
    stage = a_stage(tmp_path, peer, 60)
    assert dict(stage.cycle(MORNING).messages) == {"sent": 59, "lost": 1}
    (theirs,) = [row for row in stage.messages() if row.id == taken[0]]
    assert (theirs.state, theirs.attempts, theirs.lease_token) == ("sending", 0, "theirs")
    assert theirs.recipient not in {recipient for recipient, _ in peer.sent}


def test_a_stop_in_the_midst_leaves_nothing_claimed_and_nothing_in_doubt(office):
    released = threading.Event()
    peer = Peer(lambda n: released.wait(20) if n >= 40 else None, connections=8)
    stage, engine = office({"mail": peer}, 100)
    engine.start()
    until(lambda: len(peer.sent) >= 40)
    threading.Timer(0.3, released.set).start()
    assert engine.stop(6)
    told = states(stage)
    assert set(told) <= {"sent", "pending", "retrying"}
    assert told["sent"] == len(peer.sent)
    assert all(row.outcome == "sent" or row.text.startswith("not tried") for row in stage.deliveries())


def test_a_peer_that_becomes_slow_in_the_midst_holds_up_no_more_than_the_one_it_has(tmp_path, monkeypatch):
    """What follows a slow one is begun anew: its lease must not run out behind others."""
    moments = [0.0]
    monkeypatch.setattr("reminder.cycle.carrier.moment", lambda: moments[0])
    monkeypatch.setattr("reminder.cycle.row.moment", lambda: moments[0])
    monkeypatch.setattr("reminder.cycle.dispatch.moment", lambda: moments[0])

    def slow(n):
        if n == 30:
            moments[0] += 5

    peer = Peer(slow, connections=8)
    stage = a_stage(tmp_path, peer, 60)
    stage.cycle(MORNING)
    behind = [row for row in stage.deliveries() if row.text.startswith("not tried")]
    assert 0 < len(behind) < 8
    assert states(stage) == {"sent": 60}
    assert len(peer.sent) == 60


def test_what_was_accepted_is_settled_within_a_moment_though_the_others_take_longer(tmp_path, monkeypatch):
    moments, settled = [0.0], []
    monkeypatch.setattr("reminder.cycle.carrier.moment", lambda: moments[0])
    monkeypatch.setattr("reminder.cycle.row.moment", lambda: moments[0])

    def slow(n):
        with reading(stage.engine) as session:
            told = "SELECT count(*) FROM delivery WHERE outcome = 'sent'"
            settled.append(session.connection().execute(text(told)).scalar_one())
        moments[0] += TOGETHER_SECONDS * 0.6 if n >= 40 else 0.0

    peer = Peer(slow, connections=8)
    stage = a_stage(tmp_path, peer, 60)
    stage.cycle(MORNING)
    assert states(stage) == {"sent": 60}
    unsettled = [n - done for n, done in enumerate(settled)]
    assert max(unsettled[:40]) > 3
    assert max(unsettled[50:]) <= 3, "two in a moment, and one more that begins"


def test_waiting_for_the_next_slot_is_no_part_of_it(tmp_path):
    """What is left behind in the evening may not go before the morning."""
    peer = Peer(lambda n: RateLimited("slow down", until=at(MORNING) + timedelta(hours=30)) if n == 30 else None)
    peer.connections = 8
    stage = a_stage(tmp_path, peer, 60)
    stage.cycle("2021-06-08 17:59")
    assert len(peer.sent) == 30
    assert dict(stage.cycle("2021-06-08 19:00").messages).get("sent", 0) == 0
    assert len(peer.sent) == 30


@pytest.mark.parametrize("at_message", [90, 117, 150])
def test_a_stop_while_a_worker_fetches_for_itself_leaves_nothing_claimed(office, at_message):
    stopping = []

    def stop(n):
        if n == at_message:
            thread = threading.Thread(target=engine.stop, args=(10,))
            thread.start()
            stopping.append(thread)

    peer = Peer(stop, connections=16)
    stage, engine = office({"mail": peer}, 300)
    engine.start()
    until(lambda: bool(stopping))
    stopping[0].join(30)
    told = states(stage)
    assert set(told) <= {"sent", "pending", "retrying"}
    assert told["sent"] == len(peer.sent) < 300


def test_two_channels_to_one_destination_share_its_way_and_all_of_both_goes(office):
    peer = Peer(connections=4)
    stage, engine = office({"mail": peer, "post": peer}, 20)
    engine.start()
    assert engine.drained(60)
    assert states(stage) == {"sent": 40}
    assert len(engine.dispatch.lanes) == 1
    assert len({recipient for recipient, _ in peer.sent}) == len(peer.sent) == 40
