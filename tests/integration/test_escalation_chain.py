"""A whole chain of escalation, day by day on a real database into a real maildir."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import select

from reminder.domain.people import Leader
from reminder.office.act import Act, Office
from reminder.office.acts import perform
from reminder.rules.calendar import days
from reminder.store.engine import writing
from reminder.store.tables import EventRow, MeasureRow
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at

STEPS = [
    {"after": 7, "colour": "yellow", "to": ["leader"]},
    {"after": "15wd", "colour": "red", "to": ["leader", "principal"], "unless_answered": "5wd"},
]
CHAIN = {  # deadline 2021-06-01: whom a letter reached on which day; 06-14 is 端午
    "建设局": ["06-15", "06-29"],  # every 14 days, its own reminders as before
    "分管领导": ["06-08", "06-15", "06-21", "06-23", "06-28"],
    "组长": ["06-23", "06-28"],
}


@pytest.fixture
def stage(tmp_path, database):
    posts = {
        title: Leader(name=title, channels=("mail",), addresses={"mail": (f"{title}@example.org",)})
        for title in ("分管领导", "组长")
    }
    office = a_directory(leader="分管领导", leaders=posts, principal="组长")
    rule = a_rule("overdue", every=14, escalate=STEPS, leaders_on="monday")
    made = Stage(tmp_path, database, rules=(rule,), directory=office)
    yield made
    made.engine.dispose()


def live(stage, first="2021-06-02", last="2021-06-30"):
    for day in days(date.fromisoformat(first), date.fromisoformat(last)):
        stage.cycle(f"{day} 09:00")
        stage.cycle(f"{day} 15:00")


def reached(stage):
    told = {}
    for message in stage.messages():
        assert message.state == "sent"
        told.setdefault(message.recipient, []).append(f"{message.created_at:%m-%d}")
    return told


def act(stage, name, on, **columns):
    """What a person did on a day: an event in the measure's history, and its columns as they stand then."""
    with writing(stage.engine) as session:
        row = session.exec(select(MeasureRow)).one()
        for column, value in columns.items():
            setattr(row, column, value)
        session.add(row)
        session.add(
            EventRow(measure_id=row.id or 0, act=name, on=date.fromisoformat(on), recorded_at=at(f"{on} 16:00"))
        )


def body(letter):
    return letter.get_body(("plain",)).get_content()


def test_each_step_goes_once_on_its_own_day_and_then_a_digest_on_mondays(stage):
    stage.measure("73", "2021-06-01", progress="正在采购", progress_on=date(2021, 5, 20), blocked_by="资金未到位")
    live(stage)
    assert reached(stage) == CHAIN
    first = body(stage.letters()[0])
    assert first.index("最近反馈：正在采购") < first.index("受阻：资金未到位") < first.index("逾期 7 天｜")
    assert first.index("逾期 7 天｜") < first.index("下一步：请过问责任单位")
    assert "督办级别：黄色" in first
    proof = [row for row in stage.reminders() if row.kind == "escalation" and not row.subject.startswith("digest")]
    assert [(row.recipient, str(row.occasion), row.reason["facts"]["step"]) for row in proof] == [
        ("分管领导", "2021-06-08", "yellow"),
        ("分管领导", "2021-06-23", "red"),
        ("组长", "2021-06-23", "red"),
    ]


def test_lived_with_rests_it_is_the_same_chain(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-11")
    live(stage, "2021-06-15", "2021-06-22")
    live(stage, "2021-06-23", "2021-06-30")
    assert reached(stage) == CHAIN


def test_an_answer_recorded_after_a_step_does_not_repeat_it(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-23")
    act(stage, "progress", "2021-06-22")  # written down late: the step of the 23rd has gone
    live(stage, "2021-06-24", "2021-07-02")
    steps = [row for row in stage.reminders() if row.recipient == "组长" and not row.subject.startswith("digest")]
    assert [f"{row.at:%m-%d}" for row in steps] == ["06-23"]


def test_an_answer_puts_the_next_step_off(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-17")
    act(stage, "progress", "2021-06-17")
    live(stage, "2021-06-18", "2021-06-24")
    assert reached(stage)["组长"] == ["06-24"]


def test_an_extension_ends_the_chain_and_begins_another(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-11")
    act(stage, "extend", "2021-06-11", deadline_on=date(2021, 6, 18))
    live(stage, "2021-06-12", "2021-06-30")
    assert reached(stage)["分管领导"] == ["06-08", "06-25", "06-28"]


def test_a_write_off_before_the_hour_cancels_what_was_held(stage):
    stage.measure("73", "2021-06-01")
    stage.cycle("2021-06-08 08:00")
    stage.cycle("2021-06-08 19:00")  # outside hours: held
    stage.move("73", "written_off", "2021-06-09")
    assert dict(stage.cycle("2021-06-09 08:30").messages) == {"cancelled": 1}
    assert stage.letters() == []


def test_what_lies_behind_its_time_is_told_with_its_numbers(stage):
    behind = {"dated_on": date(2021, 1, 4), "percent": 10, "progress": "已立项", "progress_on": date(2021, 3, 1)}
    stage.service = replace(stage.service, rules=(a_rule("pace", stale="30wd", repeat="10wd"),))
    stage.measure("8", "2021-12-31", **behind)
    live(stage, "2021-06-04", "2021-06-30")
    assert reached(stage) == {"建设局": ["06-07", "06-28"]}
    assert "序时进度：按时间应完成 42%，已报 10%；3月1日以来没有新进展" in body(stage.letters()[0])


def changed(stage, *steps, **people):
    """The office edits the rule's steps, or who is who, while the chain runs."""
    rule = a_rule("overdue", every=14, escalate=list(steps or STEPS), leaders_on="monday")
    stage.service = replace(stage.service, rules=(rule,), directory=replace(stage.service.directory, **people))


def test_posts_steps_and_dates_freeze_when_the_chain_starts(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-08")
    changed(stage, {"after": 9, "colour": "orange", "to": ["unit:财政局"]})
    live(stage, "2021-06-09", "2021-06-30")
    assert reached(stage) == CHAIN


def test_a_rule_without_steps_any_more_finishes_what_it_began(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-08")
    stage.service = replace(stage.service, rules=(a_rule("overdue", every=14, leaders_on="monday"),))
    live(stage, "2021-06-09", "2021-06-30")
    assert reached(stage) == CHAIN


def test_before_its_first_step_a_chain_follows_the_rule(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-07")
    changed(stage, {"after": 9, "colour": "orange", "to": ["principal"]})
    live(stage, "2021-06-08", "2021-06-11")
    assert reached(stage) == {"组长": ["06-10"]}


def test_another_principal_or_leader_takes_over_new_chains_only(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-08")
    posts = dict(stage.service.directory.leaders)
    for title in ("新组长", "新领导"):
        posts[title] = replace(posts["组长"], name=title, addresses={"mail": (f"{title}@example.org",)})
    units = {name: replace(unit, leader="新领导") for name, unit in stage.service.directory.units.items()}
    changed(stage, leaders=posts, principal="新组长", units=units)
    stage.measure("74", "2021-06-08", units=("财政局",))
    live(stage, "2021-06-09", "2021-06-30")
    told = reached(stage)
    assert (told["分管领导"], told["组长"]) == (CHAIN["分管领导"], CHAIN["组长"])
    assert (told["新领导"], told["新组长"]) == (["06-15", "06-21", "06-28", "06-30"], ["06-30"])


def test_an_address_is_looked_up_when_it_is_written_to(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-08")
    posts = dict(stage.service.directory.leaders)
    posts["组长"] = replace(posts["组长"], addresses={"mail": ("moved@example.org",)})
    changed(stage, leaders=posts)
    live(stage, "2021-06-09", "2021-06-23")
    assert [message.addresses for message in stage.messages() if message.recipient == "组长"] == [["moved@example.org"]]


def test_a_calendar_typed_in_later_moves_no_step_of_a_chain_that_has_begun(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-08")
    practice = stage.service.practice
    calendar = replace(practice.calendar, off=frozenset({date(2021, 6, 10)}))
    stage.service = replace(stage.service, practice=replace(practice, calendar=calendar))
    live(stage, "2021-06-09", "2021-06-30")
    assert reached(stage)["组长"] == CHAIN["组长"]


def test_an_extension_begins_a_chain_by_the_rule_of_its_day(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-08")
    changed(stage, {"after": 3, "colour": "orange", "to": ["principal"]})
    act(stage, "extend", "2021-06-09", deadline_on=date(2021, 6, 18))
    live(stage, "2021-06-09", "2021-06-22")
    assert reached(stage)["组长"] == ["06-21"]
    assert reached(stage)["分管领导"] == ["06-08"]


def handed_over(stage, on, old="建设局", new="财政局"):
    office = Office(now=at(f"{on} 16:00"), zone=stage.service.practice.zone)
    order = Act(
        name="hand_over", on=date.fromisoformat(on), by="张三", because="职责在财政局", text=new, instead_of=old
    )
    with writing(stage.engine) as session:
        perform(session, "73", order, office)


def units_named(stage, recipient):
    """By day of which units a recipient's letters speak."""
    told = zip(stage.messages(), stage.letters(), strict=True)
    bodies = {f"{message.created_at:%m-%d}": body(letter) for message, letter in told if message.recipient == recipient}
    return {day: {unit for unit in ("建设局", "财政局") if unit in text} for day, text in bodies.items()}


def test_a_measure_handed_over_climbs_on_for_its_new_unit(stage):
    """The clock runs on: no step comes twice, none is lost, and from then on all letters speak of the new unit."""
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-10")
    handed_over(stage, "2021-06-10")
    live(stage, "2021-06-11")
    told = reached(stage)
    assert "建设局" not in told
    assert told["财政局"] == CHAIN["建设局"]
    assert (told["分管领导"], told["组长"]) == (CHAIN["分管领导"], CHAIN["组长"])
    assert units_named(stage, "分管领导") == {
        "06-08": {"建设局"},
        **{key: {"财政局"} for key in ("06-15", "06-21", "06-23", "06-28")},
    }


def test_handed_over_after_its_last_step_a_measure_is_told_in_digests_and_no_step_is_repeated(stage):
    stage.measure("73", "2021-06-01")
    live(stage, last="2021-06-24")
    handed_over(stage, "2021-06-24")
    live(stage, "2021-06-25")
    steps = [row for row in stage.reminders() if row.kind == "escalation" and not row.subject.startswith("digest")]
    assert [(row.recipient, row.unit, str(row.occasion)) for row in steps] == [
        ("分管领导", "建设局", "2021-06-08"),
        ("分管领导", "建设局", "2021-06-23"),
        ("组长", "建设局", "2021-06-23"),
    ]
    assert reached(stage) == {**CHAIN, "建设局": ["06-15"], "财政局": ["06-29"]}


def test_what_was_held_for_a_unit_is_cancelled_when_the_measure_is_another_s(stage):
    stage.measure("73", "2021-06-01")
    stage.cycle("2021-06-15 08:00")
    stage.cycle("2021-06-15 19:00")  # outside hours: held
    handed_over(stage, "2021-06-15")
    stage.cycle("2021-06-16 08:30")
    assert {message.recipient for message in stage.messages() if message.state == "sent"} <= {"分管领导", "财政局"}
    assert all("建设局" not in body(letter) for letter in stage.letters())
