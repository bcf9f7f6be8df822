"""`reminder db copy`: everything to another database, with messages in flight."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from reminder.app import now
from reminder.domain.message import Envelope
from reminder.errors import UsageError
from reminder.outbox.attempt import Start, Written, begin_attempts
from reminder.outbox.lease import claim
from reminder.store.copying import move
from reminder.store.daemons import Daemon, running, sign_on
from reminder.store.engine import open_engine, upgrade, writing
from reminder.store.marker import marker_of
from reminder.store.outbox_tables import DeliveryRow, DestinationRow, MessageRow
from reminder.store.tables import MeasureRow
from tests.makers import at

UNITS = ("建设局", "财政局", "教育局", "民政局", "水务局", "交通局")
EVENING, MORNING = at("2021-06-07 19:01"), "2021-06-08 09:00"
WAYS = [(one, other) for one in ("sqlite", "postgresql") for other in ("sqlite", "postgresql")]
_numbers = count()


@pytest.fixture
def database(tmp_path, request):
    """A function from a kind to the URL of a new, empty database."""
    made = []

    def new(kind):
        name = f"copy_{os.getpid()}_{next(_numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{name}.db"
        made.append(name)
        _on_the_server(request, f"CREATE DATABASE {name}")
        return request.getfixturevalue("postgres_server")(name)

    yield new
    for name in made:
        _on_the_server(request, f"DROP DATABASE {name} WITH (FORCE)")


def _on_the_server(request, statement):
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(request.getfixturevalue("postgres_server")("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def served(bare, monkeypatch):
    """A function that makes a desk on the database at a URL, with messages in flight."""

    def on(url):
        monkeypatch.setenv("REMINDER_DATABASE_URL", url)
        bare.append("reminder.toml", '[store]\nurl = { env = "REMINDER_DATABASE_URL" }\n')
        more = "".join(
            f'[[unit]]\nname = "{name}"\nemail = ["u{number}@example.org"]\n' for number, name in enumerate(UNITS[2:])
        )
        bare.append("units.toml", more)
        assert bare("db", "upgrade").code == 0
        bare.measure("1", "2021-06-10")
        bare.cycle("2021-06-07 09:00")
        for number, unit in enumerate(UNITS, 2):
            bare.measure(str(number), "2021-06-08", unit, tags=["重点", "\u0000é"], imported={"乙": "2", "甲": "1"})
        bare.cycle("2021-06-07 19:00")
        in_flight(bare)
        return bare

    return on


def in_flight(desk):
    """The evening's messages: one pending, one claimed, one on its way, one of which nobody knows; the rest held."""
    app = desk.app()
    with writing(app.engine) as session:
        waiting = select(MessageRow).where(MessageRow.state == "held").order_by(col(MessageRow.id))
        first, *others = session.exec(waiting).all()
        first.state = "pending"
        for row in others[:3]:
            row.next_attempt_at = EVENING - timedelta(minutes=1)
        for row in (first, *others[3:]):
            row.next_attempt_at = at(MORNING)
        session.add_all([first, *others])
        session.flush()
        mine = claim(session, EVENING, 3, ["files"], token="token")
        starts = [Start(one, *_written(one)) for one in mine[1:]]
        keys = begin_attempts(session.connection(), starts, EVENING)
        doubted = session.get(MessageRow, mine[2].id)
        doubted.state, doubted.lease_token, doubted.lease_until = "unknown", None, None
        session.get(DeliveryRow, keys[1]).outcome = "unknown"
        session.add_all(DestinationRow(name=name) for name in ("b", "A", "中", "é", "_", "a-b", "ab"))
    app.engine.dispose()


def _written(one):
    envelope = Envelope(
        message_id=one.message_id, recipient=one.recipient, addresses=("a@example.org",), written_at=EVENING
    )
    letter = f"From: office@example.org\r\nSubject: x\r\nMessage-ID: <{one.message_id}>\r\n\r\nx\r\n"
    return envelope, Written("主题", letter.encode())


def contents(url):
    """Every row of a database of this program, as text."""
    engine = open_engine(url)
    with engine.connect() as connection:
        names = ("measure", "message", "delivery", "reminder", "delivery_log", "cycle")
        found = {name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}")))) for name in names}
    engine.dispose()
    return found


def letters(desk):
    """How often each message lies in the mailbox."""
    files = (desk.folder / "mailbox" / "new").glob("*")
    return sorted(re.search(rb"(?im)^Message-ID:\s*<(.*?)>", file.read_bytes()).group(1).decode() for file in files)


def copy_from(url, desk, monkeypatch):
    monkeypatch.setenv("TO", url)
    return desk("db", "copy", "env:TO")


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_the_copy_goes_on_where_the_source_stood(served, database, monkeypatch, one, other):
    source, target = database(one), database(other)
    desk = served(source)
    before = contents(source)
    states = {line["message_id"]: line["state"] for line in desk("outbox", "--json").lines}
    assert sorted(states.values()) == ["held", "held", "pending", "sending", "sending", "sent", "unknown"]
    engine = open_engine(target)
    marker_of(engine, desk.folder).write(at("2021-06-09 09:00"))  # of another database that was there
    engine.dispose()
    said = copy_from(target, desk, monkeypatch)
    assert (said.code, said.err) == (0, "")
    assert re.search(r"message +│ 7 ", said.out)
    assert contents(source) == before
    monkeypatch.setenv("REMINDER_DATABASE_URL", target)
    assert {line["message_id"]: line["state"] for line in desk("outbox", "--json").lines} == states
    desk.measure("8", "2021-06-12", "财政局")  # the keys go on after those that were copied
    desk.cycle("2021-06-07 19:02")  # the lease would have lasted for four minutes more
    assert "sending" not in {line["state"] for line in desk("outbox", "--json").lines}
    desk.cycle(MORNING)
    desk.cycle("2021-06-08 09:10")
    assert set(states) <= set(letters(desk))
    assert len(set(letters(desk))) == len(letters(desk))
    ends = {line["message_id"]: line for line in desk("outbox", "--json").lines}
    assert {line["state"] for line in ends.values()} == {"sent"}
    tried = sorted([attempt["outcome"] for attempt in ends[message]["attempts"]] for message in states)
    assert tried == [["sent"]] * 5 + [["unknown", "sent"]] * 2
    assert desk("outbox", "verify").code == 0


def test_what_is_not_empty_is_left_as_it_is(served, database, monkeypatch):
    source, target = database("sqlite"), database("postgresql")
    desk = served(source)
    assert copy_from(target, desk, monkeypatch).code == 0
    before = contents(target)
    for url in (target, source):
        said = copy_from(url, desk, monkeypatch)
        assert said.code == 2
        assert "not empty" in said.err
    assert contents(target) == before


def test_a_database_of_something_else_is_not_touched(served, database, monkeypatch):
    source, target = database("sqlite"), database("postgresql")
    desk = served(source)
    engine = open_engine(target)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs AS SELECT 1 AS one"))
    assert copy_from(target, desk, monkeypatch).code == 2
    with engine.connect() as connection:
        assert connection.execute(text("SELECT to_regclass('measure')")).scalar() is None
    engine.dispose()


FAULTS = {
    "a byte": "AFTER INSERT ON payload BEGIN "
    "UPDATE payload SET content = CAST(substr(content, 1, 9) || x'00' || substr(content, 11) AS BLOB) "
    "WHERE message_pk = NEW.message_pk",
    "an instant": "AFTER INSERT ON message BEGIN "
    "UPDATE message SET due_at = '2021-06-07 11:00:00.000001' WHERE id = NEW.id",
    "a document": "AFTER INSERT ON measure BEGIN UPDATE measure SET tags = '[\"重点\"]' WHERE id = NEW.id",
    "a row": "AFTER INSERT ON reminder WHEN NEW.id = 2 BEGIN DELETE FROM reminder WHERE id = 2",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_one_fault_in_the_copy_is_seen_and_nothing_of_it_kept(served, database, monkeypatch, fault):
    source, target = database("sqlite"), database("sqlite")
    desk = served(source)
    engine = open_engine(target)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TRIGGER planted {fault}; END"))
    before = contents(source)
    said = copy_from(target, desk, monkeypatch)
    assert said.code == 2
    assert "differs in the copy" in said.err
    assert not any(contents(target).values())
    assert contents(source) == before
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER planted"))
    engine.dispose()
    assert copy_from(target, desk, monkeypatch).code == 0


def test_one_changed_byte_is_seen_on_postgresql(served, database, monkeypatch):
    target = database("postgresql")
    desk = served(database("sqlite"))
    engine = open_engine(target)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "NEW.content = set_byte(NEW.content, 9, 0); RETURN NEW; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER planted BEFORE INSERT ON payload FOR EACH ROW EXECUTE FUNCTION planted()")
        )
    engine.dispose()
    said = copy_from(target, desk, monkeypatch)
    assert said.code == 2
    assert "table payload differs" in said.err
    assert not any(contents(target).values())


KILLED = """
import os, signal, sys
from reminder.store.copying import move
from reminder.store.daemons import Daemon, running, sign_on
from reminder.store.engine import open_engine
done = 0
def watch(total, rows):
    global done
    done += rows
    if done >= total * float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
move(open_engine(sys.argv[1]), open_engine(sys.argv[2]), watch)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_copy_that_is_killed_leaves_no_row_and_can_be_made_again(served, database, monkeypatch, kind, share):
    source, target = database("sqlite"), database(kind)
    desk = served(source)
    before = contents(source)
    done = subprocess.run([sys.executable, "-c", KILLED, source, target, str(share)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert contents(source) == before
    assert not any(contents(target).values())
    assert copy_from(target, desk, monkeypatch).code == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_written_meanwhile_is_not_in_the_copy(served, database, kind):
    source, target = database(kind), database("sqlite")
    desk = served(source)
    written = []

    def write(total, rows):
        if not written:
            desk.measure("99", "2021-06-10")
            written.append(total)

    one, other = open_engine(source), open_engine(target)
    found = move(one, other, write)
    assert written
    with Session(one) as left, Session(other) as right:
        codes = [{code for (code,) in session.execute(select(MeasureRow.code))} for session in (left, right)]
    assert codes[0] - codes[1] == {"99"}
    assert found["measure"].rows == len(codes[1])
    one.dispose()
    other.dispose()


@pytest.mark.parametrize(
    "url", ["postgresql://u:pw@127.0.0.1/x", "postgresql://127.0.0.1/x?password=pw", "env:NOWHERE", "x"]
)
def test_a_password_on_the_command_line_and_a_url_that_is_none_are_refused(desk, url):
    said = desk("db", "copy", url)
    assert said.code == 2
    assert "pw" not in said.err


def test_a_server_that_is_not_there_is_one_clear_line(desk):
    with pytest.raises(UsageError, match=r"127\.0\.0\.1"):
        move(desk.app().engine, open_engine("postgresql://127.0.0.1:9/x"), lambda total, rows: None)


def test_a_relative_file_lies_where_that_of_the_configuration_does(desk):
    assert desk("db", "copy", "sqlite:///other.db").code == 0
    assert (desk.folder / "other.db").is_file()


def test_whoever_still_runs_on_the_source_is_told_of_and_does_not_go_along(desk):
    app = desk.app()
    with writing(app.engine) as session:
        assert sign_on(session, Daemon("digest", now()), now()) is None
    app.engine.dispose()
    said = desk("db", "copy", "sqlite:///other.db")
    assert said.code == 0
    assert "两边都会发送" in said.err
    engine = open_engine(f"sqlite:///{desk.folder}/other.db")
    with Session(engine) as session:
        assert not running(session, now())
    engine.dispose()
