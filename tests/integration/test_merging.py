"""What waits for one recipient goes as one message: after hours, over caps, after a guard; nothing is sent anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from reminder.domain.people import Unit
from reminder.store.engine import writing
from reminder.store.outbox_tables import MessageRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at


@pytest.fixture
def stage(tmp_path, database):
    made = Stage(tmp_path, database)
    yield made
    made.engine.dispose()


def put(stage, number, state):
    """Puts a message into a state: claimed by a worker, so that what comes meanwhile cannot join it, or given back."""
    with writing(stage.engine) as session:
        row = session.get(MessageRow, number)
        row.state, row.lease_until = state, at("2021-06-08 19:05") if state == "sending" else None
        session.add(row)


def test_two_messages_that_came_to_wait_for_one_recipient_are_merged_and_nothing_of_them_is_lost(stage):
    stage.service = replace(stage.service, rules=(a_rule("deadline", before=[7]),))
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 19:00")
    put(stage, stage.messages()[0].id, "sending")
    stage.measure("2", "2021-06-15", known_on=date(2021, 6, 8))
    stage.cycle("2021-06-08 19:01")
    assert [row.state for row in stage.messages()] == ["sending", "held"]
    put(stage, stage.messages()[0].id, "held")
    assert stage.cycle("2021-06-09 08:30").messages["sent"] == 1
    sent, merged = stage.messages()
    assert (sent.state, merged.state, merged.why) == ("sent", "cancelled", f"merged into R-{sent.id}")
    assert {row.message_pk for row in stage.reminders()} == {sent.id}
    (letter,) = stage.letters()
    assert "措施1" in letter.get_body(("plain",)).get_content()
    assert "措施2" in letter.get_body(("plain",)).get_content()


def test_over_the_cap_what_is_due_and_red_goes_first(stage):
    apart = {"merge": False}
    rules = (a_rule("nudge", **apart), a_rule("deadline", before=[7, 0], **apart), a_rule("overdue", **apart))
    stage.service = replace(stage.service, most_per_day=2, rules=rules)
    stage.measure("1", "2021-06-14", known_on=date(2021, 6, 7))  # seven days before
    stage.measure("2", "2021-06-07", known_on=date(2021, 6, 7))  # due
    stage.measure("3", "2021-06-04", known_on=date(2021, 6, 7))  # overdue for three days
    stage.cycle("2021-06-07 09:00")
    kinds = {row.message_pk: row.kind for row in stage.reminders()}
    assert {kinds[row.id] for row in stage.messages() if row.state == "sent"} == {"due", "overdue"}
    stage.cycle("2021-06-08 08:30")
    stage.cycle("2021-06-09 08:30")
    assert {row.state for row in stage.messages()} == {"sent"}


CHANGES = {
    "a renamed rule": {"rules": (a_rule("nudge", name="weekly", was="nudge"),)},
    "an added rule": {"rules": (a_rule("nudge"), a_rule("nudge", name="second", on="tuesday"))},
    "an added channel": {
        "directory": a_directory(
            units={
                "建设局": Unit(
                    name="建设局",
                    channels=("mail", "second"),
                    addresses={"mail": ("a@example.org",), "second": ("b@example.org",)},
                )
            }
        )
    },
    "another address": {
        "directory": a_directory(
            units={"建设局": Unit(name="建设局", channels=("mail",), addresses={"mail": ("new@example.org",)})}
        )
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_configuration_re_sends_nothing(stage, change):
    stage.service = replace(stage.service, rules=(a_rule("nudge"),))
    stage.service = replace(stage.service, channels=stage.service.channels | {"second": stage.service.channels["mail"]})
    stage.measure("1", "2021-12-31", known_on=date(2021, 6, 7))
    assert stage.cycle("2021-06-07 09:00").messages == {"sent": 1}
    stage.service = replace(stage.service, **change)
    for hour in ("09:01", "10:00", "17:59"):
        assert stage.cycle(f"2021-06-07 {hour}").messages == {}
