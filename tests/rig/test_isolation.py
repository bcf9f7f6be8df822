"""One bad thing stops only itself: hostile endpoints beside good ones, poisoned rows among many."""

from __future__ import annotations

import time

from sqlalchemy import text

from reminder.store.engine import open_engine
from tests.rig.fleet import fleet

HOSTILE = {"/hook0": "hang", "/hook1": "drip", "/hook2": "endless"}


def test_three_hostile_endpoints_of_twenty_hold_up_nobody_else(tmp_path, peer):
    """One never answers, one drips, one sends without end: the other seventeen have theirs long before the deadline."""
    with fleet(tmp_path, None, peer, units=20, rules=2, hooks=20) as running:
        peer.order(faults={"at": HOSTILE})
        begun = time.monotonic()
        running.start()
        while len({line.to for line in peer.accepted()} - set(HOSTILE)) < 17:  # a hostile one may accept as well
            assert time.monotonic() - begun < 120, running.logs()[-3000:]
            time.sleep(0.05)
        took = time.monotonic() - begun
        while not {"hook0", "hook1", "hook2"} <= _tried(running):
            assert time.monotonic() - begun < took + 60, f"not cut: {_tried(running)}"
            time.sleep(0.5)
        assert peer.order()["most"].get("endless bytes", 0) <= 12 * 1024 * 1024  # what lay in the sockets' buffers


def _tried(running) -> set[str]:
    """The channels with an attempt that has ended."""
    engine = open_engine(running.url)
    with engine.connect() as connection:
        ended = "SELECT channel FROM message JOIN delivery ON message_pk = message.id WHERE outcome <> 'trying'"
        found = {row[0] for row in connection.execute(text(ended))}
    engine.dispose()
    return found


def test_healthchecks_crash_loop_five_poisoned_rows_among_many_stop_only_themselves(tmp_path, peer):
    """Rows that cannot be read, a recipient nobody knows, a channel that is gone."""
    with fleet(tmp_path, None, peer, units=100, rules=1) as running:
        daemon = running.start()
        running.arrived(120)
        running.settled(60)
        daemon.terminate()
        daemon.wait(30)
        engine = open_engine(running.url)
        poison = [
            "UPDATE reminder SET lines = 'no JSON' WHERE message_pk = 1",
            "UPDATE reminder SET kind = 'nonsense' WHERE message_pk = 2",
            "UPDATE message SET recipient = 'nobody' WHERE id = 3",
            "UPDATE message SET channel = 'gone' WHERE id = 4",
            "UPDATE reminder SET occasion = 'someday' WHERE message_pk = 5",
        ]
        with engine.begin() as connection:
            anew = "UPDATE message SET state = 'pending', attempts = 0, next_attempt_at = due_at"
            for statement in ("DELETE FROM delivery", "DELETE FROM payload", anew, *poison):
                connection.execute(text(statement))
        running.start()
        running.arrived(120, wanted=195)
        end = time.monotonic() + 60
        states: dict[int, str] = {}
        while time.monotonic() < end and not all(states.get(n) == "failed" for n in range(1, 6)):
            time.sleep(0.5)
            with engine.connect() as connection:
                states = {row[0]: row[1] for row in connection.execute(text("SELECT id, state FROM message"))}
        assert [states[n] for n in range(1, 6)] == ["failed"] * 5
        assert {state for key, state in states.items() if key > 5 and key <= 100} == {"sent"}
        engine.dispose()
