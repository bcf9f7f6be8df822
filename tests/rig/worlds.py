"""Random small worlds for the oracle: ledgers, rule files, calendars and reports, all from one seed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from reminder.domain.measure import CLOSED, Change, Deadline, DeadlineKind, Measure, Status
from reminder.rules.calendar import Calendar
from reminder.rules.kinds import KINDS
from reminder.rules.rule import Facts, Practice, Rule
from tests.makers import SHANGHAI
from tests.rig.oracle import WEEKDAYS, week_of

FIRST = date(2021, 8, 30)
UNITS = ["甲局", "乙局", "丙办", "外单位"]
HOURS = ["08:00", "09:00", "09:30", "17:00"]
DAY = timedelta(days=1)


def world(seed: int) -> dict[str, Any]:
    """One world; the same seed gives the same one."""
    dice = Random(seed)
    rest, off, work = _calendar(dice)
    measures = [_measure(dice, str(n)) for n in range(dice.randint(1, 9))]
    return {
        "rest": rest,
        "off": off,
        "work": work,
        "started_on": dice.choice([None, FIRST + dice.randint(0, 30) * DAY]),
        "outside": {"外单位"},
        "measures": measures,
        "rules": _rules(dice),
        "reports": _reports(dice),
    }


def _calendar(dice: Random) -> tuple[set[date], set[date], set[date]]:
    """Weekends, a few long holidays and make-up days; what the program is told is `off` and `work`."""
    off, work = set(), set()
    for _ in range(dice.randint(0, 4)):
        begins = FIRST + dice.randint(-30, 120) * DAY
        off |= {begins + n * DAY for n in range(dice.randint(1, 9))}
    for _ in range(dice.randint(0, 4)):
        day = FIRST + dice.randint(-30, 120) * DAY
        work |= {day + (5 - day.weekday()) * DAY} - off
    days = {FIRST + n * DAY for n in range(-500, 900)}
    return {day for day in days if (day.weekday() > 4 or day in off) and day not in work}, off, work


def _measure(dice: Random, code: str) -> dict[str, Any]:
    kind = dice.choice(["date"] * 6 + ["immediate", "ongoing", "vague"])
    dated = kind == "date" or (kind == "immediate" and dice.random() < 0.5)
    changes: list[tuple[date, str]] = []
    for _ in range(dice.choice([0, 0, 0, 1, 1, 2, 3])):
        changes.append((FIRST + dice.randint(-40, 90) * DAY, dice.choice([status.value for status in Status])))
    changes.sort(key=lambda change: change[0])
    return {
        "code": code,
        "kind": kind,
        "deadline": FIRST + dice.randint(-70, 110) * DAY if dated else None,
        "confirmed": dice.random() < 0.9,
        "status": changes[-1][1] if changes else dice.choice(["not_started", "in_progress", "phase_complete"]),
        "changes": changes,
        "units": dice.sample(UNITS, dice.choice([1, 1, 1, 2])),
        "aspect": dice.choice(["党建", "经济"]),
        "tags": dice.choice([[], ["专班"]]),
    }


def _rules(dice: Random) -> list[dict[str, Any]]:
    nudging = {"name": "nudge", "kind": "nudge", "on": _on(dice)}
    rules = [
        {
            "name": "countdown",
            "kind": "deadline",
            "before": dice.sample([0, 1, 2, 3, 7, 14, 30, "1wd", "5wd", "10wd"], dice.randint(1, 5)),
        },
        {
            "name": "late",
            "kind": "overdue",
            "every": dice.choice([1, 2, 3, 7, "1wd", "2wd", "5wd", [1, 3, 7, 14], ["1wd", "4wd"]]),
        },
        nudging,
        _report(dice),
    ]
    for rule in rules:
        if rule["kind"] != "report" and dice.random() < 0.6:
            rule["at"] = dice.choice(HOURS)
        if rule["kind"] in ("deadline", "overdue") and dice.random() < 0.4:
            rule["ride"] = "nudge"
        if dice.random() < 0.3:
            rule[dice.choice(["match", "except"])] = _match(dice)
        if dice.random() < 0.15:
            rule["from"] = FIRST + dice.randint(0, 25) * DAY
        if dice.random() < 0.15:
            rule["until"] = FIRST + dice.randint(40, 80) * DAY
    return rules


def _on(dice: Random) -> Any:
    return dice.choice(
        [
            "monday",
            dice.sample(WEEKDAYS, 2),
            {"every": dice.randint(1, 3), "week": dice.choice(WEEKDAYS), "since": FIRST - dice.randint(0, 20) * DAY},
            {"month": dice.choice([1, 15, 25, 31, "last wd", "2nd friday"])},
            {"quarter": "last wd"},
        ]
    )


def _match(dice: Random) -> dict[str, list[str]]:
    return dice.choice(
        [
            {"unit": dice.sample(UNITS, 2)},
            {"aspect": ["党建"]},
            {"deadline": ["date"]},
            {"tag": ["专班"]},
            {"aspect": ["经济"], "unit": ["甲局", "外单位"]},
        ]
    )


def _report(dice: Random) -> dict[str, Any]:
    due = dice.randint(2, 5)
    rule: dict[str, Any] = {"name": "report", "kind": "report", "due": f"{WEEKDAYS[due]} 17:00"}
    if dice.random() < 0.6:
        rule["remind"] = [f"{WEEKDAYS[dice.randint(0, due)]} {hour}" for hour in dice.sample(HOURS, dice.randint(1, 2))]
    chase = f"{dice.choice(WEEKDAYS)} 09:00"
    every = {"from": chase, "every": dice.choice([1, 2, "1wd", "2wd"]), "until": dice.choice(WEEKDAYS)}
    if choice := dice.choice([None, chase, every]):
        rule["chase"] = choice
    return rule


def _reports(dice: Random) -> dict[tuple[str, str], datetime]:
    sent = {}
    for unit in UNITS:
        for week in range(-3, 16):
            if dice.random() < 0.4:
                day = FIRST + (week * 7 + dice.randint(0, 9)) * DAY
                sent[unit, week_of(FIRST + week * 7 * DAY)] = datetime(
                    day.year, day.month, day.day, dice.randint(0, 23)
                )
    return sent


# --- the same world in the program's own values


def facts(world: dict[str, Any]) -> Facts:
    reports = {key: at.replace(tzinfo=SHANGHAI) for key, at in world["reports"].items()}
    measures = [_value(n, measure) for n, measure in enumerate(world["measures"])]
    return Facts(measures=measures, reports=reports, outside=frozenset(world["outside"]))


def _value(n: int, measure: dict[str, Any]) -> Measure:
    kind = DeadlineKind(measure["kind"])
    changes = tuple(Change(day, Status(status)) for day, status in measure["changes"])
    closed = [change.on for change in changes if change.status in CLOSED]
    return Measure(
        id=n,
        code=measure["code"],
        text="措施",
        units=tuple(measure["units"]),
        deadline=Deadline(kind, measure["deadline"], confirmed=measure["confirmed"]),
        status=Status(measure["status"]),
        changes=changes,
        closed_on=closed[-1] if closed else None,
        aspect=measure["aspect"],
        tags=tuple(measure["tags"]),
    )


def practice(world: dict[str, Any]) -> Practice:
    calendar = Calendar(base="weekdays", off=frozenset(world["off"]), work=frozenset(world["work"]))
    return Practice(calendar=calendar, zone=SHANGHAI, started_on=world["started_on"])


def rules(world: dict[str, Any]) -> list[Rule]:
    return [KINDS[rule["kind"]].model_validate(rule) for rule in world["rules"]]
