"""The answer to a COMMIT is lost on its way back, on a real PostgreSQL: what was committed is not done twice."""

from __future__ import annotations

from collections import Counter

import pytest

from reminder.cycle import enqueue
from reminder.cycle.carrier import deliver_due
from reminder.cycle.engine import Engine
from reminder.domain.people import Unit
from reminder.errors import Passing
from reminder.store.log_tables import LogRow
from reminder.store.outbox_tables import DestinationRow
from tests.integration.delivery.losing import losing
from tests.integration.delivery.test_engine import NOON, Clock, Peer, until
from tests.integration.stage import Stage, emptied
from tests.makers import a_directory, a_rule, at

SETTLED, BEGUN = "UPDATE delivery SET outcome", "UPDATE message SET attempts"


@pytest.fixture
def way(postgres_url):
    emptied(postgres_url)
    with losing(postgres_url) as way:
        yield way


@pytest.fixture
def office(tmp_path, way):
    stages = []

    def build(peer, many=1):
        stages.append(an_office(tmp_path, way, peer, many))
        return stages[-1]

    yield build
    for stage in stages:
        stage.engine.dispose()


def an_office(tmp_path, way, peer, many):
    units = {
        f"{n}局": Unit(name=f"{n}局", channels=("mail",), addresses={"mail": ("a@example.org",)}) for n in range(many)
    }
    rules = (a_rule("deadline", before=[7]),)
    stage = Stage(tmp_path, way.url, rules=rules, directory=a_directory(units=units), channels={"mail": peer})
    for name in units:
        stage.measure(name, "2021-06-15", [name])
    enqueue(stage.service, at(NOON))
    return stage


def told(stage):
    """How often the delivery log tells each act of each message."""
    return Counter((row.message_id, row.act) for row in stage.rows(LogRow))


def test_a_settlement_whose_answer_was_lost_is_logged_once_by_a_cycle(office, way):
    stage = office(Peer())
    way.lose(SETTLED)
    deliver_due(stage.service, lambda: at(NOON), lambda: False)
    assert way.lost.is_set()
    assert [act for _, act in told(stage).elements()] == ["fixed", "sent"]
    assert [row.state for row in stage.messages()] == ["sent"]


@pytest.mark.parametrize("mark", [SETTLED, BEGUN])
def test_what_was_committed_without_an_answer_is_not_done_again_by_workers(office, way, mark):
    peer = Peer()
    stage = office(peer, many=12)
    way.lose(mark)
    engine = Engine(stage.service, Clock())
    engine.start()
    try:
        until(way.lost.is_set, 60)
        until(lambda: {row.state for row in stage.messages()} == {"sent"}, 60)
    finally:
        engine.stop(5)
    counted = told(stage)
    assert {key for key, n in counted.items() if n > 1} == set()
    assert Counter(act for _, act in counted)["sent"] == 12
    assert len(peer.sent) == 12
    assert {row.attempts for row in stage.messages()} == {1}
    assert [row.outcome for row in stage.deliveries()] == ["sent"] * 12


def test_a_fault_whose_answer_was_lost_counts_once_against_the_peer(office, way):
    stage = office(Peer(lambda n: Passing("cannot connect")))
    way.lose(SETTLED)
    engine = Engine(stage.service, Clock())
    engine.start()
    try:
        until(way.lost.is_set, 60)
        until(lambda: stage.messages()[0].state == "retrying", 60)
        assert engine.drained(60)
    finally:
        engine.stop(5)
    assert [act for _, act in told(stage).elements()] == ["fixed", "refused"]
    assert [row.failures for row in stage.rows_of(DestinationRow)] == [1]
