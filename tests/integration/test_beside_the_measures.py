"""回头看、催复函、定期事项：从登记到信件进信箱；发出之前再核一遍；新登记的不补发以前的。"""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import select

from reminder.store.engine import writing
from reminder.store.outbox_tables import ReminderRow
from reminder.store.tables import DutyRow, EventRow, LetterRow, MeasureRow
from tests.integration.stage import Stage
from tests.makers import a_rule, at

RULES = (
    a_rule("look_back", after=[90], chase="10wd"),
    a_rule("awaiting_reply"),
    a_rule("duty", owed_by=["建设局", "代建项目管理中心", "office"]),
)


@pytest.fixture
def stage(tmp_path, database):
    made = Stage(tmp_path, database, rules=RULES)
    yield made
    made.engine.dispose()


def add(stage, row):
    with writing(stage.engine) as session:
        session.add(row)


def written_off(stage, on="2021-05-10"):
    stage.measure("73", "2021-06-30")
    stage.move("73", "written_off", on)


def a_letter(sent_on="2021-05-06", **changes):
    usual = {"addressee": "市财政局", "about": "商请拨付资金", "recorded_at": at("2021-05-06")}
    return LetterRow(sent_on=date.fromisoformat(sent_on), **usual | changes)


def done(period="2021-W20", unit="建设局"):
    return DutyRow(duty="duty", unit=unit, period=period, on=date(2021, 5, 14), recorded_at=at("2021-05-14"))


def text_of(letter):
    return letter.get_body(("plain",)).get_content()


def alone(stage, kind):
    stage.service = type(stage.service)(
        **{name: getattr(stage.service, name) for name in stage.service.__dataclass_fields__ if name != "rules"},
        rules=tuple(rule for rule in RULES if rule.kind == kind),
    )
    return stage


def test_the_office_is_asked_to_look_back_until_the_result_is_recorded(stage):
    alone(stage, "look_back")
    written_off(stage)
    stage.cycle("2021-08-06 09:00")
    assert stage.letters() == []
    stage.cycle("2021-08-09 09:00")
    (letter,) = stage.letters()
    assert "回头看（1 项）" in text_of(letter)
    assert "销号：2021年5月10日（星期一）｜应回头看：2021年8月8日（星期日）" in text_of(letter)
    assert "逾期" not in text_of(letter)
    stage.cycle("2021-08-20 09:00")
    assert len(stage.letters()) == 2
    (measure,) = stage.rows(MeasureRow)
    held = {"act": "look_back", "facts": {"result": "held"}, "recorded_at": at("2021-08-25")}
    add(stage, EventRow(measure_id=measure.id, on=date(2021, 8, 25), **held))
    stage.cycle("2021-09-03 09:00")
    assert len(stage.letters()) == 2


def test_a_letter_is_followed_up_until_it_is_answered(stage):
    alone(stage, "awaiting_reply")
    stage.cycle("2021-05-06 09:00")
    add(stage, a_letter())
    stage.cycle("2021-05-21 09:00")
    stage.cycle("2021-06-02 09:00")
    before, after = stage.letters()
    assert "5 天后应复函｜应于2021年5月26日（星期三）前复函" in text_of(before)
    assert "逾期未复 7 天" in text_of(after)
    assert "收函单位：市财政局（登记编号 1）" in text_of(after)


def test_a_duty_is_reminded_and_chased_unit_by_unit(stage):
    alone(stage, "duty")
    stage.cycle("2021-05-13 09:00")
    add(stage, done("2021-W19"))
    stage.cycle("2021-05-14 09:00")
    add(stage, done())
    stage.cycle("2021-05-18 09:00")
    assert [row.recipient for row in stage.messages()].count("建设局") == 1
    last = "".join(text_of(stage.letters()[-1]).split())
    owed = "报工程进度，2021年第20周（5月17日至5月23日），应于2021年5月17日（星期一）17:00前完成，尚未登记收到。"
    assert f"代建项目管理中心：{owed}" in last
    assert f"巡察整改办公室：{owed}" in last
    assert "本信原应发给代建项目管理中心" in last


def a_duty_is_done(stage):
    with writing(stage.engine) as session:
        for unit in ("建设局", "代建项目管理中心", "office"):
            for period in ("2021-W19", "2021-W20"):
                session.add(done(period, unit))


def a_reply_comes(stage):
    with writing(stage.engine) as session:
        row = session.exec(select(LetterRow)).one()
        row.replied_on = date(2021, 5, 21)
        session.add(row)


def a_letter_is_lost(stage):
    with writing(stage.engine) as session:
        session.delete(session.exec(select(LetterRow)).one())


def a_result_is_recorded(stage):
    held = {"act": "look_back", "facts": {"result": "held"}, "recorded_at": at("2021-08-09 12:00")}
    add(stage, EventRow(measure_id=1, on=date(2021, 8, 9), **held))


def a_measure_is_opened_again(stage):
    stage.move("73", "in_progress", "2021-08-09")


# the occasion's day, on which the office is closed when the cycle runs, and the next opening
DAYS = {
    "duty": ("2021-05-14", "2021-05-17"),
    "awaiting_reply": ("2021-05-21", "2021-05-24"),
    "look_back": ("2021-08-09", "2021-08-10"),
}
MEANWHILE = [
    ("duty", a_duty_is_done, "cancelled_done"),
    ("awaiting_reply", a_reply_comes, "cancelled_replied"),
    ("awaiting_reply", a_letter_is_lost, "cancelled_letter_gone"),
    ("look_back", a_result_is_recorded, "cancelled_looked_back"),
    ("look_back", a_measure_is_opened_again, "cancelled_reopened"),
]


@pytest.mark.parametrize(("kind", "meanwhile", "code"), MEANWHILE)
def test_what_was_settled_meanwhile_does_not_go(stage, kind, meanwhile, code):
    alone(stage, kind)
    written_off(stage)
    add(stage, a_letter())
    evening, morning = DAYS[kind]
    stage.cycle(f"{evening} 08:00")
    stage.cycle(f"{evening} 19:00")
    meanwhile(stage)
    stage.cycle(f"{morning} 08:30")
    assert stage.letters() == []
    assert {row.outcome for row in stage.reminders()} == {"cancelled"}
    assert {row.outcome_reason["code"] for row in stage.reminders()} == {code}


def test_the_first_cycle_answers_for_its_own_day_only(stage):
    add(stage, a_letter("2021-04-27"))  # due on 2021-05-18
    stage.cycle("2021-05-18 10:00")
    # W20 was due the day before: nobody knew of it then, so nobody is chased for it now
    assert stage.letters() == []
    stage.cycle("2021-05-19 10:00")
    assert {row.subject for row in stage.reminders()} == {
        f"duty:duty:{unit}:2021-W20" for unit in ("建设局", "代建项目管理中心", "office")
    }


def test_a_letter_recorded_late_is_answered_from_then_on(stage):
    alone(stage, "awaiting_reply")
    stage.cycle("2021-06-04 10:00")
    add(stage, a_letter())  # due on 2021-05-26, chased on 06-02 and 06-09
    stage.cycle("2021-06-07 10:00")
    assert stage.letters() == []
    stage.cycle("2021-06-09 10:00")
    assert [str(row.occasion) for row in stage.reminders()] == ["2021-06-09"]


def test_an_old_ledger_brings_no_old_look_backs(stage):
    alone(stage, "look_back")
    stage.measure("73", "2021-06-30", known_on=date(2021, 8, 10), status="written_off", closed_on=date(2021, 5, 10))
    stage.measure("74", "2021-06-30", known_on=date(2021, 8, 10), status="written_off", closed_on=date(2021, 5, 20))
    for day in ("2021-08-10", "2021-08-18", "2021-08-20", "2021-09-01", "2021-09-03"):
        stage.cycle(f"{day} 10:00")
    assert [(row.subject, str(row.occasion)) for row in stage.rows(ReminderRow)] == [
        ("measure:2", "2021-08-18"),
        ("measure:2", "2021-09-01"),
    ]
