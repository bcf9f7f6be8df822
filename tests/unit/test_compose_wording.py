"""How reasons and days read, in the office's own words."""

from __future__ import annotations

import json
from datetime import date

import pytest
from compose_cast import MONDAY, circumstances, dated, reminder

from reminder.compose import compose, render_body, sentence
from reminder.compose.wording import counted, listed, long_day, short_day, week
from reminder.domain.reminder import Reason, ReminderKind


@pytest.mark.parametrize(
    ("code", "facts", "told"),
    [
        ("before", {"deadline": "2021-04-30", "days": "14+7"}, "到了时限2021年4月30日（星期五）之前的提醒点（14、7）"),
        (
            "closed",
            {"status": "written_off", "on": "2021-04-28"},
            "当天不催办：自2021年4月28日（星期三）起状态为“已销号”",
        ),
        (
            "overdue_early",
            {"deadline": "2026-12-25", "days": "7"},
            "已过时限2026年12月25日（星期五），到了逾期催办点（7）；适逢休息日，该年放假安排尚未公布，先提前到前一个工作日",
        ),
        ("closed", {"status": "claimed", "on": ""}, "当天不催办：状态为“待销号”"),
        ("not_yet", {"next": ""}, "近期没有要发的日子"),
        ("not_counted_down", {"deadline": "长期坚持"}, "时限“长期坚持”不是确定的日期，不倒计时"),
        ("not_counted_down", {"deadline": "2021-06-31"}, "时限“2021-06-31”不是确定的日期，不倒计时"),
        ("not_counted_down", {"deadline": ""}, "台账未写时限，不倒计时"),
        ("not_matched", {"rule": "overdue"}, "规则“overdue”不涉及这项措施"),
        (
            "report_chase",
            {"week": "2021-W17", "due": "2021-04-30 17:00"},
            "2021年第17周（4月26日至5月2日）的周报告应于2021年4月30日（星期五）17:00前报送，尚未收到",
        ),
    ],
)
def test_reasons_read_as_sentences(code: str, facts: dict[str, str], told: str) -> None:
    assert sentence("zh_CN", Reason(code, facts)) == told


def test_an_unknown_reason_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        sentence("en", Reason("no_such_reason"))


def test_days_read_as_people_write_them() -> None:
    day = date(2021, 4, 30)
    assert long_day("zh_CN", day) == "2021年4月30日（星期五）"
    assert long_day("en", day) == "Friday 30 April 2021"
    assert short_day("en", day, date(2022, 1, 1)) == "30 April 2021"
    assert week("en", "2020-W53") == "week 53 of 2020 (28 December to 3 January 2021)"
    assert week("en", "2021-W77") == "2021-W77"
    assert counted("en", "overdue", 1) == "1 day overdue"


def test_of_many_names_the_first_are_listed() -> None:
    assert listed("zh_CN", ["甲", "乙", "丙"], most=2) == "甲、乙等3项"


def test_the_default_body_is_a_standard_webhook() -> None:
    letter = compose([reminder(ReminderKind.DUE, [dated("7", MONDAY)])], circumstances())
    body = json.loads(render_body("default", letter))
    assert set(body) == {"type", "timestamp", "data"}
    assert (body["type"], body["timestamp"]) == ("reminder.due", "2021-05-31T09:00:00+08:00")
    assert body["data"]["measures"] == [
        {
            "code": "7",
            "text": "措施7",
            "unit": "建设局",
            "deadline": "2021-05-31",
            "days_left": 0,
            "status": "in_progress",
            "percent": None,
        }
    ]


def test_the_default_body_stays_below_20_kb() -> None:
    measures = [dated(f"{n}", MONDAY, id=n, text="整" * 200) for n in range(200)]
    letter = compose([reminder(ReminderKind.NUDGE, measures)], circumstances())
    assert len(render_body("default", letter).encode()) < 20_000


@pytest.mark.parametrize(
    ("progress", "on", "told"),
    [
        ("已起草", date(2021, 5, 6), "已起草（5月6日报）"),
        ("", date(2021, 5, 6), "没有写明内容（5月6日报）"),
        ("", None, "尚未报过进展"),
    ],
)
def test_progress_that_was_reported_without_words_is_not_said_to_be_none(progress, on, told):
    measure = dated("7", MONDAY, progress=progress, progress_on=on)
    letters = [
        compose([reminder(kind, [measure])], circumstances())
        for kind in (ReminderKind.OVERDUE, ReminderKind.ESCALATION)
    ]
    for letter in letters:
        assert told in letter.text.replace("\n", "").replace(" ", "")
        assert ("尚未报过进展" in letter.html) is (told == "尚未报过进展")
