"""Random small worlds for the oracle: ledgers, rule files, calendars and what was reported, all from one seed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import chinese_calendar

from tests.rig import oracle
from tests.rig.days import WEEKDAYS, period, week_of
from tests.rig.oracle import Fact

UNITS = ["甲局", "乙局", "丙办", "外单位"]
HOURS = ["08:00", "09:00", "09:30", "17:00"]
STATUSES = ["not_started", "in_progress", "phase_complete", "claimed", "written_off", "suspended", "declined"]
TO = ["unit", "supporting", "leader", "principal", "office", "unit:丙办", "leader:乙领导"]
DAY = timedelta(days=1)
HUNTING = 90  # so many worlds hunt mutants
LENGTH = 50  # days of each world that are planned
PLAIN = date(2021, 8, 30)
LONG_HOLIDAYS = [date(2021, 9, 6), date(2022, 9, 12), date(2023, 1, 2), date(2024, 1, 22), date(2026, 1, 26)]
GUESSED = date(2039, 11, 14)  # a window that runs into a year without a calendar


def world(seed: int) -> dict[str, Any]:
    """One world; the same seed gives the same one."""
    dice = Random(seed)
    base = dice.choice(["weekdays"] * 3 + ["cn"] * 2 + ["guess"])
    first = {"weekdays": PLAIN, "cn": dice.choice(LONG_HOLIDAYS), "guess": GUESSED}[base]
    rest, off, work = _calendar(dice, base, first)
    measures = [_measure(dice, str(n), first) for n in range(dice.randint(1, 6))]
    rules = _rules(dice, first)
    for measure in measures:
        measure["chains"] = [_chain(dice, measure, unit) for unit in measure["units"] if measure["deadline"]]
    return {
        "first": first,
        "last": first + LENGTH * DAY,
        "base": base,
        "covered": {2039} if base == "guess" else None,
        "rest": rest,
        "off": off,
        "work": work,
        "started_on": dice.choice([None, first + dice.randint(0, 25) * DAY]),
        "outside": {"外单位"},
        "leaders": {"甲局": "甲领导", "乙局": "乙领导"},
        "principal": dice.choice([None, "组长"]),
        "deputies": {"甲领导": "乙领导", "组长": "丙领导"},
        "reached": {"office", *dice.sample([*UNITS, "甲领导", "乙领导", "丙领导", "组长"], dice.choice([4, 8, 8]))},
        "measures": measures,
        "rules": rules,
        "reports": _reports(dice, first),
        "silences": [_silence(dice, measures, first) for _ in range(dice.choice([0, 0, 0, 1, 2]))],
        "letters": [_letter(dice, n, first) for n in range(dice.randint(0, 2))],
        "done": [_done(dice, rule, first) for rule in rules if rule["kind"] == "duty" for _ in range(3)],
    }


@cache
def expected(seed: int) -> set[Fact]:
    """What the oracle says of that world."""
    made = world(seed)
    return oracle.plan(made, made["first"], made["last"])


def _calendar(dice: Random, base: str, first: date) -> tuple[set[date], set[date], set[date]]:
    """Rest days as the office lives them, and those `off` and `work` that it typed in."""
    off, work = set[date](), set[date]()
    for _ in range(dice.randint(0, 3)):
        begins = first + dice.randint(-30, 90) * DAY
        off |= {begins + n * DAY for n in range(dice.randint(1, 9))}
    for _ in range(dice.randint(0, 3)):
        day = first + dice.randint(-30, 90) * DAY
        work |= {day + (5 - day.weekday()) * DAY} - off
    days = {first + n * DAY for n in range(-600, 800)}
    return {day for day in days if (_rests(base, day) or day in off) and day not in work}, off, work


@cache
def _rests(base: str, day: date) -> bool:
    if base == "cn" and 2019 < day.year < 2027:
        return bool(chinese_calendar.is_holiday(day))
    fixed = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
    guess = (base == "guess" and day.year != 2039) or base == "cn"
    return day.weekday() > 4 or (guess and (day.month, day.day) in fixed)


def _measure(dice: Random, code: str, first: date) -> dict[str, Any]:
    kind = dice.choice(["date"] * 6 + ["immediate", "ongoing", "vague"])
    dated = kind == "date" or (kind == "immediate" and dice.random() < 0.5)
    days = dice.sample(range(-40, 60), dice.choice([0, 0, 0, 1, 1, 2, 3]))
    changes = [(first + day * DAY, dice.choice([*STATUSES, "written_off", "in_progress"])) for day in sorted(days)]
    status = changes[-1][1] if changes else dice.choice(STATUSES[:3])
    answers = sorted(first + dice.randint(-40, 60) * DAY for _ in range(dice.choice([0, 1, 2, 3])))
    return {
        "code": code,
        "kind": kind,
        "deadline": first + dice.randint(-50, 90) * DAY if dated else None,
        "confirmed": dice.random() < 0.9,
        "status": status,
        "changes": changes,
        "answers": answers,
        "look_backs": [first + dice.randint(0, 60) * DAY for _ in range(dice.choice([0, 0, 1]))],
        "dated": first - dice.randint(0, 90) * DAY if dice.random() < 0.95 or not answers else None,
        "percent": dice.choice([None, 0, 20, 50, 80]),
        "progress_on": answers[-1] if answers and dice.random() < 0.7 else None,
        "units": dice.sample(UNITS, dice.choice([1, 1, 1, 2])),
        "supporting": dice.sample(UNITS, dice.choice([0, 0, 1, 2])),
        "leader": dice.choice([None, None, "甲领导", "丙领导"]),
        "aspect": dice.choice(["党建", "经济"]),
        "problem": dice.choice(["一", "二"]),
        "ledger": dice.choice(["", "审计"]),
        "tags": dice.choice([[], ["专班"]]),
        "standing": dice.random() < 0.2,
        "blocked": dice.random() < 0.2,
    }


def _chain(dice: Random, measure: dict[str, Any], unit: str) -> dict[str, Any]:
    """An escalation that has begun: by other steps than the rule's, after this deadline or one before an extension."""
    deadline = measure["deadline"] - dice.choice([0, 0, 0, 10]) * DAY
    steps, nominal = [], deadline
    for n in sorted(dice.sample(range(1, 40), dice.randint(0, 3))):
        nominal = deadline + n * DAY
        step = _step(dice, n if dice.random() < 0.6 else f"{n}wd")
        steps.append(step | {"nominal": nominal, "on": nominal + dice.choice([0, 0, 1, 2]) * DAY})
    posts = {"leader": dice.choice([None, "丙领导", "乙领导"]), "principal": dice.choice([None, "乙领导", "组长"])}
    return {"rule": dice.choice(["late", "late", "other"]), "unit": unit, "deadline": deadline, "steps": steps, **posts}


def _rules(dice: Random, first: date) -> list[dict[str, Any]]:
    rules = [_countdown(dice), _overdue(dice, first), _report(dice), _pace(dice, first), _look_back(dice)]
    rules = dice.sample([*rules, _letters(dice), _duty(dice, first)], 4)
    rules.append({"kind": "nudge", "on": _on(dice, first)})
    for rule in rules:
        rule["name"] = {"deadline": "countdown", "overdue": "late"}.get(rule["kind"], rule["kind"])
        if rule["kind"] != "report" and dice.random() < 0.6:
            rule["at"] = dice.choice(HOURS)
        if rule["kind"] in ("deadline", "overdue", "pace") and dice.random() < 0.3:
            rule["ride"] = "nudge"
        if dice.random() < 0.3:
            rule[dice.choice(["match", "except"])] = _match(dice)
        if dice.random() < 0.3 and rule["kind"] != "duty":
            rule["to"] = dice.sample(TO, dice.choice([1, 1, 2, 3]))
            if rule["kind"] == "awaiting_reply":
                rule["to"] = dice.sample(["addressee", "office", "unit:丙办"], 2)
        if dice.random() < 0.15:
            rule["from"] = first + dice.randint(0, 25) * DAY
        if dice.random() < 0.15:
            rule["until"] = first + dice.randint(30, 60) * DAY
    return rules


def _countdown(dice: Random) -> dict[str, Any]:
    before = dice.sample([0, 1, 2, 3, 7, 14, 30, "1wd", "5wd", "10wd"], dice.randint(1, 5))
    return {"kind": "deadline", "before": before}


def _overdue(dice: Random, first: date) -> dict[str, Any]:
    every = dice.choice([1, 2, 3, 7, "1wd", "2wd", "5wd", [1, 3, 7, 14], ["1wd", "4wd"]])
    rule: dict[str, Any] = {"kind": "overdue", "every": every}
    if dice.random() < 0.9:
        after = sorted(
            dice.sample([(1, 1), (7, 7), (7, "5wd"), (14, 14), (21, "15wd"), (30, 30)], dice.randint(1, 3)), key=str
        )
        steps = list(dict(sorted(after, key=lambda one: one[0])).values())
        rule["escalate"] = [_step(dice, distance) for distance in steps]
    if dice.random() < 0.6:
        rule["leaders_on"] = _on(dice, first)
    return rule


def _step(dice: Random, after: Any) -> dict[str, Any]:
    step = {"after": after, "colour": "red", "to": dice.sample(TO[:5], dice.choice([1, 1, 2]))}
    return step | ({"unless_answered": dice.choice([3, "5wd", "10wd"])} if dice.random() < 0.6 else {})


def _on(dice: Random, first: date) -> Any:
    return dice.choice(
        [
            "monday",
            dice.sample(WEEKDAYS, 2),
            {"every": dice.randint(1, 3), "week": dice.choice(WEEKDAYS), "since": first - dice.randint(0, 20) * DAY},
            {"month": dice.choice([1, 15, 25, 31, "last wd", "2nd friday", "last tuesday"])},
            {"quarter": dice.choice(["last wd", "last day"])},
            {"year": f"{first + dice.randint(0, 50) * DAY:%m-%d}"},
        ]
    )


def _match(dice: Random) -> dict[str, Any]:
    return dice.choice(
        [
            {"unit": dice.sample(UNITS, 2)},
            {"aspect": ["党建"]},
            {"problem": ["一"]},
            {"deadline": ["date"]},
            {"tag": ["专班"]},
            {"leader": ["甲领导"]},
            {"ledger": ["审计"]},
            {"status": ["in_progress", "written_off"]},
            {"standing": True},
            {"blocked": False},
            {"aspect": ["经济"], "unit": ["甲局", "外单位"]},
        ]
    )


def _report(dice: Random) -> dict[str, Any]:
    due = dice.randint(2, 5)
    rule: dict[str, Any] = {"kind": "report", "due": f"{WEEKDAYS[due]} 17:00"}
    if dice.random() < 0.6:
        rule["remind"] = [f"{WEEKDAYS[dice.randint(0, due)]} {hour}" for hour in dice.sample(HOURS, dice.randint(1, 2))]
    chase = f"{dice.choice(WEEKDAYS)} 09:00"
    every = {"from": chase, "every": dice.choice([1, 2, "1wd", "2wd"]), "until": dice.choice(WEEKDAYS)}
    if dice.random() < 0.2:
        del every["until"]
    if choice := dice.choice([None, chase, every, every]):
        rule["chase"] = choice
    return rule


def _pace(dice: Random, first: date) -> dict[str, Any]:
    rule: dict[str, Any] = {"kind": "pace", "on": _on(dice, first)}
    rule |= dice.choice([{"behind": 20}, {"stale": "10wd"}, {"behind": 1, "stale": 20}])
    return rule | ({"repeat": dice.choice([7, "10wd"])} if dice.random() < 0.5 else {})


def _look_back(dice: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"kind": "look_back", "after": dice.sample([5, 14, "10wd", 30, 45], dice.randint(1, 2))}
    return rule | ({"chase": dice.choice([3, "5wd", "10wd"])} if dice.random() < 0.6 else {})


def _letters(dice: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"kind": "awaiting_reply", "within": dice.choice([20, "15wd"])}
    if dice.random() < 0.7:
        rule["before"] = dice.sample([0, 3, "2wd", 7], 2)
    return rule | ({"chase": dice.choice([1, 3, "1wd", "5wd"])} if dice.random() < 0.7 else {})


def _duty(dice: Random, first: date) -> dict[str, Any]:
    due = dice.choice(
        [
            {"week": dice.choice(WEEKDAYS)},
            {"every": 2, "week": "monday", "since": first},
            {"month": dice.choice([1, 25, "last wd", "2nd friday"])},
            {"quarter": "last wd"},
            {"year": f"{first + dice.randint(0, 50) * DAY:%m-%d}"},
            {"dates": sorted(first + n * DAY for n in dice.sample(range(-20, 60), 2))},
        ]
    )
    rule: dict[str, Any] = {"kind": "duty", "what": "报进度", "owed_by": dice.sample([*UNITS, "office"], 2)}
    rule |= {"due": due | {"hour": dice.choice(HOURS)}, "remind": dice.sample([0, 1, 3, "1wd", "5wd"], 2)}
    rule |= {"chase": dice.choice([1, 3, "1wd", "5wd"])} if dice.random() < 0.7 else {}
    return rule | ({"min": 2} if dice.random() < 0.3 else {})


def _letter(dice: Random, n: int, first: date) -> dict[str, Any]:
    sent = first + dice.randint(-60, 40) * DAY
    return {
        "id": n,
        "addressee": dice.choice([*UNITS, "省厅"]),
        "sent_on": sent,
        "reply_by": dice.choice([None, sent + dice.randint(1, 50) * DAY]),
        "replied_on": dice.choice([None, sent + dice.randint(1, 80) * DAY]),
    }


def _silence(dice: Random, measures: list[dict[str, Any]], first: date) -> dict[str, Any]:
    since = first + dice.randint(-10, 40) * DAY
    target = dice.choice([{"unit": dice.choice(UNITS)}, {"measure": dice.choice(measures)["code"]}, {"rule": "nudge"}])
    until = since + dice.randint(0, 15) * DAY
    ended = dice.choice([None, None, until - DAY])
    return {"unit": None, "measure": None, "rule": None} | target | {"since": since, "until": until, "ended_on": ended}


def _done(dice: Random, rule: dict[str, Any], first: date) -> tuple[str, str, str, date, int]:
    day, due = first + dice.randint(-10, 50) * DAY, rule["due"]
    name = period(due, due.get("dates", [day])[0])
    return "duty", dice.choice(rule["owed_by"]), name, day - dice.randint(0, 5) * DAY, dice.choice([1, 1, 2])


def _reports(dice: Random, first: date) -> dict[tuple[str, str], datetime]:
    sent = {}
    for unit in UNITS:
        for week in range(-3, 12):
            if dice.random() < 0.4:
                day = first + (week * 7 + dice.randint(0, 9)) * DAY
                at = datetime(day.year, day.month, day.day, dice.randint(0, 23))
                sent[unit, week_of(first + week * 7 * DAY)] = at
    return sent
