"""The planner agrees with the oracle on random worlds of all kinds of rules, and each planted fault is caught."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reminder import plan
from reminder.domain.measure import Deadline, Measure
from reminder.plan import asks
from reminder.rules import chain, recipients, ride
from reminder.rules.calendar import Calendar
from reminder.rules.kinds.awaiting_reply import AwaitingReplyRule
from reminder.rules.kinds.deadline import DeadlineRule
from reminder.rules.kinds.duty import DutyRule
from reminder.rules.kinds.escalation import EscalatingRule
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.kinds.overdue import OverdueRule
from reminder.rules.kinds.pace import PaceRule
from reminder.rules.kinds.report import ReportRule
from reminder.rules.match import Match
from reminder.rules.rule import Facts, Practice, Rule, Span
from tests.rig import oracle, program, worlds

KINDS = "before due overdue nudge report_due report_chase escalation pace look_back awaiting_reply duty"
PARTS = 8


def differs(world):
    return program.planned(world) ^ oracle.plan(world, world["first"], world["last"])


def check(seeds):
    for seed in seeds:
        world = worlds.world(seed)
        assert differs(world) == set(), f"seed {seed}: {sorted(differs(world))[:4]} under {world['rules']}"


@pytest.mark.parametrize("part", range(PARTS))
def test_the_planner_agrees_with_the_oracle(part):
    check(range(part * 2000 // PARTS, (part + 1) * 2000 // PARTS))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_planner_agrees_with_the_oracle_on_many_more_worlds():
    check(range(2000, 32000))


@pytest.mark.parametrize("seeds", [range(0, 20), range(20, 40)], ids=str)
def test_day_by_day_with_only_what_was_asked_for_gives_the_same(seeds):
    """The daemon asks for a day at a time and sees only the measures it asked for."""
    for seed in seeds:
        world = worlds.world(seed)
        practice, rules, everything = program.practice(world), program.rules(world), program.facts(world)
        singly = set()
        for n in range(worlds.LENGTH + 1):
            day = world["first"] + timedelta(days=n)
            questions = asks(rules, Span(day, day), practice)
            seen = [measure for measure in everything.measures if any(answers(ask, measure) for ask in questions)]
            singly |= program.planned(world, day, day, replace(everything, measures=seen))
        assert singly == program.planned(world), f"seed {seed}"


@pytest.mark.parametrize("seeds", [range(0, 100), range(100, 200)], ids=str)
def test_unit_by_unit_gives_the_same(seeds):
    """A day on which too many measures are asked for to be held in memory is planned in parts."""
    for seed in seeds:
        world = worlds.world(seed)
        assert program.planned_in_parts(world) == program.planned(world), f"seed {seed}"


def answers(ask, measure):
    """What `scan` makes of a question."""
    if ask.closed or (measure.closed_on is not None and measure.closed_on < ask.open_since):
        return False
    if ask.deadline_from is None:
        return True
    return measure.deadline.on is not None and ask.deadline_from <= measure.deadline.on <= ask.deadline_to


def test_the_worlds_are_not_trivial():
    some = [worlds.world(seed) for seed in range(60)]
    facts = [fact for world in some for fact in oracle.plan(world, world["first"], world["last"])]
    assert {fact.kind for fact in facts} == set(KINDS.split())
    assert {fact.provisional for fact in facts} == {True, False}
    assert {"office", "甲领导", "组长", "甲局"} <= {fact.to for fact in facts}
    assert any(len(days) > 1 for fact in facts for _, days in fact.about)


def lines_of_code(text):
    """Lines that hold more than a comment, a docstring or nothing."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    marks = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    held = {n for one in tokens if one.type not in marks for n in range(one.start[0], one.end[0] + 1)}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = [one.body[0] for one in ast.walk(ast.parse(text)) if isinstance(one, documented) and ast.get_docstring(one)]
    return len(held - {n for one in docs for n in range(one.lineno, one.end_lineno + 1)})


def test_the_oracle_and_its_days_are_short_enough_to_be_read_and_share_no_code():
    assert lines_of_code('"""One\n\ntwo."""\n\nx = [  # three\n    1,\n]\n# four\n') == 3
    texts = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("oracle.py", "days.py")]
    assert sum(lines_of_code(text) for text in texts) <= 300
    assert not any(
        line.startswith(("import reminder", "from reminder")) for text in texts for line in text.splitlines()
    )


# --- planted faults: each is something an office would notice, and so must the oracle


def _one_of_many(honest):
    """Of the offsets that land on one day only the last."""
    return lambda self, deadline, practice: {day: met[-1:] for day, met in honest(self, deadline, practice).items()}


def _every_day(honest):
    """A step that was taken is taken again the next day."""

    def chained(steps, measure, practice):
        return [again for one in honest(steps, measure, practice) for again in (one, replace(one, on=_next(one.on)))]

    return chained


def _unanswered(honest):
    return lambda step, on, answers, practice: honest(step, on, (), practice)


def _next(day):
    return day and day + timedelta(days=1)


def _chain_of_any_deadline(honest):
    def frozen(self, measure, unit):
        mine = [one for one in measure.chains if (one.rule, one.unit) == (self.name, unit)]
        return mine[0] if mine else None

    return frozen


def _open_not_chased(honest):
    return lambda self, day: self.open_on(day)


def _without_make_up_days(honest):
    return lambda self, day: day.weekday() < 5 and honest(self, day)


MUTANTS = {
    "到期提醒顺延而不提前（错向）": (Practice, "earlier", lambda f: lambda self, day: self.calendar.on_or_after(day)),
    "其他提醒提前而不顺延（错向）": (Practice, "later", lambda f: lambda self, day: self.calendar.on_or_before(day)),
    "没有日历的年份顺延": (Practice, "later", lambda f: lambda self, day: self.calendar.on_or_after(day)),
    "猜的日子不注明": (Practice, "provisional", lambda f: lambda self, *passed: False),
    "时限差一天": (Deadline, "counted_down", lambda f: property(lambda self: _next(f.fget(self)))),
    "未确认的时限也倒数": (Deadline, "counted_down", lambda f: property(lambda self: self.on)),
    "同日不合并": (DeadlineRule, "_days", _one_of_many),
    "逾期同日不合并": (
        OverdueRule,
        "_days",
        lambda f: lambda s, d, sp, p: {k: v[-1:] for k, v in f(s, d, sp, p).items()},
    ),
    "搭车的不合并": (ride, "_collapsed", lambda f: lambda firings: firings),
    "不管启用日": (Rule, "runs_on", lambda f: lambda self, day, practice: True),
    "不认调休上班": (Calendar, "is_working_day", _without_make_up_days),
    "已申请销号仍催": (Measure, "chased_on", _open_not_chased),
    "逾期从到期当天起": (
        OverdueRule,
        "_nominals",
        lambda f: lambda s, d, first, p: f(s, d - timedelta(days=1), first, p),
    ),
    "升级重复": ("reminder.rules.kinds.escalation", "chain", _every_day),
    "升级链开始后仍随规则改": (EscalatingRule, "frozen", lambda f: lambda self, measure, unit: None),
    "延期后升级不重新起算": (EscalatingRule, "frozen", _chain_of_any_deadline),
    "升级链开始后换了组长": (EscalatingRule, "_principal", lambda f: lambda self, measure, unit: {}),
    "答复了仍升级": (chain, "_put_off", _unanswered),
    "升级那天不再提醒单位以外": (EscalatingRule, "escalations", lambda f: lambda self, facts, span, practice: iter(())),
    "领导汇总漏掉": (EscalatingRule, "_digests", lambda f: lambda self, climbed, span, practice: iter(())),
    "催办不看规则": (Match, "agrees", lambda f: lambda self, measure, unit, status: True),
    "催办上一次的名义日": (NudgeRule, "days", lambda f: lambda s, sp, p: {k: v[:1] for k, v in f(s, sp, p).items()}),
    "已报仍催": (ReportRule, "_of_one", lambda f: lambda s, w, unit, slots, _, p: f(s, w, unit, slots, Facts(), p)),
    "催报只催一次": ("reminder.rules.report_slots", "_last_chase", lambda f: lambda week, chase: week.nominal),
    "进度差一点不算": (PaceRule, "_behind", lambda f: lambda self, m, day, line: f(self, m, day, line and line - 1)),
    "进度提醒不停": (
        PaceRule,
        "_told",
        lambda f: lambda self, m, walked, p: f(self.model_copy(update={"repeat": None}), m, walked, p),
    ),
    "回头看登记了仍催": ("reminder.rules.kinds.look_back", "looked_back", lambda f: lambda measure, due, day: False),
    "复函期限差一天": (
        AwaitingReplyRule,
        "due_on",
        lambda f: lambda self, letter, calendar: _next(f(self, letter, calendar)),
    ),
    "办了一次就算办够": (DutyRule, "done", lambda f: lambda self, *of: 99 * f(self, *of)),
    "不管静默": (plan, "hushed", lambda f: lambda reminder, *_: reminder),
    "联系不上的没人管": (
        recipients,
        "_reachable",
        lambda f: lambda party, *rest: f(party, *rest)._replace(name=party.name),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_catches_a_planted_fault(name, monkeypatch):
    owner, attribute, fault = MUTANTS[name]
    place = __import__(owner, fromlist=["_"]) if isinstance(owner, str) else owner
    honest = place.__dict__[attribute]
    planted = fault(honest)
    monkeypatch.setattr(place, attribute, staticmethod(planted) if isinstance(honest, staticmethod) else planted)
    assert any(differs(worlds.world(seed)) for seed in range(300)), "nobody noticed"
