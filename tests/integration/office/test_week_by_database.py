"""谁欠周报告：数据库找出来的，与逐条措施看规则得出的一样。

The oracle reads every measure and asks the rule itself, as the program did before it left this to the database.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from reminder.domain.measure import DeadlineKind, Status
from reminder.domain.people import Unit
from reminder.office.reports import UnitWeek, _state, reports_of_week
from reminder.plan import asks
from reminder.rules.rule import Span
from reminder.scan import scan
from reminder.store.engine import reading, writing
from reminder.store.tables import EventRow, MeasureRow, MeasureUnitRow, ReportRow
from tests.makers import a_directory, a_practice, a_rule

WEEKS = ("2021-W15", "2021-W16", "2021-W17", "2021-W18")
LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)
UNITS = [f"单位{n}" for n in range(9)]
OUTSIDE = UNITS[7:]
STATUSES = [status.value for status in Status]
TAGS = ("专班甲", '带"引号"', "百分之100%")


def by_rule(facts, rule, practice, week):
    """Every unit's report, by asking the rule about every measure."""
    monday = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    due = next((one for one in rule.weeks(Span(monday, monday + timedelta(6)), practice) if one.name == week), None)
    by_unit = defaultdict(list)
    for measure in facts.measures:
        for unit in rule.units(measure, facts):
            by_unit[unit].append(measure)
    submitted = {unit: at.astimezone(practice.zone) for (unit, of), at in facts.reports.items() if of == week}
    found = []
    for unit in sorted({*by_unit, *submitted}):
        owed = due is not None and rule.owed(due, unit, by_unit.get(unit, ()))
        state = _state(due.due_at, submitted.get(unit)) if owed and due else "not_owed"
        due_at = due.due_at if due else None
        found.append(UnitWeek(unit=unit, week=week, due_at=due_at, state=state, submitted_at=submitted.get(unit)))
    return found


def a_ledger(luck, session):
    """Some forty measures that were claimed, closed, suspended with an end and opened again around those weeks."""
    for n in range(1, 41):
        moves = sorted(date(2021, 3, 1) + timedelta(luck.randrange(90)) for _ in range(luck.choice((0, 0, 1, 2, 4))))
        stations = [luck.choice(STATUSES) for _ in moves]
        status = stations[-1] if moves else luck.choice(STATUSES)
        is_open = status in ("not_started", "in_progress", "phase_complete")
        session.add(
            MeasureRow(
                id=n,
                code=str(n),
                text="措施",
                aspect=luck.choice(("甲", "乙")),
                problem=(number := luck.choice(("1", "2", ""))),
                problem_text="" if number else "学习不够深入",
                leader=luck.choice((None, "", "分管")),
                ledger=luck.choice(("", "审计")),
                deadline_kind=luck.choice([*DeadlineKind]).value,
                status=status,
                closed_on=None if is_open else luck.choice([*moves, None, date(2021, 1, 1)]),
                standing=luck.random() < 0.3,
                blocked_by=luck.choice(("", "等批复")),
                tags=luck.sample(TAGS, luck.randrange(3)),
                known_on=date(2021, 1, 1),
            )
        )
        units = luck.sample(UNITS, luck.choice((1, 1, 2, 3)))
        session.flush()
        for place, unit in enumerate(units):
            role = luck.choice(("responsible", "responsible", "supporting"))
            session.add(MeasureUnitRow(measure_id=n, role=role, position=place, unit=unit))
        for on, stands in zip(luck.sample([*moves], len(moves)), stations, strict=True):
            session.add(EventRow(measure_id=n, act="x", on=on, status=stands, recorded_at=LONG_AGO))
        session.add(EventRow(measure_id=n, act="progress", on=date(2021, 4, 1), recorded_at=LONG_AGO))
    for unit in luck.sample([*UNITS, "没有措施的单位"], 6):
        at = datetime(2021, 4, 12, tzinfo=UTC) + timedelta(hours=luck.randrange(24 * 30))
        session.add(ReportRow(unit=unit, week=luck.choice(WEEKS), submitted_at=at))


def some_match(luck):
    """Up to three of the lists a rule may have."""
    every = {
        "unit": luck.sample(UNITS, 4),
        "aspect": ["甲"],
        "problem": luck.choice((["2"], ["学习不够深入"])),
        "status": luck.sample(STATUSES, luck.choice((1, 3, 7))),
        "tag": luck.sample(TAGS, 2),
        "leader": luck.choice((["分管"], [""])),
        "deadline": [kind.value for kind in luck.sample([*DeadlineKind], 4)],
        "standing": luck.random() < 0.5,
        "blocked": luck.random() < 0.5,
        "ledger": ["审计"],
    }
    return {name: every[name] for name in luck.sample([*every], luck.choice((0, 0, 1, 2, 3)))}


@pytest.mark.parametrize("seed", range(8))
def test_the_database_finds_the_units_that_the_rule_finds(desk, seed):
    luck = random.Random(seed)
    with writing(desk.engine) as session:
        a_ledger(luck, session)
    directory = a_directory(units={name: Unit(name=name, outside=name in OUTSIDE) for name in UNITS})
    practice = a_practice()
    owed = 0
    for _ in range(12):
        rule = a_rule("report", due="friday 17:00", match=some_match(luck), **{"except": some_match(luck)})
        for week in WEEKS:
            monday = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
            span = Span(monday, monday + timedelta(6))
            with reading(desk.engine) as session:
                facts = scan(session, asks([rule], span, practice), (), directory, span.first)
                found = reports_of_week(session, rule, practice, directory.outside, week)
            assert found == by_rule(facts, rule, practice, week), (week, rule.match, rule.exclude)
            owed += sum(one.state != "not_owed" for one in found)
    assert owed > 20
