"""A letter that lists more than it has room for is written from outlines: what it shows is read in full, the rest is
counted. It says the same as if every row had been read, whatever happened between planning and sending."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import select

from reminder.cycle import enqueue
from reminder.cycle.carrier import deliver_due
from reminder.domain.people import Leader, Unit
from reminder.store import reminders
from reminder.store.engine import reading, writing
from reminder.store.outbox_tables import ReminderRow
from reminder.store.outlines import outlines
from reminder.store.shown import shown
from reminder.store.tables import MeasureRow, MeasureUnitRow, SilenceRow
from tests.integration.stage import Stage, emptied
from tests.makers import a_directory, a_rule, at

MONDAY = date(2021, 6, 7)
MAIL = {"mail": ("a@example.org",)}
UNITS = ("建设局", "财政局", "审计局")


@pytest.fixture(params=["sqlite", "postgresql"])
def letters(request, tmp_path):
    """Plans a Monday of long lists, lets `happens` befall the office, sends, and tells what each letter says."""
    made = []

    def write(happens, **service):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        url = emptied(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else None
        units = {name: Unit(name=name, leader="分管", channels=("mail",), addresses=MAIL) for name in UNITS[:2]}
        leaders = {"分管": Leader(name="分管", channels=("mail",), addresses=MAIL)}
        rules = (
            a_rule("deadline", before=[7, 0]),
            a_rule("overdue", every=[1, 3, 6]),
            a_rule("nudge", on="monday"),
            a_rule("nudge", name="upward", on="monday", to=["leader"]),
            a_rule("report", due="friday 17:00", chase="monday 09:00"),
        )
        directory = a_directory(units=units, leaders=leaders)
        stage = Stage(folder, url, rules=rules, directory=directory, **service)
        made.append(stage)
        fill(stage)
        enqueue(stage.service, at("2021-06-04 16:00"))
        enqueue(stage.service, at("2021-06-07 09:00"))
        happens(stage)
        deliver_due(stage.service, lambda: at("2021-06-07 09:01"), lambda: False)
        return sorted(said(letter) for letter in stage.letters())

    yield write
    for stage in made:
        stage.engine.dispose()


def fill(stage):
    for n in range(100):
        columns = {
            "text": f"第{n}项：完善制度",
            "problem_text": f"问题{n % 7}",
            "progress": f"已完成第{n}轮",
            "progress_on": MONDAY - timedelta(days=n % 30),
            "percent": n,
            "blocked_by": "等批复" if n % 5 == 0 else "",
            "leader": "分管",
            "deadline_text": "年底前",
            "then_ongoing": n % 4 == 0,
        }
        if n % 6 == 0:
            columns |= {"deadline_kind": "ongoing", "deadline_on": None, "deadline_text": "长期坚持"}
        if n % 11 == 0:
            columns |= {"deadline_confirmed": False}
        deadline = str(MONDAY + timedelta(days=-1 if 40 < n < 80 else n * 7 % 120 - 30))
        units = [UNITS[n % 3], UNITS[0]] if n % 3 else [UNITS[0]]
        stage.measure(f"{n:03}", deadline, units, id=n + 1, **columns)
    stage.move("010", "claimed", "2021-05-20")
    stage.move("010", "in_progress", "2021-05-25")
    for code in ("013", "041", "043", "044", "045"):
        stage.move(code, "phase_complete", "2021-06-08")  # as of tomorrow: a letter of today knows nothing of it


def said(letter):
    parts = [part.get_content() for part in letter.walk() if part.get_content_maintype() == "text"]
    return (letter["to"], letter["subject"], *parts)


def nothing(stage):
    pass


def acts(stage):
    """All in the minute between planning and sending."""
    for code, status in (("001", "claimed"), ("004", "written_off"), ("022", "suspended")):
        stage.move(code, status, "2021-06-07")
    stage.extended("007", "2021-06-07", "2022-01-31")
    stage.extended("037", "2021-06-07", "2021-06-08")
    with writing(stage.engine) as session:
        session.get_one(MeasureUnitRow, (17, "responsible", 0)).unit = "卫健局"
        session.delete(session.get_one(MeasureUnitRow, (20, "responsible", 1)))
        session.flush()
        session.delete(session.get_one(MeasureUnitRow, (20, "responsible", 0)))
        session.flush()
        session.delete(session.get_one(MeasureRow, 20))
        days = {"since": date(2021, 6, 1), "until": date(2021, 6, 30), "recorded_at": at("2021-06-07 09:00")}
        session.add_all(SilenceRow(measure_id=number, because="配合巡视", **days) for number in range(25, 40, 3))


def planned_before_the_upgrade(stage):
    """The nudges as versions up to 0014 stored them: each line with its days and its deadline."""
    with writing(stage.engine) as session:
        for row in session.exec(select(ReminderRow).where(ReminderRow.kind == "nudge")):
            row.lines = [{"measure": line["measure"], "days": [], "deadline": "2021-06-07"} for line in row.lines]
            session.add(row)


@pytest.mark.parametrize("letters", ["sqlite"], indirect=True)
def test_a_nudge_planned_by_an_older_version_goes_as_one_of_today(letters):
    assert letters(planned_before_the_upgrade) == letters(nothing)


@pytest.mark.parametrize("happens", [nothing, acts])
def test_a_letter_from_outlines_says_the_same(letters, happens, monkeypatch):
    outlined = letters(happens)
    monkeypatch.setattr(reminders, "_LONG", 1000)
    assert letters(happens) == outlined
    assert any("见台账" in text and text.count("进展：") >= 20 for _, _, text, *_ in outlined)


def test_rows_of_long_lists_are_read_in_full_only_where_an_outline_does_not_tell_all(letters, monkeypatch):
    read, real = set(), reminders.by_ids
    monkeypatch.setattr(reminders, "by_ids", lambda session, ids: read.update(ids) or real(session, ids))
    assert letters(nothing)
    assert read == {11}  # once claimed


def test_a_measure_that_is_gone_when_it_is_to_be_shown_is_left_out(tmp_path):
    """Between two statements PostgreSQL sees what others have committed meanwhile."""
    stage = Stage(tmp_path)
    for number in (1, 2):
        stage.measure(str(number), "2021-06-30", id=number)
    with reading(stage.engine) as session:
        ((_, outlined),) = outlines(session, [])
        gone = outlined[0]._replace(id=3)
        assert [measure.text for measure in shown(session, [gone, *outlined])] == ["措施1", "措施2"]
        assert shown(session, [gone]) == []
    stage.engine.dispose()
