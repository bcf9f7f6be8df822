"""kill -9 at every step: nothing is lost, no occasion is stored twice, one identity keeps its bytes.

`python -m pytest -m long tests/rig/test_kills.py` runs the long form: every point 100 times and 1,000 random moments.
"""

from __future__ import annotations

import uuid
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from reminder import cycle, outbox
from reminder.domain.message import Outcome
from reminder.outbox import lease
from reminder.store import reminders as stored
from tests.rig.kills import AMBIGUOUS, POINTS, Trial, dies_at, honest, plain, receiver


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    with receiver(tmp_path_factory.mktemp("receiver")) as (port, ledger):
        yield port, ledger


def tried(tmp_path, peer, faults, *, mutant=honest, url=None, most=None):
    """One trial: each fault kills one cycle, then heirs finish; the verdict."""
    name = uuid.uuid4().hex
    trial = Trial(tmp_path / name, *peer, name, url)
    for point, nth in faults:

        def planted(point=point, nth=nth):
            mutant()
            dies_at(POINTS[point], nth)()

        trial.victim(planted)
    trial.heirs(mutant)
    kills_in_the_window = sum(point in AMBIGUOUS for point, _ in faults)
    return trial.verdict(kills_in_the_window if most is None else most)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_loses_nothing_and_doubles_nothing(tmp_path, peer, point):
    for nth in (1, 3):
        assert tried(tmp_path, peer, [(point, nth)]) == []


def test_kills_in_a_row_do_not_end_a_message(tmp_path, peer):
    assert tried(tmp_path, peer, [("accepted, not settled", 1)] * 3 + [("bytes committed, not yet sent", 2)]) == []


@pytest.mark.parametrize("point", sorted(AMBIGUOUS | {"after the outbox rows, before their commit"}))
def test_the_same_on_postgresql(tmp_path, peer, point, postgres_url):
    assert tried(tmp_path, peer, [(point, 2)], url=postgres_url) == []


def at_random(tmp_path, peer, seeds):
    for seed in seeds:
        dice = Random(seed)
        name = uuid.uuid4().hex
        trial = Trial(tmp_path / name, *peer, name)
        kills = dice.randint(1, 3)
        for _ in range(kills):
            trial.victim(honest, wait=dice.uniform(0.0, 0.35))
        trial.heirs(honest)
        assert trial.verdict(kills) == [], f"seed {seed}"


def test_kills_at_random_moments(tmp_path, peer):
    at_random(tmp_path, peer, range(15))


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("point", POINTS)
def test_each_point_a_hundred_times(tmp_path, peer, point):
    dice = Random(point)
    for _ in range(100):
        assert tried(tmp_path, peer, [(point, dice.randint(1, 4))]) == []


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_a_thousand_random_moments(tmp_path, peer):
    at_random(tmp_path, peer, range(1000, 2000))


# --- the rig itself: each mutant must be caught


def marks_sent_before_sending():
    """What loses alerts elsewhere: processed first, sent afterwards."""
    begin, settle = outbox.begin_attempts, outbox.settle

    def begun(session, starts, now):
        attempts = begin(session, starts, now)
        pairs = zip(starts, attempts, strict=True)
        settle(session, [outbox.Settled(one.message, attempt, Outcome("sent", "sent"), now) for one, attempt in pairs])
        return attempts

    outbox.begin_attempts = begun


def writes_the_letter_anew_on_every_attempt():
    honest_claim = lease._claimed

    def forgetful(row, token):
        row.message_id = f"r-{uuid.uuid4().hex[:20]}@example.org"
        return plain(honest_claim(row, token), payload=None)

    lease._claimed = forgetful


def knows_no_unique_occasion():
    honest_row = stored._row
    stored._row = lambda reminder: honest_row(reminder) | {"unit": uuid.uuid4().hex}


def remembers_before_the_plan_is_stored():
    honest_put, honest_remember = outbox.put, cycle.remember

    def put(session, *arguments):
        with_memory = session.get_bind()
        session.rollback()
        with Session(with_memory) as early:
            honest_remember(early, arguments[1], ["rule:deadline:7"], {})
            early.commit()
        return honest_put(session, *arguments)

    outbox.put = put


MUTANTS = {
    "marked sent before sending": (marks_sent_before_sending, [("bytes committed, not yet sent", 2)]),
    "a new identity on every attempt": (writes_the_letter_anew_on_every_attempt, [("accepted, not settled", 1)]),
    "no unique occasion": (knows_no_unique_occasion, [("before the cycle is remembered", 1)]),
    "plan and memory committed apart": (
        remembers_before_the_plan_is_stored,
        [("after the outbox rows, before their commit", 1)],
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_rig_catches_this_mutant(tmp_path, peer, name):
    mutant, faults = MUTANTS[name]
    assert tried(tmp_path, peer, faults, mutant=mutant) != []


def test_a_copy_too_many_would_be_seen(tmp_path, peer):
    assert tried(tmp_path, peer, [("accepted, not settled", 1)], most=0) != []


def test_the_database_is_closed_to_doubles(tmp_path, peer):
    """The unique key is the database's own, whatever the program does."""
    name = uuid.uuid4().hex
    trial = Trial(tmp_path / name, *peer, name)
    trial.heirs(honest)
    stage = trial.make()
    columns = "rule, kind, subject, occasion, unit, recipient, channel, at, late, provisional, instead_of, week, about"
    again = f"INSERT INTO reminder ({columns}, reason, lines) SELECT {columns}, reason, lines FROM reminder LIMIT 1"
    with stage.engine.connect() as connection:
        with pytest.raises(IntegrityError):
            connection.execute(text(again))
        connection.rollback()
    stage.engine.dispose()
