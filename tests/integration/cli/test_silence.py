"""`reminder silence …`, end to end: the plan, the cycle, the re-check before sending, `explain`."""

import json

import time_machine

from reminder.store.engine import writing
from reminder.store.outbox_tables import PayloadRow
from tests.makers import at

MONDAY = "2021-06-07"
BECAUSE = ("--because", "单位换届，商定暂停")


def silenced(desk, *targets, today="2021-06-01", until="2021-06-08"):
    with time_machine.travel(at(f"{today} 10:00"), tick=False):
        return desk("silence", "add", *targets, "--until", until, *BECAUSE)


def planned(desk):
    return {(line["rule"], line["recipient"]) for line in desk("plan", "--from", MONDAY, "--json").lines}


def test_the_plan_shows_that_it_is_not_sent_and_explain_why(desk):
    desk.measure("73", "2021-06-10")
    desk.measure("74", "2021-06-10", "财政局")
    said = silenced(desk, "--unit", "区建设局")
    assert (said.code, "#1" in said.out) == (0, True)
    assert planned(desk) == {("approaching", "财政局"), ("weekly-nudge", "财政局")}
    assert "另有 2 条不发：静默 #1" in desk("plan", "--from", MONDAY).out
    line = desk("explain", "73", "--on", MONDAY, "--rule", "approaching", "--json").lines[0]
    assert (line["fired"], line["state"], line["reason_code"]) == (False, "skipped", "silenced")
    assert "静默 #1" in line["reason"]
    assert "单位换届" in line["reason"]


def test_a_silenced_occasion_is_recorded_and_never_caught_up_with(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-04 18:00")
    silenced(desk, "--measure", "73")
    desk.cycle(f"{MONDAY} 08:40")  # the office's own message
    assert desk.cycle(f"{MONDAY} 09:00").messages == {}
    silenced_end = desk("silence", "end", 1, "--on", "2021-06-08")
    assert silenced_end.code == 0
    assert desk.cycle("2021-06-08 09:00").messages == {}
    for again in range(2):  # also when the silence is gone from the table's point of view
        line = desk("explain", "73", "--on", MONDAY, "--rule", "approaching", "--json").lines[0]
        assert (line["state"], line["reason_code"], line["message"]) == ("skipped", "silenced", None), again


def test_a_silence_that_came_after_planning_skips_what_is_held(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 19:00")
    silenced(desk, "--unit", "建设局", today=MONDAY)
    assert desk.cycle("2021-06-08 08:30").messages == {"cancelled": 1}
    line = desk("explain", "73", "--on", MONDAY, "--rule", "approaching", "--json").lines[0]
    assert (line["fired"], line["state"], line["reason_code"]) == (False, "skipped", "silenced")


def test_of_a_nudge_that_goes_the_silenced_measure_is_told_apart(desk):
    desk.measure("73", "2021-08-10")
    desk.measure("74", "2021-08-10")
    silenced(desk, "--measure", "73")
    desk.cycle(f"{MONDAY} 09:00")
    lines = desk("explain", "--rule", "weekly-nudge", "--on", MONDAY, "--json").lines
    assert {(*line["measures"], line["state"], line["reason_code"]) for line in lines} == {
        ("74", "sent", "nudge"),
        ("73", "not_fired", "silenced"),
    }


def test_a_list_tells_what_holds_and_a_second_end_is_refused(desk):
    silenced(desk, "--rule", "overdue")
    silenced(desk, "--unit", "建设局", "--rule", "weekly-nudge", until="2099-01-01")
    with time_machine.travel(at("2021-06-20 10:00"), tick=False):
        states = [(line["number"], line["state"]) for line in desk("silence", "list", "--json").lines]
        assert states == [(1, "over"), (2, "running")]
        assert "生效中" in desk("silence", "list").out
        assert desk("silence", "end", 2).code == 0
        assert desk("silence", "end", 2).code == 2
        assert desk("silence", "end", 9).code == 2
        assert [line["state"] for line in desk("silence", "list", "--json").lines] == ["over", "ended_early"]


def test_bad_orders_are_refused(desk):
    assert silenced(desk).code == 2  # of nothing
    assert silenced(desk, "--unit", "建没局").code == 2
    assert silenced(desk, "--rule", "overdu").code == 2
    assert desk("silence", "add", "--unit", "建设局", *BECAUSE).code == 2  # no end
    assert desk("silence", "add", "--unit", "建设局", "--until", "2099-01-01").code == 2  # no reason
    backwards = ("--from", "2099-02-01", "--until", "2099-01-01")
    assert desk("silence", "add", "--unit", "建设局", *backwards, *BECAUSE).code == 2
    assert json.loads(f"[{','.join(desk('silence', 'list', '--json').out.splitlines())}]") == []


def test_a_silence_ends_what_was_plainly_refused_and_would_be_tried_again(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 19:00")
    desk.change(1, "refused", state="retrying", attempts=1, next_attempt_at=at("2021-06-08 08:30"))
    app = desk.app()
    with writing(app.engine) as session:
        session.add(PayloadRow(message_pk=1, content=b"x"))
    app.engine.dispose()
    silenced(desk, "--unit", "建设局", today=MONDAY)
    assert desk.cycle("2021-06-08 08:30").messages["cancelled"] == 1
    line = desk("explain", "73", "--on", MONDAY, "--rule", "approaching", "--json").lines[0]
    assert (line["fired"], line["state"], line["reason_code"]) == (False, "skipped", "silenced")
