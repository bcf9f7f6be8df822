"""From firings to reminders: who gets them, by which channel, with what, and what one cycle answers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from reminder.domain.frozen import FrozenChain, FrozenStep
from reminder.domain.measure import Change, Status
from reminder.domain.people import OFFICE, Leader, Party, Unit
from reminder.domain.reminder import ReminderKind
from reminder.plan import Window, answer, known_parts, occasions_by_parts, reminders
from reminder.rules.rule import Facts, Span
from tests.makers import a_directory, a_measure, a_practice, a_rule, at


def planned(rules, measures, first, last, directory=None, **facts):
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    return reminders(Facts(measures=measures, **facts), rules, directory or a_directory(), a_practice(), span)


def test_reminders_for_one_recipient_channel_and_instant_travel_together():
    rules = [a_rule("deadline", before=[7]), a_rule("nudge")]
    monday = planned(rules, [a_measure("2021-06-14"), a_measure("2021-06-21")], "2021-06-07", "2021-06-07")
    assert len(monday) == 2
    assert len({reminder.message for reminder in monday}) == 1
    (alone, _) = planned(
        [a_rule("deadline", before=[7], merge=False), rules[1]], [a_measure("2021-06-14")], "2021-06-07", "2021-06-07"
    )
    assert alone.message != monday[0].message


def test_the_plan_is_sorted_by_instant_recipient_and_rule():
    measures = [a_measure("2021-06-30", units=("财政局", "建设局")), a_measure("2021-06-11")]
    rules = [a_rule("report"), a_rule("nudge"), a_rule("deadline")]
    got = [(r.firing.at, r.recipient, r.firing.rule) for r in planned(rules, measures, "2021-06-01", "2021-06-30")]
    assert got == sorted(got)
    assert len(got) > 20


UNREACHABLE = [
    ("单位没有地址，整改办代收", {"units": {"建设局": Unit(name="建设局")}}, ["unit"], (OFFICE, "建设局")),
    ("名录里没有这个单位，整改办代收", {"units": {}}, ["unit"], (OFFICE, "建设局")),
    ("领导没有地址，整改办代收", {"leaders": {"分管领导": Leader(name="分管领导")}}, ["leader"], (OFFICE, "分管领导")),
    (
        "领导没有地址，由副职代",
        {
            "leaders": {
                "分管领导": Leader(name="分管领导", deputy="主任"),
                "主任": Leader(name="主任", channels=("mail",), addresses={"mail": ("z@example.org",)}),
            }
        },
        ["leader"],
        ("主任", "分管领导"),
    ),
    ("措施没写领导，用单位的", {}, ["leader"], ("分管领导", "")),
    ("组长没有设，整改办代收", {}, ["principal"], (OFFICE, "")),
    ("点名另一个单位", {}, ["unit:财政局"], ("财政局", "")),
]


@pytest.mark.parametrize(("directory", "to", "expected"), [c[1:] for c in UNREACHABLE], ids=[c[0] for c in UNREACHABLE])
def test_whoever_cannot_be_reached_is_answered_for_and_nobody_falls_silent(directory, to, expected):
    people = a_directory(leader="分管领导", **directory)
    (reminder,) = planned(
        [a_rule("deadline", before=[7], to=to)], [a_measure("2021-06-14")], "2021-06-07", "2021-06-07", people
    )
    assert (reminder.recipient, reminder.instead_of) == expected
    assert reminder.firing.unit == "建设局"


def test_where_no_channel_named_reaches_the_office_it_gets_it_by_the_first_that_does():
    office = Party(name=OFFICE, channels=("group",), addresses={"mail": ("o@example.org",), "files": ()})
    rule = a_rule("deadline", before=[7], to=["office"], channels=["robot"])
    found = planned([rule], [a_measure("2021-06-14")], "2021-06-07", "2021-06-07", a_directory(office=office))
    assert [one.channel for one in found] == ["mail"]


def test_a_unit_with_two_channels_gets_it_on_both_unless_the_rule_names_one():
    both = {"mail": ("a@example.org",), "group": ()}
    people = a_directory(units={"建设局": Unit(name="建设局", channels=("mail", "group"), addresses=both)})
    day = ("2021-06-07", "2021-06-07")
    assert [r.channel for r in planned([a_rule("nudge")], [a_measure()], *day, people)] == ["group", "mail"]
    assert [r.channel for r in planned([a_rule("nudge", channels=["group"])], [a_measure()], *day, people)] == ["group"]


def test_two_units_answered_for_by_the_office_keep_their_own_reminders():
    measure = a_measure("2021-06-14", units=("甲", "乙"))
    got = planned([a_rule("deadline", before=[7])], [measure], "2021-06-07", "2021-06-07", a_directory(units={}))
    assert {(r.recipient, r.instead_of) for r in got} == {(OFFICE, "甲"), (OFFICE, "乙")}
    assert len({r.key for r in got}) == 2


RIDES = [
    ("提前14天的，等到下个周一一起走", "2021-06-30", [14], "2021-06-21", (14,)),
    ("正好是周一，当天一起走", "2021-06-21", [14], "2021-06-07", (14,)),
    ("两个时点赶上同一班，合成一次", "2021-06-24", [13, 12], "2021-06-15", (12, 13)),
    ("下一班已过期限，自己走", "2021-06-19", [2], "2021-06-17", (2,)),
]


@pytest.mark.parametrize(("deadline", "before", "day", "passed"), [c[1:] for c in RIDES], ids=[c[0] for c in RIDES])
def test_a_reminder_that_rides_travels_in_the_next_nudge(deadline, before, day, passed):
    rules = [a_rule("deadline", before=before, ride="nudge"), a_rule("nudge")]
    got = planned(rules, [a_measure(deadline)], "2021-06-01", "2021-06-30")
    riders = [r for r in got if r.firing.rule == "deadline"]
    assert [(str(r.firing.at.date()), r.firing.lines[0].days) for r in riders] == [(day, passed)]


@pytest.mark.parametrize(
    ("on", "day"),
    [({"month": 25}, "2021-05-25"), ({"quarter": "last wd"}, "2021-06-30"), ({"year": "12-24"}, "2021-12-24")],
    ids=["每月", "每季度", "每年"],
)
def test_a_rider_that_waits_long_is_found_on_the_day_of_its_nudge(on, day):
    """A plan of that one day, as the daemon makes it, had looked back a hundred days only: nobody got it."""
    rules = [a_rule("overdue", every=[3], until="2021-05-10", ride="nudge"), a_rule("nudge", on=on)]
    measure = a_measure("2021-05-01")
    found = [
        [r.key for r in planned(rules, [measure], *days) if r.firing.rule == "overdue"]
        for days in (("2021-05-01", "2021-12-31"), (day, day))
    ]
    assert found[0] == found[1] != []


def test_a_rider_whose_nudge_is_silent_about_it_travels_alone():
    nudge = a_rule("nudge", **{"except": {"aspect": ["党建"]}})
    rules = [a_rule("deadline", before=[14], ride="nudge"), nudge]
    (rider,) = planned(rules, [a_measure("2021-06-30", aspect="党建")], "2021-06-01", "2021-06-30")
    assert str(rider.firing.at.date()) == "2021-06-16"


def cycle(rules, measures, last, now, known=None, **more):
    people, practice = a_directory(), a_practice()
    window = Window(
        last=at(last) if last else None,
        now=at(now),
        known=known_parts(rules, people) if known is None else known,
        **more,
    )
    span = window.span(rules, practice)
    if span is None:
        return ()
    return answer(reminders(Facts(measures=measures), rules, people, practice, span), rules, window, practice).due


def test_a_missed_monday_is_found_on_tuesday_once_and_marked_late():
    rules, measures = [a_rule("nudge")], [a_measure()]
    (late,) = cycle(rules, measures, "2021-06-04 18:00", "2021-06-08 10:00")
    assert (late.firing.occasion, late.late) == (date(2021, 6, 7), True)
    assert cycle(rules, measures, "2021-06-08 10:00", "2021-06-08 11:00") == ()


def test_after_downtime_only_the_latest_occasion_is_answered():
    rules, measures = [a_rule("deadline", before=[7, 3, 1])], [a_measure("2021-06-11")]
    (late,) = cycle(rules, measures, "2021-06-03 18:00", "2021-06-10 09:30")
    assert late.firing.lines[0].days == (1,)


def test_what_a_later_occasion_of_the_same_downtime_replaces_says_by_which():
    rules, measures, people, practice = (
        [a_rule("deadline", before=[7, 3])],
        [a_measure("2021-06-11")],
        a_directory(),
        a_practice(),
    )
    known = known_parts(rules, people)
    window = Window(last=at("2021-06-03 18:00"), now=at("2021-06-08 10:00"), known=known)
    found = planned(rules, measures, "2021-06-01", "2021-06-08")
    got = answer(found, rules, window, practice)
    said = [(one.outcome, one.reason.code, dict(one.reason.facts)) for one in got.ended]
    assert said == [("superseded", "superseded", {"by": "2021-06-08"})]


SPANS = [
    ("恰在上一轮的时刻，已经答过", "09:00", "09:01", False),
    ("恰在这一轮的时刻", "08:59", "09:00", True),
    ("两个时刻之间", "09:30", "16:59", False),
    ("只到后一个时刻", "09:30", "17:00", True),
]


@pytest.mark.parametrize(("last", "now", "looks"), [c[1:] for c in SPANS], ids=[c[0] for c in SPANS])
def test_a_beat_looks_only_where_a_rule_can_fire(last, now, looks):
    rules, today = [a_rule("nudge"), a_rule("deadline", at="17:00")], date(2021, 6, 8)
    window = Window(last=at(f"2021-06-08 {last}"), now=at(f"2021-06-08 {now}"))
    assert window.span(rules, a_practice()) == (Span(today, today) if looks else None)


KNOWN = [
    ("先知道的一条在催办日之前", ("2021-06-01", "2021-06-09"), 1),
    ("都在催办日之后", ("2021-06-08", "2021-06-09"), 0),
    ("一直就有的", (None, "2021-06-09"), 1),
]


@pytest.mark.parametrize(("known", "answered"), [c[1:] for c in KNOWN], ids=[c[0] for c in KNOWN])
def test_what_is_about_several_measures_is_answered_from_the_first_that_was_known(known, answered):
    measures = [
        a_measure("2021-12-31", id=n, known_on=day and date.fromisoformat(day), seen=False)
        for n, day in enumerate(known, 1)
    ]
    found = cycle([a_rule("nudge")], measures, None, "2021-06-10 10:00", new_since=date(2021, 6, 1))
    assert len(found) == answered


def test_of_several_measures_that_no_cycle_has_seen_one_that_was_known_in_time_is_enough():
    measures = [
        a_measure("2021-12-31", id=n, known_on=date(2021, 6, day), seen=False) for n, day in enumerate((1, 9), 1)
    ]
    found = cycle([a_rule("nudge")], measures, "2021-06-08 10:00", "2021-06-10 10:00", new_since=date(2021, 6, 1))
    assert [str(one.firing.occasion) for one in found] == ["2021-06-07"]


def test_in_parts_only_what_sums_all_units_up_is_put_together():
    rules = [a_rule("report", summary="friday 17:30"), a_rule("duty"), a_rule("nudge", on="friday")]
    parts = [Facts(measures=())] + [
        Facts(measures=[a_measure("2021-12-31", id=n, units=(unit,))], units=frozenset({unit}))
        for n, unit in enumerate(("建设局", "财政局"), 1)
    ]
    span = Span(date(2021, 6, 11), date(2021, 6, 11))
    found = list(occasions_by_parts(parts, rules, a_directory(), a_practice(), span))
    whole = planned(rules, [one for part in parts for one in part.measures], "2021-06-11", "2021-06-11")
    (summary,) = (one for one in whole if one.firing.kind is ReminderKind.REPORT_SUMMARY)
    assert [(one.key, dict(one.firing.about)) for one in found[-1]] == [(summary.key, dict(summary.firing.about))]
    others = {(one.key, *one.firing.about.items()) for part in found[:-1] for one in part}
    assert others == {(one.key, *one.firing.about.items()) for one in whole} - {
        (summary.key, *summary.firing.about.items())
    }


def test_how_far_back_downtime_is_answered():
    assert a_rule("nudge").catch_up_days == 7
    assert [a_rule("nudge", catch_up_days=days).catch_up_days for days in (0, 60)] == [0, 60]
    for days in (-1, 61):
        with pytest.raises(ValidationError):
            a_rule("nudge", catch_up_days=days)


def test_downtime_longer_than_catch_up_days_is_not_caught_up_with():
    rules = [a_rule("deadline", before=[7], catch_up_days=3)]
    assert cycle(rules, [a_measure("2021-06-11")], "2021-06-03 18:00", "2021-06-08 10:00") == ()


@pytest.mark.parametrize(("down_until", "answered"), [("2021-06-10", 1), ("2021-06-11", 0)])
def test_the_last_day_that_is_caught_up_with_is_so_many_days_back(down_until, answered):
    rules = [a_rule("deadline", before=[7], catch_up_days=3)]
    assert len(cycle(rules, [a_measure("2021-06-14")], "2021-06-01 10:00", f"{down_until} 10:00")) == answered


def test_where_there_are_no_rules_the_first_cycle_looks_at_today_only():
    window = Window(last=None, now=at("2021-06-08 10:00"))
    assert window.span([], a_practice()) == Span(date(2021, 6, 8), date(2021, 6, 8))


def test_what_an_earlier_cycle_did_not_know_is_not_answered_for_the_very_instant_of_that_cycle():
    rules, measures = [a_rule("nudge")], [a_measure("2021-12-31")]
    (one,) = planned(rules, measures, "2021-06-07", "2021-06-07")
    for now, holds in (("2021-06-07 09:00", False), ("2021-06-07 10:00", False)):
        window = Window(last=at("2021-06-07 09:00"), now=at(now))
        assert window.holds(one, rules[0], at("2021-06-07 00:00")) is holds
    first = Window(last=at("2021-06-07 08:59"), now=at("2021-06-07 09:00"))
    assert first.holds(one, rules[0], first.midnight(a_practice()))


@pytest.mark.parametrize(
    ("last", "seen", "known_on", "holds"),
    [
        ("2021-06-07 09:00", True, None, False),  # the last cycle answered up to and including its own instant
        ("2021-06-07 08:59", True, None, True),
        ("2021-06-07 13:59", True, None, False),
        ("2021-06-07 13:59", False, date(2021, 6, 7), True),  # imported at 14:00: nine o'clock of that day still goes
        ("2021-06-07 13:59", False, date(2021, 6, 8), False),
    ],
)
def test_a_window_begins_after_the_last_cycle_and_for_a_new_measure_on_the_day_it_was_known(
    last, seen, known_on, holds
):
    rules, people = [a_rule("nudge")], a_directory()
    (one,) = planned(rules, [a_measure("2021-12-31", seen=seen, known_on=known_on)], "2021-06-07", "2021-06-07")
    window = Window(last=at(last), now=at("2021-06-07 14:00"), known=known_parts(rules, people))
    assert window.holds(one, rules[0], at("2021-06-07 00:00")) is holds


def test_a_rider_whose_nudge_lies_in_a_year_without_a_calendar_is_provisional():
    rules = [a_rule("overdue", every=[3, 300], ride="nudge"), a_rule("nudge")]
    found = planned(rules, [a_measure("2026-12-28")], "2027-01-04", "2027-01-04")
    assert [(one.firing.rule, one.firing.provisional) for one in found] == [("nudge", True), ("overdue", True)]


def test_an_old_ledgers_first_import_yields_no_backlog_but_todays_reminders():
    known = {"known_on": date(2021, 6, 7), "seen": False}
    measures = [a_measure("2021-06-14", **known), a_measure("2021-06-08", **known), a_measure("2021-05-01", **known)]
    rules = [a_rule("deadline"), a_rule("overdue", every=1), a_rule("report")]
    got = cycle(rules, measures, None, "2021-06-07 14:00", new_since=date(2021, 6, 7))
    assert {(r.firing.kind.value, r.firing.lines[0].days) for r in got if r.firing.lines} == {
        ("before", (7,)),
        ("before", (1,)),
        ("overdue", (35, 36, 37)),
    }
    assert {r.firing.kind.value for r in got} == {"before", "overdue"}
    assert all(r.firing.at.date() == date(2021, 6, 7) for r in got)


@pytest.mark.parametrize("change", ["rule", "offset", "channel"])
def test_what_an_earlier_cycle_did_not_know_is_answered_from_that_day_on(change):
    rules = [a_rule("deadline", before=[7, 4])]
    missing = {"rule": "rule:deadline", "offset": "rule:deadline:4", "channel": "reach:建设局:mail"}[change]
    known = {part for part in known_parts(rules, a_directory()) if not part.startswith(missing)}
    measures = [a_measure("2021-06-11")]
    assert cycle(rules, measures, "2021-06-05 12:00", "2021-06-08 10:00", known) == ()
    (today,) = cycle(rules, measures, "2021-06-06 12:00", "2021-06-07 10:00", known)
    assert today.firing.lines[0].days == (4,)


WRITTEN_OFF_ON = date(2021, 5, 31)
TWO_OFFSETS = [  # 端午 06-12 至 06-14 休息：06-18 的前 5 天是 06-13，提前到 06-11；前 5 个工作日是 06-10
    ("原来只有 5", a_rule("deadline", before=[5, "5wd"]), {"5"}, "06-10 08:00", "06-10 10:00", ["06-10"]),
    ("原来只有 5，停机", a_rule("deadline", before=[5, "5wd"]), {"5"}, "06-10 08:00", "06-11 08:00", []),
    ("两个都有，停机", a_rule("deadline", before=[5, "5wd"]), {"5", "5wd"}, "06-10 08:00", "06-11 08:00", ["06-10"]),
    ("5 改成 5wd，停机", a_rule("deadline", before=["5wd"]), {"5"}, "06-10 08:00", "06-11 08:00", []),
    ("5wd 改成 5，停机", a_rule("deadline", before=[5]), {"5wd"}, "06-11 08:00", "06-15 08:00", []),
    ("回头看，5 改成 5wd", a_rule("look_back", after=["5wd"], chase=None), {"5"}, "06-07 08:00", "06-08 08:00", []),
    ("回头看，停机", a_rule("look_back", after=["5wd"], chase=None), {"5wd"}, "06-07 08:00", "06-08 08:00", ["06-07"]),
]


@pytest.mark.parametrize(
    ("rule", "offsets", "last", "now", "days"), [c[1:] for c in TWO_OFFSETS], ids=[c[0] for c in TWO_OFFSETS]
)
def test_five_days_and_five_working_days_are_two_offsets(rule, offsets, last, now, days):
    closed_then = a_measure("2021-05-20", id=2, changes=(Change(WRITTEN_OFF_ON, Status.WRITTEN_OFF),))
    people = a_directory()
    known = {part for part in known_parts([rule], people) if part.startswith("reach:")}
    known |= {f"rule:{rule.name}:{offset}" for offset in offsets}
    window = Window(last=at(f"2021-{last}"), now=at(f"2021-{now}"), known=known)
    found = planned([rule], [a_measure("2021-06-18")], "2021-06-01", f"2021-{now[:5]}", closed=[closed_then])
    got = answer(found, [rule], window, a_practice()).due
    assert [f"{one.firing.at:%m-%d}" for one in got] == days


def test_two_units_of_one_measure_are_caught_up_with_each_for_itself():
    people = a_directory(names=())
    rules, measures = [a_rule("deadline", before=[3])], [a_measure("2021-06-11", units=("建设局", "财政局"))]
    window = Window(last=at("2021-06-07 10:00"), now=at("2021-06-08 10:00"), known=known_parts(rules, people))
    planned_ = reminders(
        Facts(measures=measures), rules, people, a_practice(), Span(date(2021, 6, 8), date(2021, 6, 8))
    )
    due = answer(planned_, rules, window, a_practice()).due
    assert [(r.recipient, r.instead_of) for r in due] == [(OFFICE, "建设局"), (OFFICE, "财政局")]


def test_a_measure_no_cycle_has_seen_is_answered_from_the_day_it_was_known():
    known = {"known_on": date(2021, 6, 7), "seen": False}
    rules, measures = [a_rule("deadline", before=[3])], [a_measure("2021-06-11", **known)]
    (late,) = cycle(rules, measures, "2021-06-09 18:00", "2021-06-10 10:00", new_since=date(2021, 6, 7))
    assert (late.firing.occasion, late.late) == (date(2021, 6, 8), True)
    later = [a_measure("2021-06-11", known_on=date(2021, 6, 9), seen=False)]
    assert cycle(rules, later, "2021-06-09 18:00", "2021-06-10 10:00", new_since=date(2021, 6, 9)) == ()


def test_a_report_due_on_the_very_day_the_ledger_was_first_known_is_chased_and_one_due_before_is_not():
    measures = [a_measure("2021-12-31", known_on=date(2021, 6, 4))]
    (chased,) = cycle([a_rule("report")], measures, "2021-06-05 12:00", "2021-06-07 10:00")
    assert chased.firing.week == "2021-W22"
    measures = [a_measure("2021-12-31", known_on=date(2021, 6, 5))]
    assert cycle([a_rule("report")], measures, "2021-06-05 12:00", "2021-06-07 10:00") == ()


def test_a_new_rule_at_midnight_is_answered_on_its_first_day():
    rules = [a_rule("nudge", on=["monday", "tuesday"], at="00:00")]
    known = known_parts([], a_directory())
    (first,) = cycle(rules, [a_measure()], "2021-06-06 23:50", "2021-06-07 00:10", known)
    assert first.firing.occasion == date(2021, 6, 7)


def test_the_first_cycle_takes_letters_and_duties_from_its_own_day_on():
    rules = [a_rule("duty", remind=["1wd", 0], due={"week": "tuesday"})]
    (got,) = cycle(rules, [], None, "2021-06-08 10:00")
    assert (got.firing.occasion, got.late) == (date(2021, 6, 8), False)


def test_between_the_hours_of_its_rules_a_heartbeat_plans_nothing():
    rules, practice = [a_rule("deadline"), a_rule("report")], a_practice()
    idle = Window(last=at("2021-06-07 09:01"), now=at("2021-06-07 09:01") + timedelta(hours=7))
    assert idle.span(rules, practice) is None
    busy = Window(last=at("2021-06-07 16:59"), now=at("2021-06-07 17:00"))
    assert busy.span(rules, practice) == Span(date(2021, 6, 7), date(2021, 6, 7))


def test_a_post_to_a_group_needs_no_address():
    people = a_directory(office=Party(name=OFFICE))
    (posted,) = planned([a_rule("nudge", to=["channel:群"])], [a_measure()], "2021-06-07", "2021-06-07", people)
    assert (posted.recipient, posted.channel) == ("channel:群", "群")


DAY_8 = date(2021, 6, 8)
STEPS = [
    {"after": 7, "colour": "yellow", "to": ["leader"]},
    {"after": "15wd", "colour": "red", "to": ["leader", "principal"], "unless_answered": "5wd"},
]


def climbing(**keys):
    return a_rule("overdue", **{"every": 3650, "escalate": STEPS, "leaders_on": "monday"} | keys)


def a_line(**changes):
    """建设局、财政局同归分管领导；组长在上."""
    mail = {"channels": ("mail",), "addresses": {"mail": ("l@example.org",)}}
    posts = {title: Leader(name=title, **mail) for title in ("分管领导", "组长")}
    return a_directory(**{"leader": "分管领导", "leaders": posts, "principal": "组长"} | changes)


CLIMBS = [
    ("黄色报分管领导", {}, "2021-06-08", [("分管领导", "")]),
    ("红色报分管领导和组长", {}, "2021-06-23", [("分管领导", ""), ("组长", "")]),
    ("措施自己写了领导的，报那位领导", {"leader": "组长"}, "2021-06-08", [("组长", "")]),
    ("台账写的领导不在名录，整改办代收", {"leader": "陌生人"}, "2021-06-08", [(OFFICE, "陌生人")]),
]


@pytest.mark.parametrize(("changes", "day", "expected"), [c[1:] for c in CLIMBS], ids=[c[0] for c in CLIMBS])
def test_a_step_goes_to_its_posts(changes, day, expected):
    got = planned([climbing()], [a_measure("2021-06-01", **changes)], day, day, a_line())
    assert [(r.recipient, r.instead_of) for r in got] == expected
    assert {r.firing.unit for r in got} == {"建设局"}


NOBODY = [
    (
        "领导没有地址",
        {"leaders": {"分管领导": Leader(name="分管领导"), "组长": Leader(name="组长")}},
        "分管领导、组长",
    ),
    ("单位没有写领导，也没有组长", {"leader": None, "principal": None}, "建设局"),
]


@pytest.mark.parametrize(("changes", "missed"), [c[1:] for c in NOBODY], ids=[c[0] for c in NOBODY])
def test_the_office_answers_for_a_post_that_cannot_be_reached(changes, missed):
    got = planned([climbing()], [a_measure("2021-06-01")], "2021-06-23", "2021-06-23", a_line(**changes))
    assert [(r.recipient, r.instead_of) for r in got] == [(OFFICE, missed)]


def test_the_office_answers_for_two_leaders_of_different_measures_and_loses_neither():
    """One occasion goes to a recipient once: as two reminders of one key, the second was never stored."""
    measures = [a_measure("2021-12-01", id=1, leader="甲"), a_measure("2021-12-02", id=2, leader="乙")]
    (got,) = planned([a_rule("nudge", to=["leader"])], measures, "2021-06-07", "2021-06-07", a_line())
    assert (got.recipient, got.instead_of) == (OFFICE, "甲、乙")
    assert [line.measure.id for line in got.firing.lines] == [1, 2]


def test_the_office_answers_for_two_principals_of_chains_begun_under_each_and_loses_neither():
    """One digest, not two of one key: the second would have replaced the first."""
    steps = (FrozenStep(after="7", colour="黄", to=("principal",), unless_answered=None, nominal=DAY_8, on=DAY_8),)
    begun = {"rule": "overdue", "unit": "建设局", "deadline": date(2021, 6, 1), "leader": None, "steps": steps}
    measures = [
        a_measure("2021-06-01", id=n, chains=(FrozenChain(principal=who, **begun),))
        for n, who in enumerate(("老组长", "新组长", "老组长"), 1)
    ]
    (got,) = planned([climbing()], measures, "2021-06-21", "2021-06-21", a_line())
    assert (got.recipient, got.instead_of) == (OFFICE, "老组长、新组长")
    assert [line.measure.id for line in got.firing.lines] == [1, 2, 3]


def test_a_unit_named_after_its_supporting_role_still_gets_all_its_measures():
    measures = [a_measure("2021-12-01", id=1, supporting_units=("建设局",)), a_measure("2021-12-02", id=2)]
    rule = a_rule("nudge", to=["supporting", "unit"])
    (got,) = planned([rule], measures, "2021-06-07", "2021-06-07", a_line())
    assert [line.measure.id for line in got.firing.lines] == [1, 2]


def test_a_leader_gets_one_message_for_all_units_steps_and_digests_of_a_day():
    measures = [
        a_measure("2021-06-01", id=1),
        a_measure("2021-06-10", id=2, units=("财政局",)),
        a_measure("2021-06-20", id=3, units=("财政局",)),  # its yellow step falls on Monday 06-28 (06-27 is a Sunday)
    ]
    for keys in ({}, {"merge": False}, {"ride": "nudge"}):
        day = planned([climbing(**keys), a_rule("nudge")], measures, "2021-06-28", "2021-06-28", a_line())
        mine = [r for r in day if r.recipient == "分管领导"]
        assert len({r.message for r in mine}) == 1
        told = {
            (r.firing.subject.partition(":")[0], r.firing.unit, line.measure.id)
            for r in mine
            for line in r.firing.lines
        }
        assert told == {("digest", "建设局", 1), ("digest", "财政局", 2), ("measure", "财政局", 3)}
        assert [r.firing.lines[0].measure.id for r in day if r.recipient == "组长"] == [1]


def test_a_step_that_downtime_ran_over_is_answered_late_and_only_the_highest():
    (late,) = cycle(
        [climbing(escalate=[*STEPS[:1], {"after": 9, "colour": "red", "to": ["leader"]}])],
        [a_measure("2021-06-01")],
        "2021-06-07 18:00",
        "2021-06-11 10:00",
    )
    assert (late.late, late.firing.reason.facts["step"]) == (True, "red")


def test_a_step_added_later_is_answered_from_that_day_on():
    rules = [climbing(leaders_on=None)]
    known = {part for part in known_parts(rules, a_directory()) if part != "rule:overdue:escalate:7"}
    measures = [a_measure("2021-06-01"), a_measure("2021-06-02")]
    (today,) = cycle(rules, measures, "2021-06-07 12:00", "2021-06-09 10:00", known)
    assert [line.measure for line in today.firing.lines] == measures[1:]


def test_a_group_that_only_a_step_names_is_known_to_be_reached():
    rules = [climbing(escalate=[{"after": 7, "colour": "red", "to": ["channel:群"]}])]
    assert "reach:channel:群:群" in known_parts(rules, a_directory())
    (posted,) = cycle(rules, [a_measure("2021-06-01")], "2021-06-08 08:00", "2021-06-08 10:00")
    assert (posted.recipient, posted.channel) == ("channel:群", "群")


def test_a_measure_behind_its_time_rides_in_the_nudge():
    measure = a_measure("2021-12-31", dated_on=date(2021, 1, 4), progress_on=date(2021, 1, 4), percent=0)
    rules = [a_rule("pace", on="thursday", ride="nudge"), a_rule("nudge")]
    got = planned(rules, [measure], "2021-06-21", "2021-06-21")
    assert [r.firing.kind.value for r in got] == ["nudge", "pace"]
    assert len({r.message for r in got}) == 1


@pytest.mark.parametrize(("was", "answered"), [("countdown", 1), (None, 0), ("another", 0)])
def test_a_rule_renamed_with_was_is_caught_up_with_and_one_without_is_new(was, answered):
    """Renamed while the daemon was down, the same rule misses nothing; a new one answers from today on."""
    measures, old = [a_measure("2021-06-14")], a_rule("deadline", before=[7], name="countdown")
    known = known_parts([old], a_directory())
    rules = [a_rule("deadline", before=[7], was=was)]
    assert len(cycle(rules, measures, "2021-06-04 18:00", "2021-06-08 10:00", known)) == answered
