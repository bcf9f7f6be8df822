"""The planner agrees with the oracle on random worlds, and a planted fault is caught."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from reminder.domain.people import OFFICE, Directory, Party, Unit
from reminder.plan import asks, reminders
from reminder.rules.calendar import Calendar
from reminder.rules.kinds.deadline import DeadlineRule
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.rule import Facts, Practice, Span
from tests.rig import oracle, worlds
from tests.rig.oracle import Fact

LAST = worlds.FIRST + timedelta(days=75)
MAIL = {"mail": ("a@example.org",)}
PEOPLE = Directory(
    units={name: Unit(name=name, channels=("mail",), addresses=MAIL) for name in worlds.UNITS},
    leaders={},
    office=Party(name=OFFICE, channels=("mail",), addresses=MAIL),
)


def planned(world, first=worlds.FIRST, last=LAST, facts: Facts | None = None):
    found = reminders(
        facts or worlds.facts(world), worlds.rules(world), PEOPLE, worlds.practice(world), Span(first, last)
    )
    for reminder in found:
        firing = reminder.firing
        about = tuple(sorted((line.measure.code, line.days) for line in firing.lines))
        at = firing.at.replace(tzinfo=None)
        yield Fact(at, firing.rule, firing.kind.value, firing.unit, firing.occasion, about, firing.week)


def differs(world):
    return set(planned(world)) ^ oracle.plan(world, worlds.FIRST, LAST)


def check(seeds):
    for seed in seeds:
        world = worlds.world(seed)
        assert differs(world) == set(), f"seed {seed}: {sorted(differs(world))[:4]} under {world['rules']}"


@pytest.mark.parametrize("part", range(4))
def test_the_planner_agrees_with_the_oracle(part):
    check(range(part * 500, part * 500 + 500))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_planner_agrees_with_the_oracle_on_many_more_worlds():
    check(range(2000, 22000))


def test_day_by_day_with_only_what_was_asked_for_gives_the_same():
    """The daemon asks for a day at a time and sees only the measures it asked for."""
    for seed in range(40):
        world = worlds.world(seed)
        practice, rules, everything = worlds.practice(world), worlds.rules(world), worlds.facts(world)
        singly = set()
        for n in range(76):
            day = worlds.FIRST + timedelta(days=n)
            questions = asks(rules, Span(day, day), practice)
            seen = [measure for measure in everything.measures if any(answers(ask, measure) for ask in questions)]
            asked = Facts(measures=seen, reports=everything.reports, outside=everything.outside)
            singly |= set(planned(world, day, day, asked))
        assert singly == set(planned(world)), f"seed {seed}"


def answers(ask, measure):
    closed = (
        measure.closed_on is not None
        and measure.closed_on < ask.open_since
        and measure.status.value in ("written_off", "suspended", "declined")
    )
    if ask.deadline_from is None:
        return not closed
    return (
        not closed and measure.deadline.on is not None and ask.deadline_from <= measure.deadline.on <= ask.deadline_to
    )


def _later_instead_of_earlier(self, day):
    return self.calendar.on_or_after(day)


def _next_day(self):
    return self.on and self.on + timedelta(days=1)


MUTANTS = {
    "到期提醒顺延而不提前": (Practice, "earlier", _later_instead_of_earlier),
    "其他提醒提前而不顺延": (Practice, "later", lambda self, day: self.calendar.on_or_before(day)),
    "时限差一天": ("reminder.domain.measure.Deadline", "counted_down", property(_next_day)),
    "不管启用日": (DeadlineRule, "runs_on", lambda self, day, practice: True),
    "不认调休上班": (Calendar, "is_working_day", lambda self, day: day.weekday() < 5 and day not in self.off),
    "已申请销号仍催": ("reminder.domain.measure.Measure", "chased_on", lambda self, day: self.open_on(day)),
    "逾期从到期当天起": (
        "reminder.rules.kinds.overdue",
        "after_deadline",
        lambda nominal, deadline, practice: practice.earlier(nominal),
    ),
    "催办不看规则": (NudgeRule, "matches", lambda self, measure, unit: True),
    "同日不合并": (DeadlineRule, "_days", None),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_catches_a_planted_fault(name, monkeypatch):
    owner, attribute, fault = MUTANTS[name]
    if fault is None:
        honest = DeadlineRule._days

        def fault(self, deadline, practice):
            return {day: offsets[-1:] for day, offsets in honest(self, deadline, practice).items()}

    monkeypatch.setattr(f"{owner}.{attribute}", fault) if isinstance(owner, str) else monkeypatch.setattr(
        owner, attribute, fault
    )
    assert any(differs(worlds.world(seed)) for seed in range(60))


def test_the_worlds_are_not_trivial():
    kinds = {fact.kind for seed in range(30) for fact in oracle.plan(worlds.world(seed), worlds.FIRST, LAST)}
    assert kinds == {"before", "due", "overdue", "nudge", "report_due", "report_chase"}
    assert isinstance(worlds.FIRST, date)
