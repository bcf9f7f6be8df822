"""序时进度：按时间应完成多少，已报多少；落后到一定程度，或很久没有进展，就提醒。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.domain.measure import Change, Deadline, DeadlineKind, Status
from reminder.domain.reminder import ReminderKind
from reminder.rules.calendar import Calendar
from reminder.rules.kinds.pace import expected_on
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed


def day(text):
    return date.fromisoformat(f"2021-{text}")


def a_plan(deadline="2021-07-09", **changes):
    """由 5 月 31 日起、到 7 月 9 日止的措施：其间 28 个工作日（端午休一天）."""
    return a_measure(deadline, **{"dated_on": day("05-31"), "progress_on": day("05-31"), "percent": 0} | changes)


def fired(measure, first="05-31", last="07-31", practice=None, **keys):
    rule = a_rule("pace", **keys)
    found = rule.firings(Facts(measures=[measure]), Span(day(first), day(last)), practice or a_practice())
    return {f"{one.at:%m-%d}": one for one in found}


EXPECTED = [
    ("05-31", 0),
    ("06-01", 3),  # 1/28
    ("06-06", 14),  # 4/28，周末不增
    ("06-15", 35),  # 10/28，端午 06-14 不算
    ("07-08", 96),
    ("07-09", 100),
    ("12-31", 100),
]


@pytest.mark.parametrize(("on", "percent"), EXPECTED)
def test_what_is_expected_by_a_day_is_a_straight_line_in_working_days(on, percent):
    assert expected_on(a_plan(), day(on), Calendar()) == percent


def test_without_a_beginning_or_a_date_nothing_is_expected():
    assert expected_on(a_plan(dated_on=None), day("06-15"), Calendar()) is None
    assert expected_on(a_measure(None, dated_on=day("05-31")), day("06-15"), Calendar()) is None
    assert expected_on(a_plan(dated_on=day("07-20")), day("07-01"), Calendar()) == 0


CASES = [
    ("每周一比对，落后20个点即提醒", {}, {}, ["06-15", "06-21", "06-28", "07-05", "07-12", "07-19", "07-26"]),
    ("一直跟得上的不提醒", {"percent": 100}, {}, []),
    ("报过 40%，到落后 20 个点时才提醒", {"percent": 40}, {"repeat": 3650}, ["06-28"]),  # 19/28 = 67
    ("正好落后20个点", {"percent": 30}, {"repeat": 3650}, ["06-21"]),  # 14/28 = 50
    ("10个工作日内不重复", {}, {"repeat": "10wd"}, ["06-15", "07-05", "07-19"]),
    ("没有报过比例的不作判断", {"percent": None}, {}, []),
    ("比例报出之前不作判断", {"progress_on": day("07-06")}, {"repeat": 3650}, ["07-12"]),
    ("销号后不提醒", closed("2021-06-21"), {}, ["06-15"]),
    (
        "申请销号期间不提醒",
        {"changes": (Change(day("06-16"), Status.CLAIMED), Change(day("07-06"), Status.IN_PROGRESS))},
        {},
        ["06-15", "07-12", "07-19", "07-26"],
    ),
]


@pytest.mark.parametrize(("changes", "keys", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_days_on_which_a_measure_behind_its_time_is_told_of(changes, keys, expected):
    assert list(fired(a_plan(**changes), **keys)) == expected


STALE = [
    ("30个工作日没有进展", {"stale": "30wd"}, (), ["07-19"]),  # 第 30 个工作日是 07-13，周二
    ("有进展就重新计", {"stale": "30wd"}, ("06-30",), []),
    ("按自然日", {"stale": 14}, ("06-15", "06-30"), ["07-19"]),
    ("期满当天就算", {"stale": 14}, ("06-07", "06-22", "07-06", "07-20"), ["06-21"]),
    ("以后的进展不算数", {"stale": 14, "repeat": 3650}, ("07-30",), ["06-15"]),
]


@pytest.mark.parametrize(("keys", "answers", "expected"), [c[1:] for c in STALE], ids=[c[0] for c in STALE])
def test_days_on_which_a_measure_without_progress_is_told_of(keys, answers, expected):
    measure = a_measure("2021-12-31", dated_on=day("05-31"), answers=tuple(day(one) for one in answers))
    rule = {"behind": None, "repeat": "10wd"} | keys
    assert list(fired(measure, **rule)) == expected


def test_a_reminder_says_what_was_expected_what_was_reported_and_since_when_nothing_moved():
    (one,) = fired(a_plan(percent=10), "06-28", "06-28", stale=14).values()
    assert one.about == {"expected": "67", "percent": "10", "since": "2021-05-31"}
    assert (one.kind, one.reason.code) == (ReminderKind.PACE, "pace")
    (one,) = fired(a_plan(), "06-15", "06-15").values()
    assert (one.reason.code, str(one.occasion)) == ("pace_moved", "2021-06-14")
    (one,) = fired(a_plan(percent=None), "06-28", "06-28", stale=14).values()
    assert (one.reason.code, dict(one.about)) == ("pace_stale", {"since": "2021-05-31"})


def test_an_extension_moves_the_line():
    later = a_measure(
        "2021-12-31", dated_on=day("05-31"), progress_on=day("05-31"), percent=0, extended_on=day("07-01")
    )
    assert next(iter(fired(later, last="12-31"))) == "07-19"  # 第 30 个工作日是 07-13，30/149


WITHOUT_A_DATE = [DeadlineKind.ONGOING, DeadlineKind.VAGUE, DeadlineKind.EMPTY]


@pytest.mark.parametrize("kind", WITHOUT_A_DATE)
def test_what_is_not_counted_down_has_no_pace(kind):
    assert fired(a_plan(deadline=Deadline(kind))) == {}


@pytest.mark.parametrize("kind", WITHOUT_A_DATE)
def test_what_is_not_counted_down_can_stand_still(kind):
    """长期坚持的措施没有时限可落后，30 个工作日没有进展照样提醒."""
    got = fired(a_plan(deadline=Deadline(kind)), stale="30wd", repeat="10wd")
    assert list(got) == ["07-19"]
    assert (got["07-19"].reason.code, dict(got["07-19"].about)) == ("pace_stale", {"since": "2021-05-31"})
    assert not got["07-19"].provisional
    assert fired(a_plan(deadline=Deadline(kind), answers=(day("07-01"),)), stale="30wd") == {}


def test_a_date_that_nobody_confirmed_is_no_line_but_no_excuse_either():
    unsure = Deadline(DeadlineKind.DATE, day("07-09"), confirmed=False)
    codes = {one.reason.code for one in fired(a_plan(deadline=unsure), stale=14).values()}
    assert codes == {"pace_stale", "pace_stale_moved"}


def test_nothing_before_the_office_started_and_that_silence_holds_nothing_back():
    got = fired(a_plan(), practice=a_practice(started_on=day("06-22")), repeat="10wd")
    assert list(got) == ["06-28", "07-12", "07-26"]


def test_in_a_year_that_is_not_known_the_verdict_is_provisional():
    measure = a_measure("2031-06-30", dated_on=date(2026, 1, 4), progress_on=date(2026, 1, 4), percent=0)
    span = Span(date(2026, 12, 1), date(2026, 12, 31))
    found = list(a_rule("pace", behind=10).firings(Facts(measures=[measure]), span, a_practice()))
    assert found
    assert all(one.provisional for one in found)


def test_a_day_asks_the_same_as_the_whole():
    measures = [a_plan(percent=n, dated_on=day(f"05-{n + 1:02d}")) for n in range(0, 30, 3)]
    measures.append(a_plan(dated_on=None, answers=(day("06-01"),)))
    rule, practice = a_rule("pace", stale="5wd", repeat="8wd"), a_practice()

    def ask(first, last):
        found = rule.firings(Facts(measures=measures), Span(first, last), practice)
        return {(one.at, one.subject, one.occasion) for one in found}

    singly = [date.fromordinal(day("05-31").toordinal() + n) for n in range(62)]
    assert set().union(*(ask(one, one) for one in singly)) == ask(singly[0], singly[-1])


REASONS = [
    ("还没到比对的日子", {}, "06-16", "not_yet", {"next": "2021-06-21"}),
    ("没有落后", {"percent": 50}, "06-21", "on_pace", {"expected": "50", "percent": "50"}),
    ("没有报过比例", {"percent": None}, "06-21", "pace_unknown", {}),
    ("刚提醒过", {}, "06-21", "pace_told", {"on": "2021-06-15"}),
    ("已销号", closed("2021-06-01"), "06-21", "closed", {}),
    ("不倒计时", {"deadline": Deadline(DeadlineKind.ONGOING)}, "06-21", "not_counted_down", {}),
]
STALE_REASONS = [
    ("有时限，不看比例，近来有进展", {}, {}, "06-07", "not_stale", {"since": "2021-05-31"}),
    ("长期坚持，近来有进展", {"deadline": Deadline(DeadlineKind.ONGOING)}, {"behind": 20}, "06-07", "not_stale", {}),
    (
        "长期坚持，刚提醒过",
        {"deadline": Deadline(DeadlineKind.ONGOING)},
        {},
        "06-21",
        "pace_told",
        {"on": "2021-06-15"},
    ),
    ("从何时算起都不知道", {"dated_on": None, "progress_on": None}, {}, "06-21", "not_stale", {"since": ""}),
]


@pytest.mark.parametrize(
    ("changes", "keys", "on", "code", "facts"), [c[1:] for c in STALE_REASONS], ids=[c[0] for c in STALE_REASONS]
)
def test_the_no_about_standing_still_has_its_reason(changes, keys, on, code, facts):
    rule = a_rule("pace", **{"behind": None, "stale": 14, "repeat": "10wd"} | keys)
    reason = rule.why_not(a_plan(**changes), "建设局", day(on), a_practice())
    assert reason.code == code
    assert reason.facts.items() >= facts.items()


@pytest.mark.parametrize(("changes", "on", "code", "facts"), [c[1:] for c in REASONS], ids=[c[0] for c in REASONS])
def test_the_no_has_its_reason(changes, on, code, facts):
    reason = a_rule("pace", repeat="10wd").why_not(a_plan(**changes), "建设局", day(on), a_practice())
    assert reason.code == code
    assert reason.facts.items() >= facts.items()


@pytest.mark.parametrize("keys", [{"behind": None}, {"behind": 0}, {"behind": 101}, {"stale": "long"}, {"after": 3}])
def test_faulty_keys_are_refused(keys):
    with pytest.raises(ValidationError):
        a_rule("pace", **keys)


@pytest.mark.parametrize("points", [1, 100])
def test_from_one_point_to_a_hundred(points):
    assert a_rule("pace", behind=points).behind == points


def test_a_line_that_began_in_a_year_without_a_calendar_is_provisional():
    """2003 年没有放假安排，自那年起算的线不能当真；当天和时限都在有安排的年份也一样."""
    first, deadline = date(2003, 12, 1), date(2004, 12, 31)
    measure = a_measure(str(deadline), dated_on=first, progress_on=first, percent=0)
    span = Span(date(2004, 6, 1), date(2004, 6, 30))
    found = list(a_rule("pace", behind=10).firings(Facts(measures=[measure]), span, a_practice()))
    assert found
    assert all(one.provisional for one in found)
