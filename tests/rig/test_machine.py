"""An office as a machine: whatever it does, whatever breaks, in any order, the promises hold."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reminder import cycle, outbox, plan
from reminder.cycle import row
from reminder.domain.measure import Measure
from reminder.rules import recheck
from reminder.rules.rule import Span
from tests.makers import SHANGHAI
from tests.rig.days import DAY
from tests.rig.living import BEGINS, UNITS, Office, empty_database

CODES = [str(n) for n in range(1, 6)]
BEFORE = [[7, 3, 1, 0], [3, 1], ["5wd", 1, 0]]
EVERY = [2, [1, 3], "2wd"]
KILLS = [
    (cycle, "enqueue"),
    (cycle, "remember"),
    (outbox, "put"),
    (outbox, "claim"),
    (outbox, "settle"),
    (row, "hand_over"),
]


def office_rules(before=0, every=0, nudge="nudge"):
    """The steps stay as they are: a chain is frozen by the steps it began with."""
    steps = [
        {"after": 4, "colour": "yellow", "to": ["leader"]},
        {"after": 8, "colour": "red", "to": ["leader", "office"], "unless_answered": 3},
    ]
    late = {"name": "late", "kind": "overdue", "every": EVERY[every], "escalate": steps, "leaders_on": "thursday"}
    report = {"due": "friday 17:00", "remind": ["friday 09:00"], "chase": "monday 09:00"}
    return [
        {"name": "countdown", "kind": "deadline", "before": BEFORE[before]},
        late,
        {"name": nudge, "kind": "nudge", "on": "monday"} | ({"was": "nudge"} if nudge != "nudge" else {}),
        {"name": "report", "kind": "report"} | report,
        {"name": "pace", "kind": "pace", "on": "wednesday", "stale": "8wd", "repeat": "5wd"},
    ]


class Life(RuleBasedStateMachine):
    """One office from its first import on."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="life-")
        self.office = Office(Path(self.folder.name), office_rules(), self.template)

    @initialize(days=st.lists(st.integers(-6, 20), min_size=2, max_size=3))
    def first_import(self, days):
        self.office.imports(
            *((code, BEGINS + n * DAY, UNITS[int(code) % 2]) for code, n in zip(CODES, days, strict=False))
        )

    @precondition(lambda self: len(self.office.world["measures"]) < len(CODES))
    @rule(days=st.integers(-5, 15))
    def create(self, days):
        code = CODES[len(self.office.world["measures"])]
        self.office.imports((code, self.office.today + days * DAY, UNITS[int(code) % 2]))

    @rule()
    def import_again(self):
        self.office.imports()

    @rule(name=st.sampled_from(["claim", "return", "progress", "write_off", "reopen"]), code=st.sampled_from(CODES[:3]))
    def act(self, name, code):
        if any(measure["code"] == code for measure in self.office.world["measures"]):
            self.office.acts(name, code)

    @rule(days=st.integers(1, 20), code=st.sampled_from(CODES[:2]))
    def extend(self, days, code):
        later = max(self.office.measure(code)["deadline"], self.office.today) + days * DAY
        self.office.acts("extend", code, to=later)

    @rule(days=st.integers(1, 9), code=st.sampled_from(CODES[:2]))
    def suspend(self, days, code):
        self.office.acts("suspend", code, until=self.office.today + days * DAY)

    @rule(unit=st.sampled_from(UNITS))
    def report(self, unit):
        self.office.reports(unit)

    @rule(days=st.integers(0, 5), what=st.sampled_from([{"unit": "甲局"}, {"measure": "1"}, {"rule": "late"}]))
    def silence(self, days, what):
        self.office.silences(days, **what)

    @rule(before=st.integers(0, 2), every=st.integers(0, 2), nudge=st.sampled_from(["nudge", "weekly"]))
    def edit_rules(self, before, every, nudge):
        self.office.edits(office_rules(before, every, nudge))

    @rule(mood=st.sampled_from(["ok", "ok", "ok", "refuses", "no answer"]))
    def the_peer(self, mood):
        self.office.post.mood = mood

    @rule(minutes=st.integers(1, 90))
    def tick(self, minutes):
        self.office.now += timedelta(minutes=minutes)
        self.office.cycle()

    @rule(
        days=st.sampled_from([1, 1, 1, 1, 2, 3, 9]), at=st.sampled_from([time(9), time(9), time(17), time(20), time(3)])
    )
    def days_later(self, days, at):
        """The next morning; after some days it was down."""
        self.office.now = datetime.combine(self.office.today + days * DAY, at, SHANGHAI)
        self.office.cycle()

    @rule(kill=st.sampled_from(KILLS), nth=st.integers(1, 3))
    def crash(self, kill, nth):
        self.office.now += timedelta(minutes=6)
        self.office.killed(*kill, nth)

    @invariant()
    def promises_hold(self):
        assert not self.office.wrong, self.office.wrong

    def teardown(self):
        try:
            if not self.office.wrong:
                self.office.ended()
                assert not self.office.wrong, self.office.wrong
        finally:
            self.office.close()
            self.folder.cleanup()


def live(template, examples, steps, part):
    """So many offices with so many steps each; another `part` begins with another seed."""
    life = seed(part)(type("Life", (Life,), {"template": template}))
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    asked = {"max_examples": examples, "stateful_step_count": steps, "suppress_health_check": quiet}
    phases = [Phase.generate, Phase.shrink]
    run_state_machine_as_test(life, settings=settings(**asked, phases=phases, deadline=None, database=None))


@pytest.fixture
def template(tmp_path):
    return empty_database(tmp_path)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(4))
def test_an_office_may_do_anything_in_any_order(template, part):
    live(template, 50, 30, part)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(4, 14))
def test_an_office_may_do_anything_in_any_order_for_long(template, part):
    live(template, 500, 50, part)


# --- one autumn by hand, and the faults that it must bring to light


def autumn(office):
    """Held over the evening, down for nine days, extended, claimed, silenced: each while something waits."""

    def at(day, hour, minute=0):
        office.now = datetime.combine(BEGINS + day * DAY, time(hour, minute), SHANGHAI)
        office.cycle()

    office.imports(("1", BEGINS + 3 * DAY, "甲局"), ("2", BEGINS - 4 * DAY, "乙局"), ("3", BEGINS + 30 * DAY, "甲局"))
    at(0, 7)
    at(0, 8, 45)
    office.imports(("4", BEGINS + 1 * DAY, "甲局"))  # its yesterday's reminder is not owed, today's is
    at(0, 9)
    office.now += timedelta(hours=1)
    office.imports(("5", office.today, "甲局"))
    office.cycle()
    office.imports(("6", office.today, "甲局"))
    office.now += timedelta(hours=1)
    office.cycle()  # the third letter of that day waits
    at(2, 20)  # held: what was due in the morning waits for the next opening
    office.acts("extend", "1", to=BEGINS + 20 * DAY)
    office.acts("claim", "4")
    office.silences(3, measure="5")
    at(3, 9)
    office.post.mood = "no answer"
    at(4, 9)
    office.post.mood = "ok"
    at(13, 9)  # nine days down
    office.acts("return", "4")
    office.silences(8, unit="乙局")
    at(14, 9)
    at(15, 9)
    at(18, 9)
    office.ended()


@pytest.fixture
def office(tmp_path, template):
    office = Office(tmp_path, office_rules(), template)
    yield office
    office.close()


def test_one_autumn(office):
    autumn(office)
    assert office.wrong == []


def test_a_claim_after_a_letter_of_a_killed_cycle_is_no_broken_promise(office):
    """Part 5 of the long machine: the letter was looked at after the next cycle only, and the claim lay between."""
    office.now = datetime.combine(BEGINS, time(9), SHANGHAI)
    office.imports(("1", BEGINS + 3 * DAY, "甲局"))
    office.killed(row, "hand_over", 99)
    assert office.post.bytes_of
    office.acts("claim", "1")
    office.now += timedelta(hours=1)
    office.cycle()
    assert office.wrong == []


def _all_of_them(honest):
    def answered(*arguments):
        given = honest(*arguments)
        older = (one.reminder for one in given.ended if one.outcome == "superseded")
        return plan.Answer(due=(*older, *given.due), ended=())

    return answered


FAULTS = {
    "补发全部": [(cycle, "answer", _all_of_them)],
    "停机期间的不补": [
        (plan.Window, "holds", lambda f: lambda w, r, rule, p: f(w, r, rule, p) and r.firing.at.date() == w.now.date())
    ],
    "静默不管": [(plan, "hushed", lambda f: lambda one, *_: one), (recheck, "hushed", lambda f: lambda one, *_: one)],
    "发前不看静默": [(recheck, "hushed", lambda f: lambda one, *_: one)],
    "延期了仍按旧时限": [(recheck, "_holds", lambda f: lambda line, kind, deadlines, on: line.measure.chased_on(on))],
    "发前不看是否已申请销号": [(recheck, "_holds", lambda f: lambda *_: True)],
    "已申请销号仍催": [(Measure, "chased_on", lambda f: lambda self, day: self.open_on(day))],
    "一天几封都行": [(outbox, "tried_since", lambda f: lambda *_: Counter())],
    "首次导入补旧账": [
        (plan.Window, "span", lambda f: lambda w, *_: Span(w.now.date() - 7 * DAY, w.now.date())),
        (plan.Window, "holds", lambda f: lambda w, r, *_: r.firing.at <= w.now),
    ],
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_autumn_brings_a_planted_fault_to_light(office, name, monkeypatch):
    for owner, attribute, fault in FAULTS[name]:
        monkeypatch.setattr(owner, attribute, fault(getattr(owner, attribute)))
    autumn(office)
    assert office.wrong
