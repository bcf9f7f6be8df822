"""Acts on measures: where each is possible, where it leads, and what the history says."""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Status
from reminder.errors import UsageError
from reminder.rules.rule import Span
from reminder.scan import scan
from reminder.store.engine import reading
from tests.integration.office.desk import DAY, row
from tests.makers import a_directory, a_practice, a_rule

JUNE, JULY, AUGUST = date(2021, 6, 7), date(2021, 7, 1), date(2021, 8, 2)
WORDS = {
    "未启动": Status.NOT_STARTED,
    "推进中": Status.IN_PROGRESS,
    "阶段性完成": Status.PHASE_COMPLETE,
    "待销号": Status.CLAIMED,
    "已完成": Status.WRITTEN_OFF,
    "暂缓": Status.SUSPENDED,
    "不予采纳": Status.DECLINED,
}
MORE = {"extend": {"to": date(2021, 12, 31)}, "suspend": {"review": AUGUST}, "look_back": {"result": "held"}}

#               未启动 推进中 阶段性完成 待销号 已完成 暂缓 不予采纳
POSSIBLE = """
    progress      推进中 推进中 阶段性完成 待销号  ×     ×     ×
    claim         待销号 待销号 待销号     ×       ×     ×     ×
    return        ×      ×      ×          推进中  ×     ×     ×
    write_off     已完成 已完成 已完成     已完成  ×     已完成 ×
    suspend       暂缓   暂缓   暂缓       暂缓    ×     ×     ×
    resume        ×      ×      ×          ×       ×     推进中 ×
    decline       不予采纳 不予采纳 不予采纳 不予采纳 ×  不予采纳 ×
    extend        未启动 推进中 阶段性完成 待销号  ×     暂缓  ×
    reopen        ×      ×      ×          ×       推进中 ×    推进中
    block         未启动 推进中 阶段性完成 待销号  ×     暂缓  ×
    look_back     ×      ×      ×          ×       已完成 ×    ×
"""
TABLE = [
    (act, start, then)
    for act, *ends in map(str.split, POSSIBLE.strip().splitlines())
    for start, then in zip(WORDS, ends, strict=True)
]


@pytest.mark.parametrize(("act", "start", "then"), TABLE)
def test_what_is_possible_and_where_it_leads(sqlite_desk, act, start, then):
    sqlite_desk.imports(row(status=start))
    if then == "×":
        with pytest.raises(UsageError, match=start.replace("已完成", "已销号")):
            sqlite_desk.does(act, on=JUNE, **MORE.get(act, {}))
        then = start
    else:
        sqlite_desk.does(act, on=JUNE, **MORE.get(act, {}))
    assert sqlite_desk.measure().status_on(JUNE) is WORDS[then]


def test_a_returned_claim_is_as_if_never_made(desk):
    desk.imports(row(status="阶段性完成"))
    desk.does("claim", on=JUNE)
    assert desk.measure().closed_on == JUNE
    desk.does("return", on=JULY)
    measure = desk.measure()
    assert (measure.status, measure.closed_on) == (Status.PHASE_COMPLETE, None)
    assert [measure.chased_on(day) for day in (DAY, JUNE, JULY)] == [True, False, True]


def test_write_off_after_a_claim_is_closed_since_the_claim(desk):
    desk.imports(row())
    desk.does("claim", on=JUNE)
    desk.does("write_off", on=JULY)
    assert desk.measure().closed_on == JUNE
    assert [entry.act for entry in desk.history()] == ["claim", "write_off"]


def test_suspended_until_a_day_it_opens_again_by_itself(desk):
    desk.imports(row())
    desk.does("suspend", on=JUNE, until=JULY)
    measure = desk.measure()
    assert [measure.open_on(day) for day in (DAY, JUNE, date(2021, 6, 30), JULY)] == [True, False, False, True]
    assert measure.closed_on is None  # so that the index finds it on the day it opens
    assert [(entry.on, entry.status, entry.planned) for entry in desk.history()] == [
        (JUNE, Status.SUSPENDED, False),
        (JULY, Status.IN_PROGRESS, True),
    ]


def test_a_planned_end_does_not_reopen_what_was_written_off_before(desk):
    desk.imports(row())
    desk.does("suspend", on=JUNE, until=JULY)
    desk.does("resume", on=date(2021, 6, 10))
    desk.does("write_off", on=date(2021, 6, 20))
    measure = desk.measure()
    assert (measure.status, measure.closed_on) == (Status.WRITTEN_OFF, date(2021, 6, 20))
    assert not measure.open_on(AUGUST)
    assert [entry.act for entry in desk.history()] == ["suspend", "resume", "write_off", "suspend"]


def test_suspended_again_for_longer(desk):
    desk.imports(row())
    desk.does("suspend", on=JUNE, until=JULY)
    desk.does("resume", on=date(2021, 6, 10))
    desk.does("suspend", on=date(2021, 6, 20), until=AUGUST)
    assert [desk.measure().open_on(day) for day in (JULY, date(2021, 8, 1), AUGUST)] == [False, False, True]


def test_a_suspension_the_workbook_follows_still_ends(desk):
    desk.imports(row())
    desk.does("suspend", on=JUNE, until=AUGUST)
    told = desk.imports(row(status="暂缓"), as_of=JULY)
    assert told.rows[0].action == "unchanged"
    assert told.as_json()["rows"][0]["status"] == "suspended"
    desk.imports(row(status="暂缓"), as_of=JULY)
    assert desk.measure().open_on(AUGUST)


def test_a_write_off_may_be_recorded_belatedly(desk):
    desk.imports(row(status="已完成", on="2021-05-01"))
    desk.imports(row(status="推进中", on="2021-05-01"), as_of=JULY)
    desk.does("write_off", on=JUNE, today=AUGUST)
    measure = desk.measure()
    assert not measure.open_on(JUNE)
    assert not measure.open_on(AUGUST)


def test_progress_is_kept_and_starts_a_measure(desk):
    desk.imports(row(status="未启动"))
    desk.does("progress", on=JUNE, percent=30, text="已进场")
    desk.does("progress", on=DAY, today=JUNE, percent=10, text="已招标")  # told late: only the history wants it
    measure = desk.measure()
    assert (measure.status, measure.percent, measure.progress, measure.progress_on) == (
        Status.IN_PROGRESS,
        30,
        "已进场",
        JUNE,
    )
    assert [entry.facts["text"] for entry in desk.history()] == ["已招标", "已进场"]


def test_a_doubtful_deadline_is_confirmed(desk):
    desk.imports(row(deadline="3月底前"), settings={"dated": None})
    assert desk.measure().deadline.counted_down is None
    desk.does("confirm", on=JUNE)
    assert desk.measure().deadline.counted_down == date(2022, 3, 31)
    told = desk.imports(row(deadline="3月底前"), as_of=JULY, settings={"dated": None})
    assert (told.rows[0].action, told.rows[0].problems) == ("unchanged", ())
    with pytest.raises(UsageError, match="不用确认"):
        desk.does("confirm", on=JULY)


REFUSED = [
    ({"name": "suspend"}, "--until"),
    ({"name": "suspend", "until": DAY}, "应晚于暂缓之日"),
    ({"name": "extend"}, "--to"),
    ({"name": "extend", "to": date(2021, 6, 30)}, "应晚于现在的时限 2021-06-30"),
    ({"name": "progress", "percent": 120}, "0 到 100"),
    ({"name": "write_off", "on": JUNE, "today": DAY}, "还没有到"),
    ({"name": "claim", "key": "8"}, "是不是“7”"),
    ({"name": "claim", "key": "A-71"}, "没有编号为“A-71”"),
]


@pytest.mark.parametrize(("act", "sentence"), REFUSED)
def test_what_is_refused_says_why_and_does_nothing(sqlite_desk, act, sentence):
    sqlite_desk.imports(row("1"), row("7", "修补路面"))
    with pytest.raises(UsageError, match=sentence):
        sqlite_desk.does(**act)
    assert sqlite_desk.history() == []


def test_a_return_cannot_be_dated_before_the_claim(sqlite_desk):
    sqlite_desk.imports(row())
    sqlite_desk.does("claim", on=JUNE)
    with pytest.raises(UsageError, match="2021-06-07"):
        sqlite_desk.does("return", on=DAY, today=JULY)


def test_a_code_of_several_ledgers_must_be_told_apart(sqlite_desk):
    sqlite_desk.imports(row(), ledger="2021")
    sqlite_desk.imports(row(), ledger="2022审计")
    with pytest.raises(UsageError, match="2021/1、2022审计/1"):
        sqlite_desk.does("claim")
    sqlite_desk.does("claim", key="2022审计/1")
    assert [measure.status for measure in sqlite_desk.measures()] == [Status.IN_PROGRESS, Status.CLAIMED]


def test_without_any_ledger_the_office_is_told_to_import_one(sqlite_desk):
    with pytest.raises(UsageError, match="reminder import"):
        sqlite_desk.does("claim")


def test_an_imported_write_off_is_looked_back_at_from_its_own_day(sqlite_desk):
    sqlite_desk.imports(row(status="已完成", on="2021-05-03"), row(code="2", text="另一条"))
    rule, span = a_rule("look_back", after=[90]), Span(date(2021, 5, 6), date(2021, 12, 31))
    with reading(sqlite_desk.engine) as session:
        facts = scan(session, rule.asks(span, a_practice()), rule.sees, a_directory(), span.first)
    assert [measure.code for measure in facts.closed] == ["1"]
    assert [(str(one.occasion), one.lines[0].days) for one in rule.firings(facts, span, a_practice())] == [
        ("2021-08-01", (90,))
    ]
