"""From firings to reminders: who gets them, by which channel, with what, and what one cycle answers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from reminder.domain.people import OFFICE, Leader, Party, Unit
from reminder.plan import Window, answer, known_parts, reminders
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


def test_downtime_longer_than_catch_up_days_is_not_caught_up_with():
    rules = [a_rule("deadline", before=[7], catch_up_days=3)]
    assert cycle(rules, [a_measure("2021-06-11")], "2021-06-03 18:00", "2021-06-08 10:00") == ()


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
