"""What should be sent, worked out day by day by brute force. Shares no code with the program, on purpose.

A world is a dict: `rest` (a set of rest days), `started_on`, `measures`, `rules` (as in rules.toml), `reports`
{(unit, "2021-W17"): datetime}. The answer is a set of Facts. Slow, plain, and meant to be read against the contract.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

DAY = timedelta(days=1)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
FAR = 140  # days around the asked ones in which a nominal day can lie


class Fact(NamedTuple):
    """One reminder: when it goes, by which rule, of which kind, for which unit, about what."""

    at: datetime
    rule: str
    kind: str
    unit: str
    occasion: date
    about: tuple[tuple[str, tuple[int, ...]], ...]
    week: str = ""


def plan(world: dict[str, Any], first: date, last: date) -> set[Fact]:
    """Every reminder that goes from `first` to `last`, both included."""
    facts: set[Fact] = set()
    for rule in world["rules"]:
        found = {"deadline": countdown, "overdue": overdue, "nudge": nudge, "report": report}[rule["kind"]](
            world, rule, first, last
        )
        facts |= set(rides(world, rule, found) if rule.get("ride") else found)
    return {fact for fact in facts if first <= fact.at.date() <= last}


# --- days


def works(world: dict[str, Any], day: date) -> bool:
    return day not in world["rest"]


def back(world: dict[str, Any], day: date) -> date:
    while not works(world, day):
        day -= DAY
    return day


def on(world: dict[str, Any], day: date) -> date:
    while not works(world, day):
        day += DAY
    return day


def far(world: dict[str, Any], day: date, distance: Any, sign: int) -> date:
    """The day that lies `distance` ("5wd" or 5) before (-1) or after (+1) `day`."""
    if isinstance(distance, int):
        return day + sign * distance * DAY
    left = int(distance[:-2])
    while left:
        day += sign * DAY
        left -= works(world, day)
    return day


def number(distance: Any) -> int:
    return distance if isinstance(distance, int) else int(distance[:-2])


def hour(text: str) -> time:
    return time(int(text[:2]), int(text[3:]))


def allowed(world: dict[str, Any], rule: dict[str, Any], day: date) -> bool:
    begins = max(rule.get("from", date.min), world["started_on"] or date.min)
    return begins <= day <= rule.get("until", date.max)


def week_of(day: date) -> str:
    return "{}-W{:02d}".format(*day.isocalendar()[:2])


# --- measures


def standing(measure: dict[str, Any], day: date) -> str:
    status = "in_progress" if measure["changes"] else measure["status"]
    for changed_on, to in measure["changes"]:
        if changed_on <= day:
            status = to
    return status


def chased(measure: dict[str, Any], day: date) -> bool:
    return standing(measure, day) in ("not_started", "in_progress", "phase_complete")


def counted(measure: dict[str, Any]) -> date | None:
    dated = measure["kind"] == "date" or (measure["kind"] == "immediate" and measure["deadline"])
    return measure["deadline"] if dated and measure["confirmed"] else None


def speaks(rule: dict[str, Any], measure: dict[str, Any], unit: str) -> bool:
    own = {"unit": [unit], "aspect": [measure["aspect"]], "deadline": [measure["kind"]], "tag": measure["tags"]}

    def agrees(match: dict[str, list[str]]) -> bool:
        return all(set(wanted) & set(own[name]) for name, wanted in match.items())

    excluded = rule.get("except")
    return agrees(rule.get("match", {})) and not (excluded and agrees(excluded))


def pairs(world: dict[str, Any], rule: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    return [
        (measure, unit)
        for measure in world["measures"]
        for unit in measure["units"]
        if speaks(rule, measure, unit)
        and (unit not in world["outside"] or unit in rule.get("match", {}).get("unit", []))
    ]


# --- kinds


def landing(nominals: list[tuple[int, date]], move: Any) -> dict[date, list[tuple[int, date]]]:
    days: dict[date, list[tuple[int, date]]] = {}
    for n, nominal in nominals:
        days.setdefault(move(nominal), []).append((n, nominal))
    return days


def countdown(world: dict[str, Any], rule: dict[str, Any], first: date, last: date) -> list[Fact]:
    facts = []
    for measure, unit in pairs(world, rule):
        if (deadline := counted(measure)) is None:
            continue
        nominals = [(number(distance), far(world, deadline, distance, -1)) for distance in rule["before"]]
        for day, met in landing(nominals, lambda nominal: back(world, nominal)).items():
            if allowed(world, rule, day) and chased(measure, day):
                kind = "due" if any(n == 0 for n, _ in met) else "before"
                passed = tuple(sorted({n for n, _ in met}))
                at = datetime.combine(day, hour(rule.get("at", "09:00")))
                occasion = min(nominal for _, nominal in met)
                facts.append(Fact(at, rule["name"], kind, unit, occasion, ((measure["code"], passed),)))
    return facts


def overdue(world: dict[str, Any], rule: dict[str, Any], first: date, last: date) -> list[Fact]:
    facts = []
    steps = rule["every"] if isinstance(rule["every"], list) else [rule["every"]]
    gap = number(steps[-1]) - (number(steps[-2]) if len(steps) > 1 else 0)
    suffix = "" if isinstance(steps[0], int) else "wd"
    for measure, unit in pairs(world, rule):
        if (deadline := counted(measure)) is None or deadline > last:
            continue
        numbers = [number(step) for step in steps]
        while far(world, deadline, f"{numbers[-1]}wd" if suffix else numbers[-1], 1) < last + 30 * DAY:
            numbers.append(numbers[-1] + gap)
        nominals = [(n, far(world, deadline, f"{n}wd" if suffix else n, 1)) for n in numbers]
        for day, met in landing(nominals, lambda nominal: on(world, nominal)).items():
            if allowed(world, rule, day) and chased(measure, day):
                at = datetime.combine(day, hour(rule.get("at", "09:00")))
                passed = tuple(n for n, _ in met)
                facts.append(Fact(at, rule["name"], "overdue", unit, met[0][1], ((measure["code"], passed),)))
    return facts


def falls(world: dict[str, Any], when: Any, day: date) -> bool:
    """Whether `day` is one of the nominal days that `on` writes."""
    name, end = WEEKDAYS[day.weekday()], (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    if isinstance(when, str):
        return name == when
    if isinstance(when, list):
        return name in when
    if "week" in when:
        weeks = ((day - day.weekday() * DAY) - (when["since"] - when["since"].weekday() * DAY)).days // 7
        return name == when["week"] and weeks >= 0 and weeks % when["every"] == 0
    if "quarter" in when or when["month"] == "last wd":
        return day == back(world, end) and ("month" in when or day.month % 3 == 0)
    if isinstance(when["month"], int):
        return day.day == min(when["month"], end.day)
    ordinal, weekday = when["month"].split()
    return name == weekday and (day.day - 1) // 7 + 1 == int(ordinal[0])


def nudge(world: dict[str, Any], rule: dict[str, Any], first: date, last: date) -> list[Fact]:
    facts = []
    nominals = [
        (0, first + n * DAY)
        for n in range(-FAR, (last - first).days + FAR)
        if falls(world, rule["on"], first + n * DAY)
    ]
    for day, met in landing(nominals, lambda nominal: on(world, nominal)).items():
        if not allowed(world, rule, day):
            continue
        for unit in {unit for _, unit in pairs(world, rule)}:
            codes = [m["code"] for m, of in pairs(world, rule) if of == unit and chased(m, day)]
            if codes:
                at = datetime.combine(day, hour(rule.get("at", "09:00")))
                about = tuple(sorted((code, ()) for code in codes))
                facts.append(Fact(at, rule["name"], "nudge", unit, met[-1][1], about))
    return facts


def report(world: dict[str, Any], rule: dict[str, Any], first: date, last: date) -> list[Fact]:
    facts: list[Fact] = []
    weekday, due_hour = rule["due"].split()
    for n in range(-60, (last - first).days + 30):
        nominal = first + n * DAY
        if WEEKDAYS[nominal.weekday()] != weekday:
            continue
        due = back(world, nominal)
        if week_of(due) != week_of(nominal) or not allowed(world, rule, due):
            continue
        due_at = datetime.combine(due, hour(due_hour))
        slots = [*reminds(world, rule, nominal, due_at), *chases(world, rule, nominal)]
        for unit in {unit for _, unit in pairs(world, rule)}:
            if not any(chased(m, due) for m, of in pairs(world, rule) if of == unit):
                continue
            sent = world["reports"].get((unit, week_of(nominal)))
            for kind in ("report_due", "report_chase"):
                for day in {at.date() for of, _, at in slots if of == kind}:
                    at, at_nominal = max((at, then) for of, then, at in slots if of == kind and at.date() == day)
                    if allowed(world, rule, day) and not (sent and sent <= at):
                        facts.append(Fact(at, rule["name"], kind, unit, at_nominal, (), week_of(nominal)))
    return facts


def reminds(
    world: dict[str, Any], rule: dict[str, Any], nominal: date, due_at: datetime
) -> list[tuple[str, date, datetime]]:
    slots = []
    for entry in rule.get("remind") or [rule["due"]]:
        weekday, at = entry.split()
        then = nominal + (WEEKDAYS.index(weekday) - nominal.weekday()) * DAY
        day = back(world, then)
        if week_of(day) != week_of(nominal):
            day = on(world, then)
        day = min(day, due_at.date())
        slots.append(("report_due", then, min(datetime.combine(day, hour(at)), due_at)))
    return slots


def chases(world: dict[str, Any], rule: dict[str, Any], nominal: date) -> list[tuple[str, date, datetime]]:
    chase = rule.get("chase")
    if not chase:
        return []
    weekday, at = (chase if isinstance(chase, str) else chase["from"]).split()
    then = nominal + DAY
    while WEEKDAYS[then.weekday()] != weekday:
        then += DAY
    nominals, end = [then], then
    if isinstance(chase, dict):
        while WEEKDAYS[end.weekday()] != chase["until"]:
            end += DAY
        while far(world, nominals[-1], chase["every"], 1) <= end:
            nominals.append(far(world, nominals[-1], chase["every"], 1))
    return [("report_chase", day, datetime.combine(on(world, day), hour(at))) for day in nominals]


def rides(world: dict[str, Any], rule: dict[str, Any], found: list[Fact]) -> list[Fact]:
    """Each fact in the next message of the nudge that speaks of its measure; alone where it would come too late."""
    nudging = next(other for other in world["rules"] if other["name"] == rule["ride"])
    together: dict[tuple[str, str, date], list[Fact]] = {}
    for fact in found:
        measure = next(m for m in world["measures"] if m["code"] == fact.about[0][0])
        at = next_nudge(world, nudging, fact.at)
        late = fact.kind != "overdue" and at is not None and at.date() > measure["deadline"]
        if at is None or late or not speaks(nudging, measure, fact.unit) or not chased(measure, at.date()):
            at = fact.at
        together.setdefault((fact.unit, measure["code"], at.date()), []).append(fact._replace(at=at))
    merged = []
    for (_, code, _), facts in together.items():
        passed = tuple(sorted({n for fact in facts for n in fact.about[0][1]}))
        nearest = max(facts, key=lambda fact: fact.occasion)
        merged.append(nearest._replace(occasion=min(fact.occasion for fact in facts), about=((code, passed),)))
    return merged


def next_nudge(world: dict[str, Any], rule: dict[str, Any], after: datetime) -> datetime | None:
    days = [after.date() + n * DAY for n in range(-20, 380)]
    moved = sorted({on(world, day) for day in days if falls(world, rule["on"], day)})
    at = (datetime.combine(day, hour(rule.get("at", "09:00"))) for day in moved if allowed(world, rule, day))
    return next((instant for instant in at if instant >= after), None)
