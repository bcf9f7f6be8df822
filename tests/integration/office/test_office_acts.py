"""Acts on measures: where each is possible, where it leads, and what the history says."""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Status
from reminder.errors import UsageError
from reminder.office.act import Marks
from reminder.office.waiting import Waiting, waiting
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
MORE = {name: {"to": date(2021, 12, 31)} for name in ("extend", "ask_extension")}
MORE |= {"mark": {"marks": Marks(standing=True)}, "suspend": {"review": AUGUST}, "look_back": {"result": "held"}}

#               未启动 推进中 阶段性完成 待销号 已完成 暂缓 不予采纳
POSSIBLE = """
    progress      推进中 推进中 阶段性完成 待销号  ×     ×     ×
    claim         待销号 待销号 待销号     ×       ×     ×     ×
    return        ×      ×      ×          推进中  ×     ×     ×
    write_off     已完成 已完成 已完成     已完成  ×     已完成 ×
    suspend       暂缓   暂缓   暂缓       暂缓    ×     ×     ×
    resume        ×      ×      ×          ×       ×     推进中 ×
    decline       不予采纳 不予采纳 不予采纳 不予采纳 ×  不予采纳 ×
    ask_extension 未启动 推进中 阶段性完成 ×       ×     ×     ×
    mark          未启动 推进中 阶段性完成 待销号  已完成 暂缓 不予采纳
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


def test_a_parent_is_not_written_off_while_a_child_is_not_done(desk):
    desk.imports(row(code="1"), row(code="1.1", text="初稿"), row(code="1.2", text="终稿"))
    for code in ("1.1", "1.2"):
        desk.does("mark", code, marks=Marks(parent="1"))
    desk.does("write_off", "1.1", on=JUNE)
    with pytest.raises(UsageError, match=r"1\.2.*--despite-children"):
        desk.does("write_off", "1", on=JUNE)
    assert desk.measure("1").status is Status.IN_PROGRESS
    desk.does("write_off", "1", on=JUNE, despite_children=True)
    assert desk.measure("1").status is Status.WRITTEN_OFF


def test_a_parent_whose_children_are_done_or_declined_is_written_off(desk):
    desk.imports(row(code="1"), row(code="1.1", text="初稿"), row(code="1.2", text="终稿"))
    for code, act in (("1.1", "write_off"), ("1.2", "decline")):
        desk.does("mark", code, marks=Marks(parent="1"))
        desk.does(act, code, on=JUNE)
    desk.does("write_off", "1", on=JUNE)
    assert desk.measure("1").status is Status.WRITTEN_OFF


def test_nobody_becomes_its_own_parent_and_unknown_ones_are_refused(sqlite_desk):
    sqlite_desk.imports(row(code="1"), row(code="2", text="二"), row(code="3", text="三"))
    sqlite_desk.does("mark", "2", marks=Marks(parent="1"))
    sqlite_desk.does("mark", "3", marks=Marks(parent="2"))
    for parent in ("3", "1", "9"):
        with pytest.raises(UsageError, match=parent):
            sqlite_desk.does("mark", "1", marks=Marks(parent=parent))
    sqlite_desk.does("mark", "2", marks=Marks(parent=""))
    sqlite_desk.does("mark", "1", marks=Marks(parent="3"))


def test_tags_and_standing_are_set_and_a_reimport_keeps_them(desk):
    desk.imports(row())
    desk.does("mark", marks=Marks(tags=("专班甲", "重点"), standing=True))
    desk.does("mark", marks=Marks(untag=("重点",)))
    told = desk.imports(row())
    measure = desk.measure()
    assert (measure.tags, measure.standing, told.rows[0].action) == (("专班甲",), True, "unchanged")
    with pytest.raises(UsageError, match="--tag"):
        desk.does("mark", marks=Marks(tags=("专班甲",)))
    assert [entry.facts for entry in desk.history()] == [
        {"tags": ["专班甲", "重点"], "standing": True},
        {"tags": ["专班甲"]},
    ]


def test_an_extension_keeps_who_allowed_it_and_the_old_deadline(desk):
    desk.imports(row())
    desk.does("extend", to=date(2021, 12, 31), allowed_by="领导小组")
    (entry,) = desk.history()
    assert entry.facts["allowed_by"] == "领导小组"
    assert (entry.facts["from"], entry.facts["to"]) == ("2021-06-30", "2021-12-31")
    assert entry.by == "督办科"


def test_a_write_off_keeps_its_evidence(desk):
    desk.imports(row())
    desk.does("write_off", evidence="竣工验收单 2021-33 号")
    assert desk.history()[0].facts["evidence"] == "竣工验收单 2021-33 号"


def waits(desk, day):
    with reading(desk.engine) as session:
        return [(one.what, one.measure.code, str(one.since)) for one in waiting(session, day)]


def test_a_claim_waits_for_the_office_until_it_is_settled(desk):
    desk.imports(row(code="1"), row(code="2", text="二", status="待销号"))
    desk.does("claim", "1", on=JUNE)
    assert waits(desk, JUNE) == [("claim", "1", "2021-06-07"), ("claim", "2", str(DAY))]
    desk.does("return", "1", on=JUNE)
    desk.does("write_off", "2", on=JUNE)
    assert waits(desk, JUNE) == []


def test_an_extension_asked_for_counts_as_an_answer_and_waits_until_it_is_allowed_or_refused(desk):
    desk.imports(row(code="1"), row(code="2", text="二"))
    for code in "12":
        desk.does("ask_extension", code, on=JUNE, to=date(2021, 9, 30))
    assert desk.measure("1").answers == (JUNE,)
    assert desk.measure("1").deadline.on == date(2021, 6, 30)  # nothing is moved by asking
    assert waits(desk, JULY) == [("extension", "1", "2021-06-07"), ("extension", "2", "2021-06-07")]
    desk.does("refuse_extension", "1", on=JUNE)
    desk.does("extend", "2", on=JUNE, to=date(2021, 9, 30))
    assert waits(desk, JULY) == []
    with pytest.raises(UsageError, match="没有等待答复的延期申请"):
        desk.does("refuse_extension", "1", on=JUNE)
    with pytest.raises(UsageError, match="2021-06-30"):
        desk.does("ask_extension", "1", on=JUNE, to=date(2021, 6, 1))


def test_a_suspension_under_review_waits_from_the_day_of_its_review(desk):
    desk.imports(row(code="1"), row(code="2", text="二"))
    desk.does("suspend", "1", on=JUNE, review=JULY)
    desk.does("suspend", "2", on=JUNE, review=JULY, until=AUGUST)
    assert waits(desk, date(2021, 6, 30)) == []
    assert waits(desk, JULY) == [("review", "1", str(JULY)), ("review", "2", str(JULY))]
    assert waits(desk, AUGUST) == [("review", "1", str(JULY))]
    desk.does("resume", "1", on=JULY)
    assert waits(desk, JULY) == [("review", "2", str(JULY))]


ASKED = [
    # 06-07 is a Monday; 06-12 to 06-14 is the Dragon Boat festival
    ("申请当天不问，两个工作日一问", "claim", "2021-06-07", ["06-09", "06-11", "06-16", "06-18"]),
    ("周五申请", "claim", "2021-06-11", ["06-16", "06-18"]),
    ("休息日申请", "claim", "2021-06-12", ["06-16", "06-18"]),
    ("复核日当天就问", "review", "2021-06-07", ["06-07", "06-09", "06-11", "06-16", "06-18"]),
    ("复核日是休息日，节后问", "review", "2021-06-12", ["06-15", "06-17"]),
]


@pytest.mark.parametrize(("what", "since", "days"), [c[1:] for c in ASKED], ids=[c[0] for c in ASKED])
def test_the_office_is_asked_every_second_working_day(what, since, days):
    one = Waiting(what=what, measure=None, since=date.fromisoformat(since), by="", because="")
    june = (date(2021, 6, day) for day in range(1, 20))
    assert [f"{day:%m-%d}" for day in june if one.asked_on(day, a_practice())] == days


def test_what_was_handed_over_stays_so_until_the_workbook_says_the_same(desk):
    desk.imports(row(units="建设局、城管局"))
    desk.does("pass_on", text="财政局", instead_of="城管局")
    desk.does("hand_over", text="财政局")
    assert desk.measure().units == ("建设局", "财政局")
    desk.imports(row(units="建设局、城管局"))
    assert desk.measure().units == ("建设局", "财政局")
    told = desk.imports(row(units="建设局、教育局")).rows[0]
    assert (told.action, desk.measure().units) == ("conflict", ("建设局", "财政局"))
    assert desk.imports(row(units="建设局、财政局")).rows[0].action != "conflict"
    assert desk.imports(row(units="教育局")).rows[0].action == "updated"


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ("建设局、城管局", {"text": "财政局"}),  # instead of which?
        ("建设局", {"text": "建设局"}),
        ("建设局", {"text": "财政局", "instead_of": "教育局"}),
        ("建设局", {"text": ""}),
    ],
)
def test_a_handing_over_that_is_not_clear_is_refused(sqlite_desk, units, said):
    sqlite_desk.imports(row(units=units))
    with pytest.raises(UsageError):
        sqlite_desk.does("hand_over", **said)
    assert "、".join(sqlite_desk.measure().units) == units


def test_handed_over_to_a_unit_that_has_it_already_leaves_the_measure_with_that_one(sqlite_desk):
    sqlite_desk.imports(row(units="建设局、城管局"))
    sqlite_desk.does("hand_over", text="城管局", instead_of="建设局")
    assert sqlite_desk.measure().units == ("城管局",)
