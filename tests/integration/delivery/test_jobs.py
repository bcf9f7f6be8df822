"""Deliveries as Procrastinate jobs, on a real PostgreSQL: what the outbox promises holds, and the library's pitfalls.

The pitfalls are numbered nowhere but here: each test's name says one. Real workers, and one killed: `rig/test_workers`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from reminder.cycle import enqueue
from reminder.cycle.engine import Engine, engine_of
from reminder.domain.people import Unit
from reminder.errors import Gone, Passing, UsageError
from reminder.store.engine import open_engine, upgrade, writing
from reminder.store.outbox_tables import DestinationRow
from tests.integration.delivery.test_engine import NOON, Clock, Peer, states, until
from tests.integration.stage import Stage
from tests.makers import a_directory, a_practice, a_rule, at

pytest.importorskip("procrastinate", reason="the extra procrastinate is not installed")
from procrastinate.schema import SchemaManager

from reminder.cycle import jobs
from reminder.store import job_schema


@pytest.fixture
def office(tmp_path, jobs_url):
    """`office(peers, many)`: for each peer a channel and `many` units that are written to by it, all due."""
    engines = []

    def build(peers, many, **service):
        units = {
            f"{name}{n}局": Unit(name=f"{name}{n}局", channels=(name,), addresses={name: ("a@example.org",)})
            for name in peers
            for n in range(many)
        }
        directory = a_directory(units=units)
        own = {"rules": (a_rule("deadline", before=[7]),), "practice": a_practice(), "directory": directory}
        stage = Stage(tmp_path, jobs_url, **own, channels=peers, **service)
        job_schema.prepare(stage.engine)
        stage.service = replace(stage.service, transport=jobs.Procrastination(jobs_url, frozenset(peers)))
        for name in units:
            stage.measure(name, "2021-06-15", [name])
        engine = engine_of(stage.service, Clock())
        engines.append((stage, engine))
        return stage, engine

    yield build
    for stage, engine in engines:
        engine.stop(5)
        stage.engine.dispose()


def said(stage, sql, **facts):
    """The rows that a statement returns; committed."""
    with writing(stage.engine) as session:
        found = session.connection().execute(text(sql), facts)
        return [tuple(row) for row in found] if found.returns_rows else []


def jobs_of(stage):
    return said(stage, "SELECT queue_name, args, status::text FROM procrastinate_jobs ORDER BY id")


def test_a_job_carries_the_message_id_and_nothing_else(office):
    stage, _ = office({"mail": Peer(), "hook": Peer()}, 2)
    enqueue(stage.service, at(NOON))
    wanted = [(row.channel, {"message": row.id}, "todo") for row in stage.messages()]
    assert sorted(jobs_of(stage), key=str) == sorted(wanted, key=str)
    assert len(wanted) == 4
    enqueue(stage.service, at(NOON) + timedelta(seconds=30))
    assert len(jobs_of(stage)) == 4  # a second cycle finds that each has one


def test_job_and_message_are_there_together_or_not_at_all(office, monkeypatch):
    stage, _ = office({"mail": Peer()}, 3)
    with monkeypatch.context() as patched:
        patched.setattr(jobs.Procrastination, "defer", _then_fails(jobs.Procrastination.defer))
        with pytest.raises(RuntimeError, match="after"):
            enqueue(stage.service, at(NOON))
    assert (stage.messages(), jobs_of(stage)) == ([], [])
    enqueue(stage.service, at(NOON))
    assert (len(stage.messages()), len(jobs_of(stage))) == (3, 3)


def _then_fails(defer):
    def deferred(*given):
        assert defer(*given) == 3
        raise RuntimeError("after the jobs were put in")

    return deferred


def test_everything_due_is_sent_once_and_its_jobs_and_their_events_are_gone(office):
    peer = Peer(connections=4)
    stage, engine = office({"mail": peer}, 40)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: states(stage) == {"sent": 40}, 60)
    assert len(peer.sent) == len({recipient for recipient, _ in peer.sent}) == 40
    assert {row.attempts for row in stage.messages()} == {1}
    until(lambda: jobs_of(stage) == [])
    assert said(stage, "SELECT count(*) FROM procrastinate_events") == [(0,)]


def test_a_job_that_waits_already_aborts_nothing(office):
    stage, _ = office({"mail": Peer()}, 3)
    enqueue(stage.service, at(NOON))
    transport, first, another = stage.service.transport, stage.messages()[0].id, 10_000
    with writing(stage.engine) as session:
        session.connection().execute(text("UPDATE message SET why = 'before' WHERE id = :id"), {"id": first})
        jobs.put(session, transport.conninfo, [transport._job(first, "mail"), transport._job(another, "mail")])
        session.connection().execute(text("UPDATE message SET subject = 'after' WHERE id = :id"), {"id": first})
    row = stage.messages()[0]
    assert (row.why, row.subject) == ("before", "after")
    assert sorted(args["message"] for _, args, _ in jobs_of(stage)) == [1, 2, 3, another]


def test_a_second_job_of_a_message_that_was_sent_sends_nothing(office):
    """The library drops only what waits twice, never what is done already: the outbox knows better."""
    peer = Peer()
    stage, engine = office({"mail": peer}, 2)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: states(stage) == {"sent": 2})
    with writing(stage.engine) as session:
        transport = stage.service.transport
        jobs.put(session, transport.conninfo, [transport._job(row.id, "mail") for row in stage.messages()])
    until(lambda: jobs_of(stage) == [])
    assert len(peer.sent) == 2


def test_two_who_want_the_same_message_send_it_once(office):
    """Our own engine looks at the same outbox, as `run --once` by hand does."""
    peer = Peer(lambda _: time.sleep(0.02), connections=3)
    stage, engine = office({"mail": peer}, 60)
    enqueue(stage.service, at(NOON))
    other = Engine(replace(stage.service, transport=None), Clock())
    engine.start()
    other.start()
    until(lambda: states(stage) == {"sent": 60}, 60)
    other.stop(5)
    assert len(peer.sent) == len({recipient for recipient, _ in peer.sent}) == 60


def test_a_lost_job_is_found_again(office):
    peer = Peer()
    stage, engine = office({"mail": peer}, 5)
    enqueue(stage.service, at(NOON))
    said(stage, "DELETE FROM procrastinate_jobs")
    engine.start()
    until(lambda: states(stage) == {"sent": 5})
    assert len(peer.sent) == 5


def test_the_job_of_a_dead_worker_is_taken_up_again(office):
    """The library marks such a job and leaves it at that."""
    stage, engine = office({"mail": Peer()}, 2)
    enqueue(stage.service, at(NOON))
    dead = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '40 s') RETURNING id"
    ((worker,),) = said(stage, dead)
    said(stage, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker", worker=worker)
    engine.start()
    until(lambda: states(stage) == {"sent": 2})


def test_what_ended_badly_is_dropped_after_a_day(office):
    stage, engine = office({"mail": Peer()}, 1)
    for hours in (1, 25):
        job = (
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('mail', :t, 'failed') RETURNING id"
        )
        ((key,),) = said(stage, job, t=f"old {hours}")
        said(stage, "DELETE FROM procrastinate_events WHERE job_id = :key", key=key)
        event = (
            "INSERT INTO procrastinate_events (job_id, type, at) VALUES (:key, 'failed', now() - :h * interval '1 h')"
        )
        said(stage, event, key=key, h=hours)
    engine.start()
    until(lambda: said(stage, "SELECT task_name FROM procrastinate_jobs WHERE status = 'failed'") == [("old 1",)])


def test_where_no_notification_comes_through_jobs_are_found_by_looking(office):
    """As behind PgBouncer in its transaction mode."""
    peer = Peer()
    stage, engine = office({"mail": peer}, 4)
    triggers = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'procrastinate_jobs'::regclass AND tgname LIKE '%notify%'"
    silent = said(stage, triggers)
    assert silent
    for (name,) in silent:
        said(stage, f"DROP TRIGGER {name} ON procrastinate_jobs")
    engine.start()
    until(lambda: engine._stop is not None)
    enqueue(stage.service, at(NOON))
    until(lambda: states(stage) == {"sent": 4})


def test_as_many_at_once_as_the_channel_has_connections(office):
    """The library's threads are asyncio's, six on two cores, however many jobs it takes at once."""
    full = threading.Barrier(20, timeout=60)
    peer = Peer(lambda _: full.wait() and None, connections=20)
    stage, engine = office({"mail": peer}, 20)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: states(stage) == {"sent": 20}, 60)
    assert peer.most == 20


def test_a_hanging_destination_delays_nobody(office):
    released = threading.Event()
    hung, well = Peer(lambda _: released.wait(60) and None), Peer()
    stage, engine = office({"hung": hung, "well": well}, 10)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: len(well.sent) == 10)
    assert (hung.most, len(hung.sent)) == (2, 2)
    released.set()
    until(lambda: states(stage) == {"sent": 20})


def test_after_five_faults_of_the_peer_the_rest_is_left_alone(office):
    peer = Peer(lambda _: Passing("connection refused"), connections=1)
    stage, engine = office({"mail": peer}, 12)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: jobs_of(stage) == [])
    time.sleep(2 * jobs.LOOK_SECONDS)  # so long nothing is looked for in vain
    assert (len(peer.sent), jobs_of(stage)) == (5, [])
    assert states(stage) == {"retrying": 5, "pending": 7}
    (row,) = stage.rows_of(DestinationRow)
    assert row.failures == 5


def test_a_channel_that_is_gone_ends_its_messages(office):
    stage, engine = office({"mail": Peer()}, 2)
    enqueue(stage.service, at(NOON))
    said(stage, "DELETE FROM procrastinate_jobs")
    said(stage, "UPDATE message SET channel = 'gone' WHERE id = 1")
    engine.start()
    until(lambda: states(stage) == {"failed": 1, "sent": 1})
    assert "'gone'" in stage.messages()[0].why


def test_a_database_that_cuts_off_its_clients_ends_no_engine(office):
    peer = Peer(lambda _: time.sleep(0.05))
    stage, engine = office({"mail": peer}, 30)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: len(peer.sent) > 3)
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    said(stage, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    time.sleep(0.2)  # whoever looks on here goes by the same pool: after a rest its connections are asked first
    until(lambda: set(states(stage)) <= {"sent", "unknown"}, 90)
    assert len({recipient for recipient, _ in peer.sent}) == 30


def test_a_peer_that_wants_no_more_ends_also_what_has_lost_its_job(office):
    peer = Peer(lambda _: Gone("gone"), connections=1)
    stage, engine = office({"mail": peer}, 3)
    enqueue(stage.service, at(NOON))
    said(stage, "DELETE FROM procrastinate_jobs WHERE args->>'message' <> '1'")
    said(stage, "UPDATE message SET next_attempt_at = :later WHERE id > 1", later=at(NOON) + timedelta(seconds=4))
    engine.start()
    until(lambda: states(stage) == {"failed": 3}, 60)
    assert len(peer.sent) == 1


def test_stopping_ends_though_a_thread_cannot_be_ended(office):
    released = threading.Event()
    peer = Peer(lambda _: released.wait(60) and None)
    stage, engine = office({"mail": peer}, 3)
    enqueue(stage.service, at(NOON))
    engine.start()
    until(lambda: peer.now == 2)
    begun = time.monotonic()
    assert not engine.stop(0.2)  # then its daemon ends the process, and the lease brings the message back
    assert time.monotonic() - begun < 60
    released.set()
    until(lambda: not engine._thread.is_alive())
    assert states(stage) == {"sent": 2, "pending": 1}


def test_the_tables_are_made_once_and_brought_up_to_date(jobs_url):
    engine = open_engine(jobs_url)
    upgrade(engine)
    with pytest.raises(UsageError, match="db upgrade"):
        job_schema.require_ready(engine)
    job_schema.prepare(engine)
    job_schema.prepare(engine)  # the library's own call fails where there are tables
    job_schema.require_ready(engine)
    engine.dispose()


def test_tables_of_an_older_version_are_upgraded(jobs_url):
    engine = open_engine(jobs_url)
    old = (3, 3, 0)
    with engine.begin() as connection:
        for file in sorted(Path(SchemaManager.get_migrations_path()).glob("[0-9]*.sql")):
            if job_schema._numbers(file.name.partition("_")[0]) <= old:
                job_schema._run(connection, file.read_text(encoding="utf-8"))
        job_schema._run(connection, f"COMMENT ON TABLE procrastinate_jobs IS '{job_schema._OURS}3.3.0'")
    with pytest.raises(UsageError, match="db upgrade"):
        job_schema.require_ready(engine)
    job_schema.prepare(engine)
    job_schema.require_ready(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT to_regproc('procrastinate_retry_job_v2')")).scalar()  # of 3.4
    engine.dispose()


@pytest.mark.parametrize(
    ("noted", "why"), [("", "another program"), ("reminder, schema of procrastinate 99.0", "99.0")]
)
def test_tables_of_somebody_else_or_of_tomorrow_are_left_alone(jobs_url, noted, why):
    engine = open_engine(jobs_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE procrastinate_jobs (id bigint)"))
        connection.execute(text(f"COMMENT ON TABLE procrastinate_jobs IS '{noted}'"))
    for step in (job_schema.prepare, job_schema.require_ready):
        with pytest.raises(UsageError, match=why):
            step(engine)
    engine.dispose()
