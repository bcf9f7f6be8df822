"""The real cycle on a real database into a real maildir."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reminder.channels.base import Channel
from reminder.domain.message import Receipt
from reminder.domain.people import Unit
from reminder.errors import ChannelBroken, Gone, Passing, Permanent, RateLimited, UsageError
from reminder.store.engine import writing
from reminder.store.outbox_tables import MessageRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at


@pytest.fixture
def stage(tmp_path, database):
    made = Stage(tmp_path, database)
    yield made
    made.engine.dispose()


class Faulty(Channel):
    """A channel that raises the given errors in turn and accepts what comes after."""

    def __init__(self, *errors):
        self.name, self.errors, self.sent = "mail", list(errors), []

    @classmethod
    def address_fault(cls, address, locale="zh_CN"):
        return None

    def render(self, letter, envelope):
        return f"{envelope.message_id}|{letter.subject}".encode()

    def send(self, payload, envelope, now):
        self.sent.append(payload)
        if self.errors:
            raise self.errors.pop(0)
        return Receipt("250", "ok")


def with_channel(stage, channel):
    stage.service = replace(stage.service, channels={"mail": lambda: channel})
    return channel


def test_a_due_reminder_is_sent_once_and_a_second_run_of_the_same_minute_sends_nothing(stage):
    stage.measure("73", "2021-06-15")
    first = stage.cycle("2021-06-08 09:00")
    again = stage.cycle("2021-06-08 09:00")
    assert (first.planned, dict(first.messages)) == (2, {"sent": 1})  # Monday's nudge is answered with it
    assert (again.planned, dict(again.messages)) == (0, {})
    (letter,) = stage.letters()
    assert "73" in letter.get_body(("plain",)).get_content()
    assert letter.defects == []
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].strip("<>") == stage.messages()[0].message_id


def test_all_that_a_cycle_answers_for_one_recipient_is_one_message_late_or_not(stage):
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-03 09:00")
    stage.measure("2", "2021-06-09")
    stage.cycle("2021-06-08 09:30")  # down since the third: Monday's nudge, the 7 days of "1", the 1 day of "2"
    (message,) = [row for row in stage.messages() if row.created_at > at("2021-06-04")]
    rows = [row for row in stage.reminders() if row.message_pk == message.id]
    assert {(row.rule, row.late) for row in rows} == {("nudge", True), ("deadline", False)}
    assert message.late


def test_a_measure_written_off_a_second_ago_is_not_chased(stage):
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 08:00")
    stage.cycle("2021-06-08 19:00")  # outside hours: held
    assert [(row.state, row.why) for row in stage.messages()] == [("held", "hours")]
    stage.move("1", "written_off", "2021-06-09")
    counts = stage.cycle("2021-06-09 08:30")
    assert dict(counts.messages) == {"cancelled": 1}
    assert stage.reminders()[0].outcome_reason["code"] == "cancelled_closed"
    assert stage.letters() == []


def test_held_messages_merge_with_what_comes_before_they_go(stage):
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 19:00")
    stage.measure("2", "2021-06-16", known_on=at("2021-06-09").date())
    counts = stage.cycle("2021-06-09 09:00")
    assert dict(counts.messages) == {"sent": 1}
    assert len(stage.messages()) == 1
    assert len(stage.letters()) == 1


def test_more_than_the_days_cap_wait_for_the_next_slot(stage):
    stage.service = replace(stage.service, most_per_day=2, rules=(a_rule("deadline", before=[7], merge=False),))
    for code in "1234":
        stage.measure(code, "2021-06-15")
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 2, "held": 2}
    assert dict(stage.cycle("2021-06-09 08:30").messages) == {"sent": 2}


def test_the_identity_and_the_bytes_are_the_same_on_every_attempt(stage):
    channel = with_channel(stage, Faulty(Passing("421 try later"), Passing("reset", accepted_unknown=True)))
    stage.measure("1", "2021-06-15")
    for minute in ("00", "05", "10", "30"):
        stage.cycle(f"2021-06-08 09:{minute}")
    assert len(channel.sent) == 3
    assert len(set(channel.sent)) == 1
    assert [row.outcome for row in stage.deliveries()] == ["refused", "unknown", "sent"]


def test_after_an_attempt_of_unknown_outcome_nothing_changes_any_more(stage):
    channel = with_channel(stage, Faulty(Passing("gone after the final dot", accepted_unknown=True)))
    stage.measure("1", "2021-06-15")
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"unknown": 1}
    stage.move("1", "written_off", "2021-06-08")
    assert dict(stage.cycle("2021-06-08 09:10").messages) == {"sent": 1}
    assert channel.sent[0] == channel.sent[1]


def test_after_plain_refusals_the_recheck_may_still_cancel(stage):
    channel = with_channel(stage, Faulty(Passing("450 later")))
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    stage.move("1", "written_off", "2021-06-08")
    assert dict(stage.cycle("2021-06-08 09:10").messages) == {"cancelled": 1}
    assert len(channel.sent) == 1


ERRORS = [  # what is tried again, and between which instants
    ("过一会儿再试", Passing("451"), "retrying", ("09:00:24", "09:00:36")),
    ("对方要求慢一点", RateLimited("429", until=at("2021-06-08 11:00")), "retrying", ("11:00:00", "11:01:00")),
    (
        "说要等一年",
        RateLimited("429", until=at("2022-06-08 11:00")),
        "retrying",
        ("2021-06-09 10:00", "2021-06-09 10:02"),
    ),
    ("说昨天就可以", RateLimited("429", until=at("2021-06-07 11:00")), "retrying", ("09:00:01", "09:00:02")),
    ("永远不收", Permanent("550 no such user"), "failed", None),
    ("对方不要了", Gone("410 gone"), "failed", None),
    ("通道坏了", ChannelBroken("535 login refused"), "retrying", ("09:15:00", "09:18:00")),
]


@pytest.mark.parametrize(("error", "state", "again"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_what_an_error_does_to_a_message(stage, error, state, again):
    with_channel(stage, Faulty(error))
    stage.measure("1", "2021-06-15")
    counts = stage.cycle("2021-06-08 09:00")
    (row,) = stage.messages()
    assert (row.state, counts.needs_a_person) == (state, state == "failed")
    if again:
        first, last = (at(text if "-" in text else f"2021-06-08 {text}") for text in again)
        assert first <= row.next_attempt_at <= last


def test_a_broken_channel_is_tried_once_a_cycle(stage):
    channel = with_channel(stage, Faulty(*[ChannelBroken("535")] * 5))
    for unit in ("建设局", "财政局"):
        stage.measure(unit, "2021-06-15", [unit])
    stage.cycle("2021-06-08 09:00")
    assert len(channel.sent) == 1
    assert {row.state for row in stage.messages()} == {"retrying", "pending"}


def test_a_retry_does_not_fall_into_the_night(stage):
    with_channel(stage, Faulty(RateLimited("429", until=at("2021-06-08 23:00"))))
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    assert stage.messages()[0].next_attempt_at == at("2021-06-09 08:30")


def test_it_gives_up_in_the_end_and_leaves_a_dead_letter(stage):
    with_channel(stage, Faulty(*[Passing("451")] * 50))
    stage.measure("1", "2021-06-15")
    hour = 9
    while stage.cycle(f"2021-06-{8 + hour // 24:02d} {hour % 24:02d}:00").messages["failed"] == 0:
        hour += 1
        assert hour < 100
    assert len(stage.deliveries()) >= 5


def test_a_worker_that_died_in_the_attempt_is_taken_over_when_its_lease_has_run_out(stage):
    stage.measure("1", "2021-06-15")

    class Dies(Faulty):
        def send(self, payload, envelope, now):
            self.sent.append(payload)
            raise KeyboardInterrupt

    dying = with_channel(stage, Dies())
    with pytest.raises(KeyboardInterrupt):
        stage.cycle("2021-06-08 09:00")
    assert stage.messages()[0].state == "sending"
    heir = with_channel(stage, Faulty())
    assert dict(stage.cycle("2021-06-08 09:04").messages) == {}
    assert dict(stage.cycle("2021-06-08 09:06").messages) == {"sent": 1}
    assert heir.sent == dying.sent
    assert [row.outcome for row in stage.deliveries()] == ["unknown", "sent"]


def test_river_1302_a_rescued_message_is_not_settled_by_its_old_worker(stage):
    stage.measure("1", "2021-06-15")

    class Slow(Faulty):
        def send(self, payload, envelope, now):
            with writing(stage.engine) as session:  # meanwhile somebody else rescued and sent it
                row = session.get(MessageRow, 1)
                row.lease_token, row.state = "another", "sent"
                session.add(row)
            raise Passing("too late")

    with_channel(stage, Slow())
    stage.cycle("2021-06-08 09:00")
    assert stage.messages()[0].state == "sent"


def test_alertmanager_5322_bosun_428_novu_2229_a_faulty_template_of_the_office_falls_back_to_the_built_in_one(
    stage, caplog
):
    own = stage.folder / "templates" / "zh_CN"
    own.mkdir(parents=True)
    (own / "before.text.txt").write_text("{{ nothing }}", encoding="utf-8")
    stage.service = replace(stage.service, templates=stage.folder / "templates")
    stage.measure("1", "2021-06-15")
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 1}
    assert "before.text.txt" in caplog.text


def test_one_message_that_cannot_be_written_stops_only_itself(stage):
    class Picky(Faulty):
        def render(self, letter, envelope):
            if envelope.recipient == "建设局":
                raise ValueError("a row that nobody can write about")
            return super().render(letter, envelope)

    with_channel(stage, Picky())
    for unit in ("建设局", "财政局"):
        stage.measure(unit, "2021-06-15", [unit])
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 1, "failed": 1}


def test_dirigible_7290_what_fails_before_the_sending_is_an_outcome_with_its_reason_and_not_tried_for_ever(stage):
    """Only a failure of the sending itself was noted down: what failed before was tried for ever, in silence."""

    class Broken(Faulty):
        tried = 0

        def render(self, letter, envelope):
            Broken.tried += 1
            raise ValueError("no letter can be made of it")

    with_channel(stage, Broken())
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    (message,) = stage.messages()
    assert (message.state, message.why) == ("failed", "cannot be written: no letter can be made of it")
    tried = Broken.tried
    for hour in (10, 11, 12):
        stage.cycle(f"2021-06-08 {hour}:00")
    assert (Broken.tried, [one.state for one in stage.messages()]) == (tried, ["failed"])


def test_a_channel_with_a_fault_of_its_own_stops_only_its_message(stage):
    with_channel(stage, Faulty(ZeroDivisionError("a bug")))
    for unit in ("建设局", "财政局"):
        stage.measure(unit, "2021-06-15", [unit])
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 1, "unknown": 1}


@pytest.mark.parametrize(("knows_ids", "sent", "state"), [(True, 3, "sent"), (False, 2, "failed")])
def test_a_peer_that_cannot_tell_a_repeated_message_gets_it_once_more_and_then_no_more(stage, knows_ids, sent, state):
    """Chat robots: whether the group has it nobody knows, and the office is told of it."""
    channel = with_channel(stage, Faulty(*[Passing("no answer", accepted_unknown=True)] * 2))
    channel.knows_ids = knows_ids
    stage.measure("1", "2021-06-15")
    for hour in range(9, 15):
        stage.cycle(f"2021-06-08 {hour:02d}:00")
    (message,) = stage.messages()
    assert (len(channel.sent), message.state) == (sent, state)
    assert len(set(channel.sent)) == 1


def test_a_robot_that_plainly_refused_before_may_still_be_asked_twice(stage):
    channel = with_channel(stage, Faulty(Passing("busy"), Passing("no answer", accepted_unknown=True)))
    channel.knows_ids = False
    stage.measure("1", "2021-06-15")
    for hour in range(9, 15):
        stage.cycle(f"2021-06-08 {hour:02d}:00")
    assert (len(channel.sent), stage.messages()[0].state) == (3, "sent")


def test_a_secret_that_is_not_set_breaks_its_channel_not_the_cycle(stage):
    with_channel(stage, Faulty(UsageError("REMINDER_SMTP_PASSWORD is not set")))
    stage.measure("1", "2021-06-15")
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"retrying": 1}
    assert "REMINDER_SMTP_PASSWORD" in stage.deliveries()[0].text


def test_while_trying_out_everything_goes_to_the_redirect_and_names_the_true_addressee(stage):
    stage.service = replace(stage.service, redirect_to=("trial@example.org",), trial_channel="mail")
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    (letter,) = stage.letters()
    assert [address.addr_spec for address in letter["To"].addresses] == ["trial@example.org"]
    assert "建设局" in letter.get_body(("plain",)).get_content()


def test_what_was_written_to_its_addressee_before_a_trial_waits_until_the_trial_is_over(stage):
    channel = with_channel(stage, Faulty(Passing("later", accepted_unknown=True)))
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    real = stage.service
    stage.service = replace(stage.service, redirect_to=("trial@example.org",), trial_channel="mail")
    assert dict(stage.cycle("2021-06-08 09:30").messages) == {"held": 1}
    assert len(channel.sent) == 1, "its bytes and its addressee are fixed: nothing of it goes during a trial"
    stage.service = real
    assert dict(stage.cycle("2021-06-09 09:00").messages) == {"sent": 1}
    assert channel.sent[0] == channel.sent[1]


def test_no_mail_goes_to_a_domain_that_is_not_allowed(stage):
    stage.service = replace(stage.service, allow_domains=("gov.example",))
    stage.measure("1", "2021-06-15")
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"failed": 1}
    assert "allow_domains" in stage.messages()[0].why


def test_a_mention_of_a_whole_group_is_no_mail_domain(stage):
    units = {"建设局": Unit(name="建设局", channels=("mail",), addresses={"mail": ("@all",)})}
    stage.service = replace(stage.service, allow_domains=("gov.example",), directory=a_directory(units=units))
    with_channel(stage, Faulty())
    stage.measure("1", "2021-06-15")
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 1}


def test_an_address_filled_in_later_re_sends_nothing(stage):
    bare = a_directory(units={"建设局": Unit(name="建设局", channels=("mail",))})
    stage.service = replace(stage.service, directory=bare)
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-08 09:00")
    assert [row.recipient for row in stage.messages()] == ["office"]
    stage.service = replace(stage.service, directory=a_directory())
    assert stage.cycle("2021-06-08 10:00").planned == 0


def test_a_stop_gives_claimed_messages_back_at_once(stage):
    for unit in ("建设局", "财政局"):
        stage.measure(unit, "2021-06-15", [unit])
    stopping = with_channel(stage, Faulty())
    stage.cycle("2021-06-08 09:00", stop=lambda: bool(stopping.sent))
    assert sorted(row.state for row in stage.messages()) == ["pending", "sent"]
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 1}


def test_a_clock_behind_the_last_cycle_plans_nothing(stage):
    stage.measure("1", "2021-06-15")
    stage.cycle("2021-06-09 09:00")
    before = len(stage.reminders())
    assert stage.cycle("2021-06-08 09:00").planned == 0
    assert len(stage.reminders()) == before
