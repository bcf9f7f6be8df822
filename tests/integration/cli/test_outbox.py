"""`reminder outbox`: what lies in it, and what a person may do with it."""

import pytest
from sqlalchemy import text

from reminder.store.engine import writing


@pytest.fixture
def sent(desk):
    """A desk whose first message has gone, and whose second waits for the morning."""
    desk.measure("73", "2021-06-10")
    desk.cycle("2021-06-07 09:00")
    desk.measure("74", "2021-06-10", "财政局")
    desk.cycle("2021-06-07 19:00")
    return desk


def test_one_json_line_for_each_message(sent):
    first, second = sent("outbox", "--json").lines
    assert (first["state"], first["recipient"], first["channel"]) == ("sent", "建设局", "files")
    assert first["kinds"] == ["before", "nudge"]
    assert first["measures"] == ["73"]
    (attempt,) = first["attempts"]
    assert (attempt["at"], attempt["outcome"]) == ("2021-06-07T09:00:00+08:00", "sent")
    assert first["next_attempt_at"] is None
    assert (second["state"], second["why"], second["attempts"]) == ("held", "hours", [])
    assert second["next_attempt_at"] == "2021-06-08T08:30:00+08:00"


def test_only_one_state(sent):
    assert [one["recipient"] for one in sent("outbox", "--state", "held", "--json").lines] == ["财政局"]
    assert "R-1" in sent("outbox", "--state", "sent").out
    refused = sent("outbox", "--state", "lost")
    assert refused.code == 2
    assert "pending" in refused.err


def test_release_lets_held_messages_go_in_the_next_cycle(sent):
    assert sent("outbox", "release", "--newer-than", "2021-06-08").out.startswith("已放行 0 封")
    assert sent("outbox", "release").out.startswith("已放行 1 封")
    assert sent("outbox", "--state", "pending", "--json").lines[0]["recipient"] == "财政局"


@pytest.mark.parametrize("age", ["soon", "3 weeks", "2021-13-01"])
def test_an_age_that_is_none_is_refused(sent, age):
    assert sent("outbox", "release", "--newer-than", age).code == 2
    assert len(sent("outbox", "--state", "held", "--json").lines) == 1


def test_retry_takes_up_a_dead_letter_with_its_attempts(sent):
    sent.change(2, "refused", state="failed", why="no such mailbox", attempts=1, next_attempt_at=None)
    assert sent("outbox", "retry", "R-2").code == 0
    (again,) = sent("outbox", "--state", "pending", "--json").lines
    assert (again["id"], len(again["attempts"])) == (2, 1)


def test_what_was_sent_is_not_sent_again(sent):
    said = sent("outbox", "retry", "1")
    assert said.code == 2
    assert "R-1" in said.err


@pytest.mark.parametrize("outcome", ["unknown", "sent", "trying"])
def test_a_message_the_peer_may_have_is_not_cancelled(sent, outcome):
    sent.change(2, outcome, state="retrying", attempts=1)
    said = sent("outbox", "cancel", "2")
    assert said.code == 2
    assert sent("outbox", "--json").lines[1]["state"] == "retrying"


def test_a_dead_letter_that_somebody_may_have_is_seen_to_and_ill_health_ends(sent):
    """It could be neither sent nor cancelled, and `status` said for ever that somebody has to see to it."""
    sent.change(2, "unknown", state="failed", why="no answer", attempts=1, next_attempt_at=None)
    assert "outbox --state failed" in " ".join(problems(sent))
    assert sent("outbox", "cancel", "2").code == 0
    ended = sent("outbox", "--json").lines[1]
    assert (ended["state"], [one["outcome"] for one in ended["attempts"]]) == ("cancelled", ["unknown"])
    assert "outbox --state failed" not in " ".join(problems(sent))


def problems(desk):
    return desk("status", "--json").lines[0]["problems"]


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("hours", "不在发送时段"),
        ("cap", "当天已达封数上限"),
        ("guard", "outbox release"),
        ("trial", "试运行期间不发给真正的收件人"),
        ("merged into R-1", "已并入 R-1"),
        ("nothing of it holds any more", "其中已没有还需提醒的事项"),
        ("550 no such mailbox", "550 no such mailbox"),
    ],
)
def test_why_a_message_waits_or_has_ended_is_told_in_the_offices_words(sent, why, told):
    sent.change(2, why=why)
    assert told in "".join(
        line.split("│")[-2].strip() for line in sent("outbox", "--state", "held").out.splitlines() if "│" in line
    )


def test_a_code_that_the_answer_names_is_not_said_twice(sent):
    sent.change(2, "refused", state="retrying", why="", attempts=1)
    app = sent.app()
    with writing(app.engine) as session:
        session.connection().execute(
            text("UPDATE delivery SET code = '451', text = 'RCPT TO: 451 later' WHERE outcome = 'refused'")
        )
    app.engine.dispose()
    assert sent("outbox", "--state", "retrying").out.count("451") == 1


def test_a_message_under_lease_is_not_cancelled(sent):
    sent.change(2, state="sending")
    assert sent("outbox", "cancel", "2").code == 2


def test_cancel_ends_what_was_plainly_refused_and_names_what_it_could_not(sent):
    sent.change(2, "refused", state="retrying", attempts=1)
    said = sent("outbox", "cancel", "1", "2")
    assert said.code == 1
    assert "R-1" in said.err
    ended = sent("outbox", "--json").lines[1]
    assert (ended["state"], ended["why"], ended["next_attempt_at"]) == ("cancelled", "人工取消", None)


@pytest.mark.parametrize("number", ["99", "abc", "-"])
def test_an_unknown_number_does_nothing_at_all(sent, number):
    assert sent("outbox", "cancel", "2", number).code == 2
    assert sent("outbox", "--json").lines[1]["state"] == "held"


def test_verify_says_whether_the_log_was_changed(desk):
    desk.measure("1", "2021-06-10")
    desk.cycle("2021-06-07 09:00")
    whole = desk("outbox", "verify", "--json")
    assert whole.code == 0
    (told,) = whole.lines
    assert (told["intact"], told["rows"], told["broken"]) == (True, 2, None)
    assert desk("status", "--json").lines[0]["log_head"] == told["head"]
    assert desk("outbox", "verify", "--head", told["head"]).code == 0
    assert "链头" in desk("outbox", "verify").out
    assert desk("outbox", "verify", "--head", "12").code == 2
    another = desk("outbox", "verify", "--head", f"2:{'0' * 64}", "--json")
    assert (another.code, another.lines[0]["broken"]["why"]) == (1, "head")
    desk.cycle("2021-06-07 09:01")
    app = desk.app()
    with writing(app.engine) as session:
        session.connection().execute(text("DROP TRIGGER delivery_log_kept"))
        session.connection().execute(text("CREATE TABLE taken AS SELECT * FROM delivery_log WHERE position = 2"))
        session.connection().execute(text("DELETE FROM delivery_log WHERE position = 2"))
    assert "链头" in desk("outbox", "verify").out, "the last cycle kept the head"
    with writing(app.engine) as session:
        session.connection().execute(text("INSERT INTO delivery_log SELECT * FROM taken"))
    assert desk("outbox", "verify").code == 0
    with writing(app.engine) as session:
        session.connection().execute(text("DROP TRIGGER delivery_log_unchanged"))
        session.connection().execute(text("UPDATE delivery_log SET recipient = '别处' WHERE position = 2"))
    app.engine.dispose()
    changed = desk("outbox", "verify")
    assert changed.code == 1
    assert "第 2 条" in changed.out
