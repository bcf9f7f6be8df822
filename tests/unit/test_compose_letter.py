"""What a letter tells, to whom, in which order, and how much of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from compose_cast import MONDAY, circumstances, dated, reminder, tags_of

from reminder.compose import compose
from reminder.domain.measure import Deadline, DeadlineKind
from reminder.domain.people import OFFICE
from reminder.domain.reminder import Reminder, ReminderKind

PAST, SOON = MONDAY - timedelta(days=3), MONDAY + timedelta(days=7)
A, B, C = dated("71", PAST), dated("72", MONDAY), dated("73", SOON)


def text_of(*reminders: Reminder, **others: object) -> str:
    return compose(reminders, circumstances(**others)).text


def test_sections_stand_in_the_order_of_urgency() -> None:
    text = text_of(
        reminder(ReminderKind.NUDGE, [A, B, C]),
        reminder(ReminderKind.REPORT_DUE),
        reminder(ReminderKind.REPORT_CHASE),
        reminder(ReminderKind.BEFORE, [C]),
        reminder(ReminderKind.DUE, [B]),
        reminder(ReminderKind.OVERDUE, [A]),
    )
    headings = [line for line in text.splitlines() if line.startswith("━━")]
    assert headings == [
        "━━ 已逾期（1 项）",
        "━━ 今天到期（1 项）",
        "━━ 即将到期（1 项）",
        "━━ 周报告未收到",
        "━━ 周报告待报送",
        "━━ 在办措施（3 项）",
        "━━ 联系与回复",
    ]


def test_a_measure_is_told_once_and_then_named() -> None:
    text = text_of(reminder(ReminderKind.NUDGE, [A, C]), reminder(ReminderKind.OVERDUE, [A]))
    assert text.count(A.text) == 1
    assert "其中 1 项见上文，不再重复：71。" in text


def test_two_rules_about_one_measure_are_one_line() -> None:
    text = text_of(reminder(ReminderKind.BEFORE, [C]), reminder(ReminderKind.BEFORE, [C]))
    assert text.count(C.text) == 1
    assert "即将到期（1 项）" in text


def test_days_are_counted_from_the_day_of_the_letter_not_of_the_reminder() -> None:
    late = reminder(ReminderKind.DUE, [B], late=True)
    letter = compose([late], circumstances(on=MONDAY + timedelta(days=2)))
    assert "逾期 2 天" in letter.text
    assert "补发：原定2021年5月31日（星期一）发出" in letter.text
    assert "·补发" in letter.subject


@pytest.mark.parametrize(("locale", "said"), [("zh_CN", "1项措施今天到期"), ("en", "1 measure due today")])
def test_a_countdown_held_until_the_day_itself_says_today(locale: str, said: str) -> None:
    held = reminder(ReminderKind.BEFORE, [B], on=PAST)
    assert said in compose([held], circumstances(locale=locale)).subject


def test_a_letter_of_a_past_day_does_not_know_what_was_reported_later() -> None:
    tomorrow = C._replace(percent=80, progress="已开联席会", progress_on=MONDAY + timedelta(days=1))
    text = text_of(reminder(ReminderKind.BEFORE, [tomorrow]))
    assert "已开联席会" not in text
    assert "80%" not in text
    assert "已开联席会" in text_of(reminder(ReminderKind.BEFORE, [tomorrow._replace(progress_on=MONDAY)]))


def test_a_late_measure_among_others_is_marked_by_itself() -> None:
    before = reminder(ReminderKind.OVERDUE, [A], on=PAST + timedelta(days=1), late=True)
    text = text_of(before, reminder(ReminderKind.OVERDUE, [dated("9", PAST)]))
    assert text.count("补发") == 1
    assert "      补发：原定2021年5月29日（星期六）发出" in text


def test_the_office_is_told_for_whom_it_answers() -> None:
    for_them = [
        reminder(ReminderKind.OVERDUE, [A], unit="建设局", recipient=OFFICE, instead_of="建设局"),
        reminder(ReminderKind.OVERDUE, [C], unit="财政局", recipient=OFFICE, instead_of="财政局"),
    ]
    letter = compose(for_them, circumstances())
    assert "本信原应发给建设局、财政局，因没有可用的收信地址，请代为转达" in letter.text
    assert "责任单位：财政局" in letter.text
    assert letter.text.startswith("巡察整改办公室：")
    assert "建设局等2个单位" in letter.subject
    assert "联系与回复" not in letter.text  # it is not told to write to itself
    assert "联系与回复" not in letter.html


def test_a_deputy_is_told_for_whom_it_acts() -> None:
    acting = reminder(ReminderKind.OVERDUE, [A], recipient="办公室主任", instead_of="分管规划建设副主任")
    assert "本信原应发给分管规划建设副主任，因没有可用的收信地址，请代为处理。" in text_of(acting)


def test_a_leader_is_asked_to_see_to_it() -> None:
    text = text_of(reminder(ReminderKind.OVERDUE, [A], recipient="分管规划建设副主任"))
    assert text.startswith("分管规划建设副主任：")
    assert "贵单位" not in text
    assert "请督促责任单位尽快完成" in text


def test_a_group_of_people_is_addressed_as_the_unit() -> None:
    assert text_of(reminder(ReminderKind.OVERDUE, [A], recipient="channel:jsj-group")).startswith("建设局：")


def test_at_most_20_measures_of_a_section_are_shown_and_40_of_a_letter() -> None:
    def many(first: int, due: date) -> list[Reminder]:
        return [reminder(ReminderKind.NUDGE, [dated(f"{n}", due, id=n) for n in range(first, first + 30)])]

    text = text_of(*many(100, MONDAY))
    assert text.count("时限：") == 20
    assert "其余 10 项见台账" in text
    kinds = [ReminderKind.OVERDUE, ReminderKind.DUE, ReminderKind.NUDGE]
    three = [
        replace(r, firing=replace(r.firing, kind=k)) for n, k in enumerate(kinds) for r in many(n * 100 + 100, PAST)
    ]
    assert text_of(*three).count("时限：") == 40


@pytest.mark.parametrize(
    ("deadline", "told"),
    [
        (Deadline(DeadlineKind.ONGOING, text="长期坚持"), "不倒计时｜时限：长期坚持"),
        (Deadline(DeadlineKind.EMPTY), "不倒计时｜时限：台账未写时限"),
        (Deadline(DeadlineKind.DATE, SOON, confirmed=False), "（读法待确认，暂不倒计时）"),
        (Deadline(DeadlineKind.DATE, SOON, then_ongoing=True), "7 天后到期｜时限：2021年6月7日（星期一），并长期坚持"),
        (Deadline(DeadlineKind.IMMEDIATE, SOON, computed=True), "时限：立行立改，推算为2021年6月7日（星期一）"),
        (Deadline(DeadlineKind.DATE, date(2022, 1, 1)), "期限充裕｜时限：2022年1月1日（星期六）"),
    ],
)
def test_limits_are_told_as_they_are(deadline: Deadline, told: str) -> None:
    assert told in text_of(reminder(ReminderKind.NUDGE, [dated("1", SOON, deadline=deadline)]))


def test_what_may_be_absent_leaves_no_gap() -> None:
    text = text_of(reminder(ReminderKind.OVERDUE, [A]), contact="", replies=False, number="")
    assert "请勿直接回复" in text
    assert "请联系" not in text
    assert "提醒编号" not in text
    assert "\n\n\n" not in text


def test_what_is_there_is_said_in_both_parts() -> None:
    guessed = reminder(ReminderKind.OVERDUE, [A])
    guessed = replace(guessed, firing=replace(guessed.firing, provisional=True))
    letter = compose([guessed], circumstances(redirected_from="建设局 jsj@example.org", link="https://example.org/r/1"))
    for told in ("放假调休安排尚未公布", "jsj@example.org", "https://example.org/r/1", "督办科 分机 000", "R-42"):
        assert told in letter.text
        assert told in letter.html
    assert letter.subject.startswith("〔试运行〕")


def test_a_trial_names_the_office_as_people_call_it() -> None:
    assert "本信原应发给巡察整改办公室。" in text_of(reminder(ReminderKind.OVERDUE, [A]), redirected_from=OFFICE)


def test_html_is_for_phones_and_old_mail_programs() -> None:
    html = compose([reminder(ReminderKind.OVERDUE, [A])], circumstances()).html
    tags = tags_of(html)
    assert tags <= {"html", "head", "meta", "title", "body", "table", "tr", "td", "b", "br", "span"}
    assert 'lang="zh-CN"' in html
    assert "max-width:600px" in html
    assert not any(f"font-size:{small}px" in html for small in range(2, 14))
    assert html.count("<table") == html.count('<table role="presentation"')
    assert "逾期 3 天" in html  # never by colour alone


def test_a_rule_can_have_its_own_template_and_the_kind_fills_the_rest(tmp_path: Path) -> None:
    (tmp_path / "zh_CN").mkdir()
    (tmp_path / "zh_CN" / "urgent.subject.txt").write_text("特急", encoding="utf-8")
    known = circumstances(folder=tmp_path, templates={"rule-overdue": "urgent"})
    letter = compose([reminder(ReminderKind.OVERDUE, [A])], known)
    assert letter.subject == "【整改提醒】建设局：特急"
    assert "━━ 已逾期（1 项）" in letter.text


def test_letters_and_duties_stand_in_the_facts_for_webhooks() -> None:
    about = {"letter": "7", "title": "商请拨付资金", "sent_on": "2021-05-06", "due_on": "2021-05-26"}
    waiting = reminder(ReminderKind.AWAITING_REPLY, unit="市财政局", recipient=OFFICE)
    waiting = replace(waiting, firing=replace(waiting.firing, about=about))
    owed = reminder(ReminderKind.DUTY, unit=OFFICE, recipient=OFFICE)
    about = {"what": "报工程进度", "period": "2021-W22", "min": "2", "done": "1", "part": "chase"}
    owed = replace(owed, firing=replace(owed.firing, about=about))
    letter = compose([waiting, owed], circumstances())
    assert letter.data["letters"] == [
        {"number": "7", "addressee": "市财政局", "about": "商请拨付资金", "due_on": "2021-05-26"}
    ]
    assert letter.data["duties"] == [
        {"unit": "巡察整改办公室", "what": "报工程进度", "period": "2021-W22", "due_at": None}
    ]
    assert "逾期未复 5 天" in letter.text
    assert "应办2次，尚缺1次" in "".join(letter.text.split())


def test_what_an_e_mail_shows_is_the_same_with_and_without_the_rest() -> None:
    told = [reminder(ReminderKind.OVERDUE, [A]), reminder(ReminderKind.NUDGE, [A, B, C])]
    whole, mail = compose(told, circumstances()), compose(told, circumstances(), brief=False)
    assert (mail.subject, mail.text, mail.html) == (whole.subject, whole.text, whole.html)
    assert (mail.brief, mail.tail, mail.data) == ("", "", {"locale": "zh_CN"})
    assert whole.brief
    assert {"locale", "measures"} <= whole.data.keys()
