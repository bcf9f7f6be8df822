"""The office's own message: each working morning if something needs it, each Monday in any case; and notices, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import partial

import pytest
from sqlmodel import select

from reminder.channels import CHANNELS, open_channel
from reminder.cycle import run
from reminder.domain.message import Receipt
from reminder.domain.people import OFFICE, Party, Unit
from reminder.errors import ChannelBroken, Permanent
from reminder.store import delivery_log
from reminder.store.engine import reading, writing
from reminder.store.holding import release
from reminder.store.marker import marker_of
from reminder.store.messages import retry
from reminder.store.notices import Notice, lasting, note, over
from reminder.store.tables import EventRow, MeasureRow, ReportRow, SilenceRow
from tests.integration.stage import Stage, emptied
from tests.integration.test_cycle import Faulty
from tests.makers import a_directory, a_rule, at


@pytest.fixture
def stage(tmp_path):
    """An office without rules, so that its own messages are all that goes; its first cycle was on a Friday."""
    made = Stage(tmp_path, rules=(), message_at=time(8, 40))
    made.cycle("2021-06-04 08:00")
    return made


def told(stage):
    """The office's own messages: their day and what they are."""
    return [(row.own.partition(":")[0], str(row.created_at.date())) for row in stage.messages() if row.own]


def text_of(letter):
    """Its text as if lines were never folded."""
    return "".join(line.strip() for line in letter.get_body(("plain",)).get_content().splitlines())


def morning(stage, day):
    """The text of the message that goes on the morning of `day`; "" where none does."""
    before = len(stage.letters())
    stage.cycle(f"{day} 08:40")
    letters = stage.letters()[before:]
    assert len(letters) <= 1
    return text_of(letters[0]) if letters else ""


def quiet_monday(stage, day="2021-06-07"):
    """The Monday's message is out of the way."""
    assert "一周概况" in morning(stage, day)


def event(stage, code, act, on, status=None, **facts):
    with writing(stage.engine) as session:
        row = session.exec(select(MeasureRow).where(MeasureRow.code == code)).one()
        row.status = status or row.status
        session.add(
            EventRow(
                measure_id=row.id,
                act=act,
                on=date.fromisoformat(on),
                status=status,
                by="张三",
                because="已经整改到位",
                facts=facts,
                recorded_at=at(on),
            )
        )


def test_a_morning_with_nothing_to_say_says_nothing_and_monday_is_written_in_any_case(stage):
    quiet_monday(stage)
    for day in ("08", "09", "10", "11", "12", "13"):
        assert morning(stage, f"2021-06-{day}") == ""
    quiet_monday(stage, "2021-06-15")  # the fourteenth is the Dragon Boat Festival
    assert told(stage) == [("week", "2021-06-07"), ("week", "2021-06-15")]


def test_what_falls_due_is_told_on_its_day_once_and_what_became_overdue_on_the_next(stage):
    stage.measure("73", "2021-06-08")
    quiet_monday(stage)
    assert "73 建设局：措施73（2021年6月8日（星期二）到期）" in morning(stage, "2021-06-08")
    assert stage.cycle("2021-06-08 10:00").messages == {}
    assert "逾期 1 天" in morning(stage, "2021-06-09")
    assert morning(stage, "2021-06-10") == ""  # known by now; Monday lists it again
    assert "逾期 7 天" in morning(stage, "2021-06-15")


def test_a_daily_message_only_counts_what_was_told_before(stage):
    stage.measure("1", "2021-06-01")
    stage.measure("2", "2021-06-08")
    quiet_monday(stage)
    morning(stage, "2021-06-08")
    text = morning(stage, "2021-06-09")
    assert "2 建设局" in text
    assert "1 建设局" not in text
    assert "仍未了结的还有 1 项" in text


def test_what_falls_due_on_a_rest_day_is_told_on_the_working_day_before(stage):
    quiet_monday(stage)
    stage.measure("1", "2021-06-13")  # the Sunday before the Dragon Boat Festival
    assert "2021年6月13日" in morning(stage, "2021-06-11")


def test_after_downtime_there_is_one_message_and_it_is_mondays(stage):
    quiet_monday(stage)
    stage.measure("1", "2021-06-15")
    stage.measure("2", "2021-06-17")
    stage.cycle("2021-06-18 14:00")
    stage.cycle("2021-06-18 14:01")
    assert told(stage) == [("week", "2021-06-07"), ("week", "2021-06-18")]
    text = text_of(stage.letters()[-1])
    assert "逾期（2 项）" in text


@pytest.mark.parametrize("hour", ["08:39", "18:01", "23:00"])
def test_not_before_its_hour_and_not_after_the_office_has_closed(stage, hour):
    assert stage.cycle(f"2021-06-07 {hour}").messages == {}
    assert told(stage) == []


@pytest.mark.parametrize(("hour", "goes"), [("07:00", "08:30"), ("20:00", "18:00")])
def test_an_hour_at_which_nothing_may_leave_is_moved_to_one_at_which_it_may(stage, hour, goes):
    stage.service = replace(stage.service, message_at=time.fromisoformat(hour))
    assert stage.cycle(f"2021-06-07 {hour}").messages == {}
    assert stage.cycle(f"2021-06-07 {goes}" if hour < goes else f"2021-06-08 {goes}").messages == {"sent": 1}


def test_the_office_chooses_its_hour(stage):
    stage.service = replace(stage.service, message_at=time(10, 15))
    assert stage.cycle("2021-06-07 10:14").messages == {}
    assert stage.cycle("2021-06-07 10:15").messages == {"sent": 1}


def test_nothing_on_the_day_of_the_first_cycle(tmp_path):
    first = Stage(tmp_path, rules=(), message_at=time(8, 40))
    for hour in ("08:00", "08:40", "12:00"):
        first.cycle(f"2021-06-07 {hour}")
    assert told(first) == []
    first.measure("1", "2021-06-08")
    first.cycle("2021-06-08 08:40")
    assert told(first) == [("morning", "2021-06-08")]


def test_nothing_before_the_office_started(stage):
    stage.service = replace(stage.service, practice=replace(stage.service.practice, started_on=date(2021, 6, 8)))
    assert morning(stage, "2021-06-07") == ""


def test_a_claim_is_asked_about_every_two_working_days_until_it_is_answered(stage):
    stage.measure("5", "2021-08-31")
    quiet_monday(stage)
    event(stage, "5", "claim", "2021-06-07", "claimed")
    asked = [day for day in (8, 9, 10, 11, 15, 16) if "5 建设局申请销号" in morning(stage, f"2021-06-{day:02d}")]
    assert asked == [9, 11, 15, 16]  # the fifteenth stands for Monday, which lists all
    event(stage, "5", "write_off", "2021-06-16", "written_off")
    assert morning(stage, "2021-06-17") == ""


def test_an_extension_asked_for_and_a_suspension_to_review(stage):
    stage.measure("5", "2021-08-31")
    stage.measure("6", "2021-08-31")
    quiet_monday(stage)
    event(stage, "5", "ask_extension", "2021-06-07", to="2021-09-30")
    event(stage, "6", "suspend", "2021-06-07", "suspended", review="2021-06-10")
    assert "申请延期到2021年9月30日" in morning(stage, "2021-06-09")
    assert "应于2021年6月10日（星期四）复核" in morning(stage, "2021-06-10")


def test_a_missing_weekly_report_is_told_on_monday_and_a_received_one_is_not(stage):
    quiet_monday(stage)
    stage.service = replace(stage.service, rules=(a_rule("report", remind=[], chase=None),))
    stage.measure("1", "2021-12-31", known_on=date(2021, 6, 8))
    stage.measure("2", "2021-12-31", ("财政局",), known_on=date(2021, 6, 8))
    stage.cycle("2021-06-11 17:00")  # reminds at the due hour
    with writing(stage.engine) as session:
        session.add(ReportRow(unit="财政局", week="2021-W23", submitted_at=at("2021-06-11 16:00")))
    text = morning(stage, "2021-06-15")
    assert "2021年第23周" in text
    assert "周报告未交（1 项）" in text
    assert "财政局" not in text


def test_deadlines_that_somebody_has_to_decide_on(stage):
    stage.measure("1", "2021-06-30", imported={"deadline": "2021年9月30日"}, deadline_text="2021年6月30日")
    stage.measure("2", "2021-06-30", imported={"deadline": "2021.6.30"}, deadline_text="2021年6月30日")
    stage.measure("3", "2022-01-31", deadline_text="1月底", deadline_confirmed=False)
    text = morning(stage, "2021-06-07")
    assert "时限待确认（2 项）" in text
    assert "1 建设局：台账里写的是“2021年9月30日”，系统仍按2021年6月30日（星期三）计算" in text
    assert "3 建设局：“1月底”读作2022年1月31日（星期一），待确认" in text


def test_silences_whom_nobody_can_reach_and_the_calendar(stage):
    stage.service = replace(stage.service, directory=a_directory(names=("财政局",)))
    stage.measure("1", "2027-06-30")
    quiet = {
        "since": date(2026, 10, 1),
        "until": date(2026, 12, 1),
        "because": "机构改革",
        "recorded_at": at("2026-10-01"),
    }
    with writing(stage.engine) as session:
        session.add(SilenceRow(unit="财政局", **quiet))
        session.add(SilenceRow(unit="建设局", **quiet | {"ended_on": date(2026, 10, 8)}))
    assert "放假安排" not in morning(stage, "2026-10-26")
    text = morning(stage, "2026-11-02")
    assert "还没有 2027 年的放假安排" in text
    assert "单位：建设局" in text
    assert "#1 财政局，至2026年12月1日（星期二）：机构改革" in text
    assert "正在静默（1 项）" in text


def test_it_has_a_page_and_an_english_version(stage):
    stage.service = replace(stage.service, locale="en", office_name="The office")
    stage.measure("73", "2021-06-07")
    stage.cycle("2021-06-07 08:40")
    (letter,) = stage.letters()
    assert letter["Subject"] == "Reminder: The office – 1 falling due; the week"
    assert "73 建设局: 措施73 (due Monday 7 June 2021)" in letter.get_body(("plain",)).get_content()
    assert "措施73" in letter.get_body(("html",)).get_content()


def test_what_was_settled_before_it_could_go_is_not_told(stage):
    quiet_monday(stage)
    stage.measure("1", "2021-06-08")
    channels, stage.service = stage.service.channels, replace(stage.service, channels={})
    stage.cycle("2021-06-08 08:40")
    assert [row.state for row in stage.messages()] == ["sent", "failed"]
    stage.move("1", "written_off", "2021-06-08")
    stage.service = replace(stage.service, channels=channels)
    with writing(stage.engine) as session:
        retry(session, [2], at("2021-06-08 09:00"))
    assert stage.cycle("2021-06-08 09:00").messages == {"cancelled": 1}


def test_the_caps_neither_count_nor_hold_it(stage):
    stage.service = replace(stage.service, most_per_day=1, rules=(a_rule("nudge", at="08:30", to=["office"]),))
    stage.measure("1", "2021-12-31")
    assert stage.cycle("2021-06-07 08:30").messages == {"sent": 1}
    assert stage.cycle("2021-06-07 08:40").messages == {"sent": 1}


class Refusing(Faulty):
    """Refuses for good whatever goes to 建设局."""

    def send(self, payload, envelope, now):
        if envelope.recipient != OFFICE:
            raise Permanent("550 no such mailbox", code="550")
        return Receipt("250", "ok")


class Answering(Refusing):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def send(self, payload, envelope, now):
        if self.answer:
            raise self.answer
        return Receipt("250", "ok")


@pytest.fixture(params=["sqlite", "postgresql"])
def troubled(request, tmp_path):
    """An office that is reached by mail and by files; mail refuses its units."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        emptied(url)
    keys = CHANNELS["maildir"].Keys.model_validate(
        {"kind": "maildir", "path": "mailbox", "sender": "整改办 <office@example.org>"}
    )
    made = Stage(tmp_path, url, rules=(a_rule("deadline"),), message_at=time(8, 40))
    both = {"mail": ("office@example.org",), "files": ()}
    units = {
        f"{n}局": Unit(name=f"{n}局", channels=("mail",), addresses={"mail": (f"{n}@example.org",)}) for n in range(30)
    }
    office = Party(name=OFFICE, channels=("mail",), addresses=both)
    channels = {"mail": Refusing, "files": partial(open_channel, "files", keys, tmp_path)}
    made.service = replace(made.service, directory=a_directory(units=units, office=office), channels=channels)
    made.cycle("2021-06-04 08:00")
    for n in range(30):
        made.measure(str(n), "2021-06-11", (f"{n}局",), known_on=date(2021, 6, 7))
    made.cycle("2021-06-07 08:40")
    yield made
    made.engine.dispose()


def test_many_dead_letters_are_one_notice_by_another_channel_and_not_one_a_tick(troubled):
    assert troubled.cycle("2021-06-08 09:00").messages == {"failed": 30}
    for minute in range(1, 20):
        troubled.cycle(f"2021-06-08 09:{minute:02d}")
    notices = [row for row in troubled.messages() if row.own.startswith("notice:")]
    assert [(row.channel, row.state) for row in notices] == [("files", "sent"), ("mail", "sent")]
    text = text_of(troubled.letters()[-1])
    assert "未能送出的信（30 项）" in text
    assert "550 no such mailbox" in text
    assert "另有 15 项" in text


def test_a_broken_channel_is_told_once_by_another_one_while_its_letters_wait(troubled):
    wrong = ChannelBroken("535 wrong password", code="535")
    by_files = troubled.service.channels["files"]
    troubled.service = replace(troubled.service, channels={"mail": lambda: Answering(wrong), "files": by_files})
    for minute in range(20):
        troubled.cycle(f"2021-06-08 09:{minute:02d}")
    notices = [row for row in troubled.messages() if row.own.startswith("notice:")]
    assert [(row.channel, row.state) for row in notices] == [("files", "sent"), ("mail", "retrying")]
    assert "535 wrong password" in text_of(troubled.letters()[-1])
    troubled.service = replace(troubled.service, channels={"mail": lambda: Answering(None), "files": by_files})
    for minute in range(30, 60):
        troubled.cycle(f"2021-06-08 09:{minute:02d}")
    assert {row.state for row in troubled.messages()} == {"sent"}
    with reading(troubled.engine) as session:
        assert not lasting(session), "it is over, and would be told anew"


def test_a_letter_that_fails_again_is_told_again_but_within_the_hour_only_once(troubled):
    troubled.cycle("2021-06-08 09:00")
    troubled.cycle("2021-06-08 09:01")
    dead = [row.id for row in troubled.messages() if row.state == "failed"]
    with writing(troubled.engine) as session:
        retry(session, dead[:1], at("2021-06-08 09:10"))
    troubled.cycle("2021-06-08 09:10")
    troubled.cycle("2021-06-08 09:11")
    assert len([row for row in troubled.messages() if row.own.startswith("notice:")]) == 2
    troubled.cycle("2021-06-08 10:02")
    assert len([row for row in troubled.messages() if row.own.startswith("notice:")]) == 4


def test_a_notice_that_dies_on_the_only_channel_there_is_causes_no_further_ones(stage):
    stage.service = replace(stage.service, rules=(a_rule("deadline"),))
    stage.measure("1", "2021-06-11", known_on=date(2021, 6, 7))
    quiet_monday(stage)
    stage.service = replace(stage.service, channels={"mail": lambda: Faulty(*[Permanent("550 no")] * 99)})
    for day in ("08", "09", "10", "11"):
        for hour in range(9, 18):
            stage.cycle(f"2021-06-{day} {hour:02d}:00")
    assert len([row for row in stage.messages() if row.own.startswith("notice:")]) <= 4  # one for each letter that died


def test_what_a_guard_holds_is_told_at_once_while_all_else_waits(stage):
    stage.service = replace(stage.service, marker=marker_of(stage.engine, stage.folder), rules=(a_rule("nudge"),))
    quiet_monday(stage)
    stage.measure("1", "2021-12-31")
    stage.service.marker.write(at("2021-06-10"))
    as_the_daemon_reads_it = datetime(2021, 6, 8, 1, 0, 20, 959519, tzinfo=UTC)
    run(stage.service, lambda: as_the_daemon_reads_it)
    stage.cycle("2021-06-08 09:01")
    assert told(stage) == [("week", "2021-06-07"), ("notice", "2021-06-08")]
    text = text_of(stage.letters()[-1]).replace("\n", "").replace(" ", "")
    assert "2021年6月8日（星期二）09:00发现数据库像是从备份恢复的，所有发送已停住，1封在等" in text
    with writing(stage.engine) as session:
        release(session, at("2021-06-08 10:00"))
    assert stage.cycle("2021-06-08 10:00").messages == {"sent": 1}


def test_a_faulty_template_is_told_once_and_the_letters_go(stage, tmp_path):
    (tmp_path / "templates" / "zh_CN").mkdir(parents=True)
    (tmp_path / "templates" / "zh_CN" / "nudge.text.txt").write_text("{{ nothing }}", encoding="utf-8")
    stage.service = replace(stage.service, rules=(a_rule("nudge"),), templates=tmp_path / "templates")
    quiet_monday(stage)
    stage.measure("1", "2021-12-31", known_on=date(2021, 6, 7))
    stage.measure("2", "2021-12-31", ("财政局",), known_on=date(2021, 6, 7))
    assert stage.cycle("2021-06-07 09:00").messages == {"sent": 2}
    assert stage.cycle("2021-06-07 09:01").messages == {"sent": 1}
    assert "'nothing' is undefined" in text_of(stage.letters()[-1])
    assert stage.cycle("2021-06-07 09:02").messages == {}


def test_mondays_message_tells_the_head_of_the_delivery_log(stage):
    stage.measure("1", "2021-06-30")
    with reading(stage.engine) as session:
        before = str(delivery_log.head(session))
    assert f"链头：{before}" in morning(stage, "2021-06-07")


def test_a_refused_configuration_is_told_with_its_faults(stage):
    quiet_monday(stage)
    with writing(stage.engine) as session:
        fault = Notice(
            key="configuration_refused:1", code="configuration_refused", facts={"faults": "rules.toml:3:1: x"}
        )
        assert note(session, fault, at("2021-06-08 10:00"))
        assert not note(session, fault, at("2021-06-08 10:01"))
    assert stage.cycle("2021-06-08 10:00").messages == {"sent": 1}
    assert "改动后的设置有错，没有采用" in text_of(stage.letters()[-1])
    assert "rules.toml:3:1: x" in text_of(stage.letters()[-1])


def test_what_was_mended_before_anybody_was_told_is_not_told(stage):
    quiet_monday(stage)
    with writing(stage.engine) as session:
        note(session, Notice(key="x:1", code="configuration_refused", facts={"faults": "x"}), at("2021-06-08 20:00"))
    assert stage.cycle("2021-06-08 20:00").messages == {"held": 1}  # the office is closed
    with writing(stage.engine) as session:
        over(session, at("2021-06-08 20:10"), code="configuration_refused")
    assert stage.cycle("2021-06-09 08:30").messages == {"cancelled": 1}
