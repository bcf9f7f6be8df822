"""Importing a ledger again and again: what applies, what is kept, what is reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from reminder.domain.measure import DeadlineKind, Status
from reminder.errors import UsageError
from reminder.ledger import register as register_module
from reminder.store.engine import reading
from tests.integration.office.desk import row

MAY, JUNE, JULY = date(2021, 5, 6), date(2021, 6, 7), date(2021, 7, 1)


def codes(one):
    return [problem.code for problem in one.problems]


def actions(registered):
    return [one.action for one in registered.rows]


# what changed in the cell, what the import says, what the service then holds
CELLS = [
    ({}, "unchanged", [], {"percent": None}),
    ({"percent": "40%"}, "updated", [], {"percent": 40}),
    ({"progress": "已进场施工", "on": "2021-05-20"}, "updated", [], {"progress": "已进场施工"}),
    ({"units": "建设局、城管局"}, "updated", [], {"units": ("建设局", "城管局")}),
    ({"text": "补齐园区交通标识牌"}, "updated", [], {"text": "补齐园区交通标识牌"}),
    ({"percent": "140%"}, "unchanged", ["percent_range"], {"percent": None}),
    ({"status": "差不多了"}, "unchanged", ["status_unknown"], {"status": Status.IN_PROGRESS}),
    ({"status": "阶段性完成"}, "updated", [], {"status": Status.PHASE_COMPLETE, "closed_on": None}),
    ({"status": "待销号"}, "updated", [], {"status": Status.CLAIMED, "closed_on": JUNE}),
]


@pytest.mark.parametrize(("cells", "action", "problems", "then"), CELLS)
def test_a_changed_cell_applies_and_an_unreadable_one_takes_nothing_away(desk, cells, action, problems, then):
    desk.imports(row())
    (one,) = desk.imports(row(**cells), as_of=JUNE).rows
    assert (one.action, codes(one)) == (action, problems)
    measure = desk.measure()
    assert {name: getattr(measure, name) for name in then} == then


# the cell at first, the cell then → the day that counts, what is reported
LIMITS = [
    ("2021年6月30日前", "2021年6月15日前", date(2021, 6, 15), []),
    ("2021年6月30日前", "2021年7月31日前", date(2021, 6, 30), ["deadline_moved"]),
    ("2021年6月30日前", "长期坚持", date(2021, 6, 30), ["deadline_moved"]),
    ("2021年6月30日前", "近期", date(2021, 6, 30), ["deadline_vague", "deadline_kept"]),
    ("2021年6月30日前", "", date(2021, 6, 30), ["deadline_empty", "deadline_kept"]),
    ("2021年6月30日前", "6月底前", date(2021, 6, 30), []),
    ("2021年6月30日前", "2021年6月30日前，并长期坚持", date(2021, 6, 30), []),
    ("近期", "2021年7月31日前", date(2021, 7, 31), []),
    ("长期坚持", "2021年7月31日前", date(2021, 7, 31), []),
]


@pytest.mark.parametrize(("first", "then", "day", "problems"), LIMITS)
def test_a_deadline_in_the_workbook_moves_only_to_an_earlier_day(sqlite_desk, first, then, day, problems):
    sqlite_desk.imports(row(deadline=first))
    (one,) = sqlite_desk.imports(row(deadline=then), as_of=JUNE).rows
    assert (codes(one), sqlite_desk.measure().deadline.on) == (problems, day)
    (again,) = sqlite_desk.imports(row(deadline=then), as_of=JULY).rows
    assert (again.action, codes(again), sqlite_desk.measure().deadline.on) == ("unchanged", problems, day)


def test_a_later_deadline_waits_for_the_extension_and_is_then_settled(desk):
    desk.imports(row())
    desk.imports(row(deadline="2021年7月31日前"), as_of=JUNE)
    desk.does("extend", on=JUNE, to=date(2021, 7, 31))
    (one,) = desk.imports(row(deadline="2021年7月31日前"), as_of=JULY).rows
    assert (one.action, codes(one), desk.measure().deadline.on) == ("unchanged", [], date(2021, 7, 31))
    assert "deadline" not in desk.rows()[0].edited
    (extended,) = [entry for entry in desk.history() if entry.act == "extend"]
    told = {"from": "2021-06-30", "from_text": "2021年6月30日前", "to": "2021-07-31", "allowed_by": "督办科"}
    assert extended.facts == told


def test_unchanged_relative_wording_keeps_its_date_for_ever(sqlite_desk):
    undated = {"dated": None}
    sqlite_desk.imports(row(deadline="一个月内"), settings=undated)
    kept = sqlite_desk.measure().deadline.on
    assert kept == date(2021, 6, 6)
    (one,) = sqlite_desk.imports(row(deadline="一个月内"), as_of=JULY, settings=undated).rows
    assert (one.action, codes(one), sqlite_desk.measure().deadline.on) == ("unchanged", [], kept)
    with reading(sqlite_desk.engine) as session:
        assert register_module.known_wordings(session, "") == {("1", "一个月内"): MAY}
        assert register_module.known_wordings(session, "", renumbered=True) == {}


def test_changed_on_both_sides_is_a_conflict_told_once_and_kept_as_the_service_has_it(desk):
    desk.imports(row(percent="10%"))
    desk.does("progress", percent=40, text="已进场", on=MAY)
    told = desk.imports(row(percent="60%"), as_of=JUNE)
    assert actions(told) == ["conflict"]
    (problem,) = told.rows[0].problems
    assert (problem.code, problem.column, problem.text) == ("conflict", "完成比例", "60%")
    assert "40" in problem.message
    assert desk.measure().percent == 40
    assert actions(desk.imports(row(percent="60%"), as_of=JUNE)) == ["unchanged"]
    assert desk.measure().percent == 40


def test_edited_on_both_sides_to_the_same_is_no_conflict(desk):
    desk.imports(row())
    desk.does("write_off", on=JUNE)
    told = desk.imports(row(status="已完成", on="2021-06-01"), as_of=JULY)
    assert (actions(told), told.rows[0].problems) == (["updated"], ())  # the progress date is new
    assert (desk.measure().status, desk.measure().closed_on) == (Status.WRITTEN_OFF, JUNE)
    assert desk.rows()[0].edited == []


def test_what_the_service_changed_stays_while_the_workbook_is_silent(desk):
    desk.imports(row())
    desk.does("claim")
    assert actions(desk.imports(row(), as_of=JUNE)) == ["unchanged"]
    assert desk.measure().status is Status.CLAIMED


# the status cell and its progress date at an import of 7 June → closed on
CLOSINGS = [
    ("已完成", "2021-05-20", date(2021, 5, 20)),
    ("已完成", None, JUNE),
    ("暂缓", "2021-05-20", date(2021, 5, 20)),
    ("不予采纳", "2021-05-20", date(2021, 5, 20)),
    ("已完成", "2021-07-15", date(2021, 7, 15)),
]


@pytest.mark.parametrize(("status", "progress_on", "closed_on"), CLOSINGS)
def test_a_closed_row_was_closed_on_its_progress_date(desk, status, progress_on, closed_on):
    desk.imports(row(status=status, on=progress_on), as_of=JUNE)
    measure = desk.measure()
    assert measure.closed_on == closed_on
    assert measure.open_on(date.fromordinal(closed_on.toordinal() - 1))
    assert not measure.open_on(closed_on)
    (entry,) = desk.history()
    assert (entry.act, entry.status, entry.on) == ("import", measure.status, closed_on)


def test_the_workbook_reopens_a_measure_on_the_day_of_the_import(desk):
    desk.imports(row(status="已完成", on="2021-05-01"))
    desk.imports(row(status="推进中", on="2021-05-01"), as_of=JUNE)
    measure = desk.measure()
    assert (measure.status, measure.closed_on) == (Status.IN_PROGRESS, None)
    assert [measure.open_on(day) for day in (date(2021, 4, 30), MAY, JUNE)] == [True, False, True]
    desk.imports(row(status="已完成", on="2021-05-01"), as_of=JULY)  # the progress date is from before it was reopened
    assert desk.measure().closed_on == JULY


def test_rows_without_a_code_and_codes_used_twice(desk):
    ledger = [row(None, "修订制度"), row("73", "安装路灯"), row("73", "修补路面"), row("/", "清理台账")]
    first = desk.imports(*ledger)
    assert [one.code for one in first.rows] == [None, "73", "73", None]
    assert [codes(one) for one in first.rows] == [
        ["code_missing"],
        ["code_duplicate"],
        ["code_duplicate"],
        ["code_missing"],
    ]
    stored = {measure.text: measure.code for measure in desk.measures()}
    assert (stored["安装路灯"], stored["修补路面"]) == ("73", "73#2")
    assert len(stored["修订制度"]) == 9
    assert stored["修订制度"].startswith("~")
    assert actions(desk.imports(*reversed(ledger))) == ["unchanged"] * 4
    assert {measure.text: measure.code for measure in desk.measures()} == stored


def test_a_row_that_gets_its_code_is_still_the_same_measure(desk):
    desk.imports(row(None, "修订制度"))
    before = desk.measures()[0].id
    told = desk.imports(row("9", "修订制度"))
    assert actions(told) == ["updated"]
    assert [(measure.id, measure.code) for measure in desk.measures()] == [(before, "9")]


def test_a_vanished_row_is_reported_and_never_deleted(desk):
    desk.imports(row("1", "安装路灯"), row("2", "修补路面"))
    told = desk.imports(row("1", "安装路灯"), as_of=JUNE)
    assert told.as_json()["vanished"] == [{"code": "2", "measure": "修补路面"}]
    assert told.needs_person
    assert [one.vanished_on for one in desk.rows()] == [None, JUNE]
    assert actions(desk.imports(row("1", "安装路灯"), row("2", "修补路面"), as_of=JULY)) == ["unchanged", "updated"]
    assert [one.vanished_on for one in desk.rows()] == [None, None]


TEXTS = [f"第{n}项：{text}" for n, text in enumerate(["修订制度", "安装路灯", "清理库房", "培训干部", "公开账目"] * 4)]


def test_a_renumbered_ledger_stops_until_somebody_says_so(desk):
    desk.imports(*(row(str(n), text) for n, text in enumerate(TEXTS, 1)))
    desk.does("claim", key="5")
    ids = {measure.text: measure.id for measure in desk.measures()}
    shifted = [row("1", "新增的头一项"), *(row(str(n), text) for n, text in enumerate(TEXTS, 2))]
    with pytest.raises(UsageError, match="--renumbered"):
        desk.imports(*shifted)
    assert desk.count_imports() == 1
    told = desk.imports(*shifted, renumbered=True)
    assert (told.summary["added"], told.vanished) == (1, ())
    after = {measure.text: (measure.id, measure.code) for measure in desk.measures()}
    assert {text: after[text][0] for text in ids} == ids
    assert [after[text][1] for text in TEXTS] == [str(n) for n in range(2, 22)]
    assert desk.measure("6").status is Status.CLAIMED


def test_a_row_inserted_and_another_deleted_keep_their_own_histories(desk):
    desk.imports(*(row(str(n), text) for n, text in enumerate(TEXTS, 1)))
    ledger = [*TEXTS[:4], "另起炉灶的一件事", *TEXTS[5:]]
    told = desk.imports(*(row(str(n), text) for n, text in enumerate(ledger, 1)), renumbered=True)
    assert told.as_json()["vanished"] == [{"code": "5", "measure": TEXTS[4]}]
    assert desk.measure("5").text == "另起炉灶的一件事"


def test_one_text_replaced_under_its_code_is_applied_and_pointed_out(desk):
    desk.imports(*(row(str(n), text) for n, text in enumerate(TEXTS, 1)))
    ledger = [*TEXTS[:4], "另起炉灶的一件事", *TEXTS[5:]]
    told = desk.imports(*(row(str(n), text) for n, text in enumerate(ledger, 1)))
    assert [codes(one) for one in told.rows if one.problems] == [["text_replaced"]]


def test_a_trial_import_says_the_same_and_stores_nothing(desk):
    desk.imports(row("1", "安装路灯"))
    changed = (row("1", "安装路灯", percent="50%"), row("2", "修补路面"))
    trial = desk.imports(*changed, dry_run=True)
    assert (len(desk.measures()), desk.measure().percent, desk.count_imports()) == (1, None, 1)
    real = desk.imports(*changed)
    assert trial.as_json()["rows"] == real.as_json()["rows"]
    assert (len(desk.measures()), desk.measure().percent, desk.count_imports()) == (2, 50, 2)


def test_an_import_that_fails_halfway_leaves_nothing_behind(sqlite_desk, monkeypatch):
    def fail(*_args):
        raise IntegrityError("the last statement", None, Exception("full"))

    monkeypatch.setattr(register_module, "_record", fail)
    with pytest.raises(IntegrityError):
        sqlite_desk.imports(row())
    assert sqlite_desk.measures() == []


def test_a_row_of_which_nothing_can_be_made_is_rejected_and_its_measure_stays(desk):
    desk.imports(row("1", "安装路灯"), row("2", "修补路面"))
    told = desk.imports(row("1", "安装路灯"), row("2", ""))
    assert (actions(told), told.vanished) == (["unchanged", "rejected"], ())
    assert desk.measure("2").text == "修补路面"


def test_a_column_left_out_of_the_workbook_empties_nothing(desk):
    desk.imports(row(percent="40%"))
    sheet = desk.read([row()])
    without = tuple(name for name in sheet.fields if name != "percent")
    one = sheet.rows[0]
    slim = replace(one, cells={name: text for name, text in one.cells.items() if name != "percent"})
    told = desk.registers(replace(sheet, fields=without, rows=(slim,)), as_of=JUNE)
    assert (actions(told), desk.measure().percent) == (["unchanged"], 40)


def test_a_new_alias_renames_a_unit_without_any_change_in_the_workbook(desk):
    desk.imports(row(units="区建设局"))
    told = desk.imports(row(units="区建设局"), settings={"unit_names": {"建设局": "建设局", "区建设局": "建设局"}})
    assert (actions(told), desk.measure().units) == (["updated"], ("建设局",))


def test_two_ledgers_do_not_touch_each_other(desk):
    desk.imports(row("1", "安装路灯"), ledger="2021")
    told = desk.imports(row("1", "审计整改"), ledger="2022审计")
    assert (actions(told), told.vanished) == (["added"], ())
    assert {measure.key for measure in desk.measures()} == {"2021/1", "2022审计/1"}


def test_a_new_measure_is_known_from_the_day_of_its_import_and_unseen(desk):
    desk.imports(row(), as_of=JUNE)
    measure = desk.measure()
    assert (measure.known_on, measure.seen) == (JUNE, False)


def test_the_json_of_an_import(desk):
    desk.imports(row("7", deadline="每月25日前", percent="0.4", on="2021-05-01"))
    (line,) = desk.imports(row("7", deadline="每月25日前", percent="0.4", on="2021-05-01")).as_json()["rows"]
    assert line == {
        "row": 2,
        "code": "7",
        "action": "unchanged",
        "measure": "补齐交通标识牌",
        "deadline": {
            "kind": DeadlineKind.RECURRING.value,
            "date": None,
            "rule": line["deadline"]["rule"],
            "text": "每月25日前",
        },
        "units": ["建设局"],
        "supporting_units": [],
        "status": "in_progress",
        "percent": 40,
        "progress_on": "2021-05-01",
        "problems": [],
    }
