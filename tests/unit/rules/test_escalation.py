"""升级督办：逾期到了一定时候，逐级报上级；每级一次，各在自己的日子，此后每周一汇总。"""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from reminder.domain.measure import Change, Deadline, DeadlineKind, Status
from reminder.domain.reminder import ReminderKind
from reminder.rules.calendar import Calendar
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed

YELLOW = {"after": 7, "colour": "yellow", "to": ["leader"]}
RED = {"after": "15wd", "colour": "red", "to": ["leader", "principal"], "unless_answered": "5wd"}
STEPS = [YELLOW, RED]


def day(text):
    return date.fromisoformat(f"2021-{text}")


def days(*texts):
    return tuple(day(text) for text in texts)


def fired(measures, first="04-01", last="12-31", practice=None, **keys):
    rule = a_rule("overdue", **{"every": 3650, "escalate": STEPS} | keys)
    measures = measures if isinstance(measures, list) else [measures]
    found = rule.firings(Facts(measures=measures), Span(day(first), day(last)), practice or a_practice())
    return sorted(
        (one for one in found if one.kind is ReminderKind.ESCALATION), key=lambda one: (one.at, one.unit, one.subject)
    )


def told(measures, *args, **keys):
    """{day: the colours and posts told on it}, steps only."""
    return {
        f"{one.at:%m-%d}": (one.reason.facts["step"], one.to)
        for one in fired(measures, *args, **keys)
        if not one.subject.startswith("digest")
    }


CASES = [
    ("逾期第7天黄、第15个工作日红", "2021-06-01", {}, {"06-08": "yellow", "06-23": "red"}),  # 端午 06-14
    ("第7天逢周日，顺延到周一", "2021-05-30", {}, {"06-07": "yellow", "06-21": "red"}),
    ("第7天在五一长假里，顺延到节后", "2021-04-26", {}, {"05-06": "yellow", "05-19": "red"}),
    ("调休上班的周日照发", "2021-04-18", {}, {"04-25": "yellow", "05-10": "red"}),
    ("销号后不再升级", "2021-06-01", closed("2021-06-22"), {"06-08": "yellow"}),
    ("当天销号的当天不发", "2021-06-01", closed("2021-06-08"), {}),
    (
        "红色前第4个工作日有进展，推后到进展后第5个工作日",
        "2021-06-01",
        {"answers": days("06-17")},
        {"06-08": "yellow", "06-24": "red"},
    ),
    ("正好5个工作日前有进展，不推后", "2021-06-01", {"answers": days("06-16")}, {"06-08": "yellow", "06-23": "red"}),
    (
        "一再反馈，一再推后",
        "2021-06-01",
        {"answers": days("06-21", "06-25", "06-30")},
        {"06-08": "yellow", "07-07": "red"},
    ),
    (
        "推后期满之后的反馈不再推后",
        "2021-06-01",
        {"answers": days("06-17", "06-25")},
        {"06-08": "yellow", "06-24": "red"},
    ),
    ("当天才反馈的，当天照发", "2021-06-01", {"answers": days("06-23")}, {"06-08": "yellow", "06-23": "red"}),
    ("到期之前的进展不算", "2021-06-01", {"answers": days("05-31", "06-01")}, {"06-08": "yellow", "06-23": "red"}),
    (
        "黄色没有写 unless_answered，有反馈也发",
        "2021-06-01",
        {"answers": days("06-07")},
        {"06-08": "yellow", "06-23": "red"},
    ),
]


@pytest.mark.parametrize(("deadline", "changes", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_days_on_which_a_step_is_taken(deadline, changes, expected):
    got = told(a_measure(deadline, **changes))
    assert {on: colour for on, (colour, _) in got.items()} == expected
    assert {to for colour, to in got.values() if colour == "red"} <= {("leader", "principal")}


def test_the_first_step_counts_answers_since_the_deadline():
    first = YELLOW | {"unless_answered": "3wd"}
    measure = a_measure("2021-06-01", answers=days("06-01", "06-04"))
    assert list(told(measure, escalate=[first, RED])) == ["06-09", "06-23"]
    assert list(told(a_measure("2021-06-01", answers=days("06-01")), escalate=[first, RED])) == ["06-08", "06-23"]


def test_an_answer_before_the_last_step_does_not_put_off_the_next():
    near = {"after": 10, "colour": "red", "to": ["principal"], "unless_answered": "10wd"}
    measure = a_measure("2021-06-01", answers=days("06-07"))
    assert list(told(measure, escalate=[YELLOW, near])) == ["06-08", "06-11"]


def test_a_step_put_off_to_the_day_of_the_next_is_taken_with_it():
    first = YELLOW | {"unless_answered": "20wd"}
    (one,) = fired(a_measure("2021-06-01", answers=days("06-07")), escalate=[first, RED | {"unless_answered": 1}])
    assert (f"{one.at:%m-%d}", one.to, one.lines[0].days) == ("06-23", ("leader", "principal"), (7, 15))
    assert (str(one.occasion), [str(other) for other in one.superseded]) == ("2021-06-23", ["2021-06-08"])


def test_a_step_counts_answers_since_the_last_step_that_was_taken_before_its_day():
    first = YELLOW | {"unless_answered": "20wd"}
    (one,) = fired(a_measure("2021-06-01", answers=days("06-07", "06-21")), escalate=[first, RED])
    assert (f"{one.at:%m-%d}", one.lines[0].days) == ("06-28", (7, 15))


def test_two_steps_that_land_on_one_day_are_one_the_higher():
    steps = [YELLOW | {"after": 1}, {"after": 3, "colour": "red", "to": ["principal"]}]
    (one,) = fired(a_measure("2021-04-30"), escalate=steps)
    assert (f"{one.at:%m-%d}", one.reason.facts["step"], one.to) == ("05-06", "red", ("leader", "principal"))


def test_the_unit_keeps_its_own_reminders():
    rule = a_rule("overdue", every=7, escalate=STEPS)
    firings = rule.firings(Facts(measures=[a_measure("2021-06-01")]), Span(day("06-08"), day("06-08")), a_practice())
    assert [(one.kind, one.to) for one in firings] == [
        (ReminderKind.OVERDUE, ()),
        (ReminderKind.ESCALATION, ("leader",)),
    ]


def test_a_claimed_measure_climbs_no_further_and_resumes_as_if_it_had_never_been_claimed():
    life = (Change(day("06-07"), Status.CLAIMED), Change(day("06-10"), Status.IN_PROGRESS))
    measure = a_measure("2021-06-01", changes=life)
    assert list(told(measure)) == ["06-23"]
    digests = [one for one in fired(measure, "06-01", "06-20", leaders_on="monday") if one.to == ("leader",)]
    assert [f"{one.at:%m-%d}" for one in digests] == ["06-15"]  # 06-14 端午; the step of 06-08 was passed in silence
    still = a_measure("2021-06-01", changes=life[:1])
    assert fired(still, leaders_on="monday") == []


def test_an_extension_restarts_the_clock():
    before, after = a_measure("2021-06-01", id=900), a_measure("2021-07-01", id=900, extended_on=day("06-20"))
    old, new = fired(before), fired(after)
    assert [f"{one.at:%m-%d}" for one in new] == ["07-08", "07-22"]
    assert not {(one.subject, one.occasion) for one in old} & {(one.subject, one.occasion) for one in new}
    weekly = [YELLOW, YELLOW | {"after": 14}]  # the second of the old chain falls on the day of the new one's first
    second, first = fired(before, escalate=weekly)[1], fired(a_measure("2021-06-08", id=900), escalate=weekly)[0]
    assert second.occasion == first.occasion
    assert second.subject != first.subject
    answered = a_measure("2021-07-01", answers=days("06-20", "07-01"))
    assert list(told(answered)) == ["07-08", "07-22"]


def test_a_step_has_one_identity_whatever_is_answered_later():
    plain, answered = (
        fired(a_measure("2021-06-01", id=901)),
        fired(a_measure("2021-06-01", id=901, answers=days("06-21"))),
    )
    assert [(one.subject, one.occasion) for one in plain] == [(one.subject, one.occasion) for one in answered]
    assert [one.at for one in plain] != [one.at for one in answered]


def test_nothing_climbs_before_the_office_started_but_the_digest_tells_of_it():
    practice = a_practice(started_on=day("06-10"))
    got = fired(a_measure("2021-06-01"), "06-01", "06-22", practice, leaders_on="monday")
    assert [(f"{one.at:%m-%d}", one.subject) for one in got] == [("06-15", "digest:leader"), ("06-21", "digest:leader")]


@pytest.mark.parametrize("kind", [DeadlineKind.ONGOING, DeadlineKind.VAGUE, DeadlineKind.EMPTY])
def test_what_is_not_counted_down_does_not_climb(kind):
    assert fired(a_measure(Deadline(kind))) == []


def test_in_a_year_that_is_not_known_steps_are_provisional_and_never_on_the_deadline():
    found = list(
        a_rule("overdue", every=3650, escalate=STEPS).firings(
            Facts(measures=[a_measure("2031-01-03")]), Span(date(2031, 1, 1), date(2031, 3, 1)), a_practice()
        )
    )
    assert [(str(one.at.date()), one.provisional) for one in found] == [("2031-01-10", True), ("2031-01-24", True)]


DIGESTS = [
    ("每周一，周一逢端午顺延到周二", ["2021-06-01"], {"06-15": 1, "06-21": 1}),
    ("黄色当天正逢周一的，下周一才进汇总", ["2021-05-31"], {"06-15": 1, "06-21": 1}),
    ("两项各按自己的日子进汇总", ["2021-06-01", "2021-06-09"], {"06-15": 1, "06-21": 2}),
    ("还没升级的不进汇总", ["2021-06-16"], {}),
]


@pytest.mark.parametrize(("deadlines", "expected"), [c[1:] for c in DIGESTS], ids=[c[0] for c in DIGESTS])
def test_afterwards_the_leader_gets_one_digest_a_week(deadlines, expected):
    found = fired([a_measure(one) for one in deadlines], "06-01", "06-22", leaders_on="monday", escalate=[YELLOW])
    digests = [one for one in found if one.subject == "digest:leader"]
    assert {f"{one.at:%m-%d}": len(one.lines) for one in digests} == expected
    assert all(one.to == ("leader",) for one in digests)


def test_the_digest_tells_each_post_only_what_climbed_to_it_and_leaves_out_what_climbs_that_day():
    measures = [a_measure("2021-06-01", id=1), a_measure("2021-06-10", id=2), a_measure("2021-05-31", id=3)]
    found = [one for one in fired(measures, "06-28", "06-28", leaders_on="monday") if one.subject.startswith("digest")]
    listed = {one.to: [line.measure.id for line in one.lines] for one in found}
    assert listed == {("leader",): [3, 1, 2], ("principal",): [3, 1]}
    red_today = fired([a_measure("2021-06-04", id=4)], "06-28", "06-28", leaders_on="monday")
    assert [one.to for one in red_today] == [("leader", "principal")]


def test_the_digest_ends_with_the_write_off():
    measure = a_measure("2021-06-01", **closed("2021-06-21"))
    assert [f"{one.at:%m-%d}" for one in fired(measure, "06-09", leaders_on="monday")] == ["06-15"]


def test_a_unit_named_in_a_step_gets_no_digest():
    step = YELLOW | {"to": ["unit", "office"]}
    found = fired(a_measure("2021-06-01"), "06-09", "06-15", escalate=[step], leaders_on="monday")
    assert [one.to for one in found] == [("office",)]


def test_a_day_asks_the_same_as_the_whole():
    measures = [a_measure(f"2021-09-{n:02d}", answers=days("10-12")) for n in range(1, 29)]
    whole = {(one.at, one.subject, one.occasion) for one in fired(measures, "09-01", "11-30", leaders_on="monday")}
    singly = set()
    for n in range(91):
        one = f"{date.fromordinal(day('09-01').toordinal() + n):%m-%d}"
        singly |= {(f.at, f.subject, f.occasion) for f in fired(measures, one, one, leaders_on="monday")}
    assert singly == whole


COLOURS = [("06-01", ""), ("06-07", ""), ("06-08", "yellow"), ("06-22", "yellow"), ("06-23", "red"), ("12-31", "red")]


@pytest.mark.parametrize(("on", "colour"), COLOURS)
def test_the_colour_of_a_measure_is_its_highest_step(on, colour):
    rule = a_rule("overdue", escalate=STEPS)
    assert rule.colour(a_measure("2021-06-01"), day(on), a_practice()) == colour
    assert rule.colour(a_measure("2021-06-01", **closed("2021-06-01")), day(on), a_practice()) == ""


def test_what_an_answer_puts_off_keeps_its_colour():
    rule, measure = a_rule("overdue", escalate=STEPS), a_measure("2021-06-01", answers=days("06-17"))
    assert [rule.colour(measure, day(on), a_practice()) for on in ("06-23", "06-24")] == ["yellow", "red"]


REASONS = [
    ("还没到", {}, "06-09", "not_yet", {"next": "2021-06-29"}),
    ("下一次先是升级", {}, "06-22", "not_yet_step", {"next": "2021-06-23", "step": "red"}),
    (
        "因反馈推后",
        {"answers": days("06-17")},
        "06-23",
        "escalation_put_off",
        {"next": "2021-06-24", "answered": "2021-06-17", "step": "red"},
    ),
    ("销号了", closed("2021-06-10"), "06-23", "closed", {}),
    ("还没到期", {}, "06-01", "not_overdue", {}),
]


@pytest.mark.parametrize(("changes", "on", "code", "facts"), [c[1:] for c in REASONS], ids=[c[0] for c in REASONS])
def test_the_no_has_its_reason(changes, on, code, facts):
    rule = a_rule("overdue", every=14 * 2, escalate=STEPS if code != "not_yet" else [YELLOW])
    reason = rule.why_not(a_measure("2021-06-01", **changes), "建设局", day(on), a_practice())
    assert reason.code == code
    assert reason.facts.items() >= facts.items()


FAULTS = [
    ("不递增", [YELLOW, YELLOW]),
    ("工作日折算后不递增", [YELLOW | {"after": "15wd"}, RED | {"after": 20}]),
    ("当天就升级", [YELLOW | {"after": 0}]),
    ("没有收件人", [YELLOW | {"to": []}]),
    ("不认识的收件人", [YELLOW | {"to": ["boss"]}]),
    ("没有颜色", [{"after": 7, "to": ["leader"]}]),
    ("多余的键", [YELLOW | {"at": "09:00"}]),
]


@pytest.mark.parametrize("escalate", [c[1] for c in FAULTS], ids=[c[0] for c in FAULTS])
def test_faulty_steps_are_refused(escalate):
    with pytest.raises(ValidationError):
        a_rule("overdue", escalate=escalate)


def test_steps_that_do_not_rise_are_named_as_they_were_written():
    with pytest.raises(ValidationError, match=r"got \['15wd', 20\]"):
        a_rule("overdue", escalate=[YELLOW | {"after": "15wd"}, RED | {"after": 20}])


def test_each_step_is_a_part_of_its_own_so_that_one_added_later_re_sends_nothing():
    rule = a_rule("overdue", escalate=STEPS)
    assert rule.parts() == {"rule:overdue", "rule:overdue:escalate:7", "rule:overdue:escalate:15wd"}
    yellow, red = fired(a_measure("2021-06-01"))
    assert rule.parts_of(yellow) == {"rule:overdue:escalate:7"}
    assert rule.parts_of(red) == {"rule:overdue:escalate:15wd"}


def test_without_rest_days_a_step_goes_on_its_own_day():
    practice = a_practice(calendar=Calendar(base="weekdays"), working_days_only=False)
    assert list(told(a_measure("2021-06-05"), practice=practice)) == ["06-12", "06-25"]


def test_two_steps_taken_together_name_the_days_of_both():
    """答复把黄色推迟到了红色那天：一封里写明两步."""
    steps = [
        {"after": 7, "colour": "yellow", "to": ["leader"], "unless_answered": 14},
        {"after": 15, "colour": "red", "to": ["principal"]},
    ]
    measure = a_measure("2021-06-01", answers=(date(2021, 6, 7),))
    rule = a_rule("overdue", every=3650, escalate=steps)
    span = Span(date(2021, 6, 2), date(2021, 6, 30))
    (one,) = rule.firings(Facts(measures=[measure]), span, a_practice())
    assert dict(one.reason.facts) | {"deadline": "2021-06-01", "days": "7+15", "step": "red"} == one.reason.facts
