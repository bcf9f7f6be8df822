"""What each kind of rule sends, day by day; see `oracle`. Shares no code with the program either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.rig import oracle
from tests.rig.oracle import (
    DAY,
    WEEKDAYS,
    Fact,
    World,
    allowed,
    back,
    chased,
    counted,
    facts,
    far,
    hour,
    landing,
    number,
    on,
    pairs,
    repeated,
    speaks,
    standing,
    week_of,
)

FAR = timedelta(days=40)  # further than any day is moved
Rule = dict[str, Any]


def plan(world: World, first: date, last: date) -> set[Fact]:
    """Every reminder that goes from `first` to `last`, both included."""
    every: set[Fact] = set()
    for rule in world["rules"]:
        found = [fact for kind in KINDS[rule["kind"]] for fact in kind(world, rule, first, last)]
        every |= set(oracle.rides(world, rule, found) if rule.get("ride") else found)
    return {heard for fact in every if first <= fact.at.date() <= last and (heard := unsilenced(world, fact))}


def unsilenced(world: World, fact: Fact) -> Fact | None:
    """The fact without the measures that are silenced on its day; None where nothing is left."""
    about = list(fact.about)
    for silence in world["silences"]:
        meant = silence["unit"] in (None, fact.unit, fact.to) and silence["rule"] in (None, fact.rule)
        if meant and silence["since"] <= fact.at.date() < (silence["ended_on"] or silence["until"] + DAY):
            about = [one for one in about if silence["measure"] not in (None, one[0])]
            if silence["measure"] is None or (fact.about and not about):
                return None
    return fact._replace(about=tuple(about))


def spoken_of(rule: Rule, measure: dict[str, Any], unit: str, day: date) -> bool:
    return chased(measure, day) and speaks(rule, measure, unit, day)


def on_days(world: World, rule: Rule, when: Any, first: date, last: date) -> dict[date, date]:
    """The days on which something goes on the days of `when` → the latest nominal day that lands there."""
    nominals = [first + n * DAY for n in range(-40, (last - first).days + 40)]
    days = landing(((0, day) for day in nominals if oracle.falls(world, when, day)), lambda day: on(world, day))
    return {day: met[-1][1] for day, met in days.items() if allowed(world, rule, day)}


def countdown(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    for measure, unit in pairs(world, rule):
        if (deadline := counted(measure)) is None:
            continue
        nominals = [(number(distance), far(world, deadline, distance, -1)) for distance in rule["before"]]
        for day, met in landing(nominals, lambda nominal: back(world, nominal)).items():
            if allowed(world, rule, day) and spoken_of(rule, measure, unit, day):
                passed = tuple(sorted({n for n, _ in met}))
                at, about = datetime.combine(day, hour(rule)), {measure["code"]: passed}
                kind = "before" if passed[0] else "due"
                yield from facts(world, rule, kind, unit, at, met[0][1], about, passed=[deadline])


def overdue(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    every = rule["every"] if isinstance(rule["every"], list) else [rule["every"]]
    steps, unit_of = [number(step) for step in every], "{}wd" if isinstance(every[0], str) else "{}"
    gap = steps[-1] - (steps[-2] if len(steps) > 1 else 0)
    steps += [steps[-1] + n * gap for n in range(1, 400 // gap)]
    for measure, unit in pairs(world, rule):
        if (deadline := counted(measure)) is None or deadline > last:
            continue
        nominals: list[tuple[int, date]] = []
        for n in steps:
            nominals.append((n, far(world, deadline, unit_of.format(n) if unit_of != "{}" else n)))
            if nominals[-1][1] > last + FAR:
                break
        for day, met in landing(nominals, lambda nominal: on(world, nominal, beyond=deadline)).items():
            if allowed(world, rule, day) and spoken_of(rule, measure, unit, day):
                at, about = datetime.combine(day, hour(rule)), {measure["code"]: tuple(n for n, _ in met)}
                yield from facts(world, rule, "overdue", unit, at, met[0][1], about, passed=[deadline])


def climbed(world: World, rule: Rule, measure: dict[str, Any], last: date) -> dict[date, list[Rule]]:
    """The days on which steps are taken → those steps. A step below one that is taken goes with it."""
    left, taken, deadline = list(rule.get("escalate", [])), dict[date, list[Rule]](), counted(measure)
    day = deadline or last
    while left and day < last:
        day += DAY
        if ready := [n for n, step in enumerate(left) if is_taken(world, step, measure, taken, day)]:
            taken[day], left = left[: ready[-1] + 1], left[ready[-1] + 1 :]
    return taken


def is_taken(world: World, step: Rule, measure: dict[str, Any], taken: dict[date, list[Rule]], day: date) -> bool:
    deadline = measure["deadline"]
    own = on(world, far(world, deadline, step["after"]), beyond=deadline)
    since = max((before for before in taken if before < own), default=deadline)
    counts = [answer for answer in measure["answers"] if since < answer < day] if "unless_answered" in step else []
    return own <= day and not any(day < on(world, far(world, answer, step["unless_answered"])) for answer in counts)


def escalation(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    ladder = [(m, unit, climbed(world, rule, m, last)) for m, unit in pairs(world, rule) if counted(m)]
    for measure, unit, taken in ladder:
        for day, steps in taken.items():
            if allowed(world, rule, day) and spoken_of(rule, measure, unit, day):
                at, nominal = datetime.combine(day, hour(rule)), far(world, measure["deadline"], steps[-1]["after"])
                about = {measure["code"]: tuple(sorted({number(step["after"]) for step in steps}))}
                to = list(dict.fromkeys(entry for step in steps for entry in step["to"]))
                passed = [measure["deadline"]]
                yield from facts(world, rule, "escalation", unit, at, nominal, about, passed=passed, to=to)
    for day, nominal in on_days(world, rule, rule.get("leaders_on", []), first, last).items():
        listed: dict[tuple[str, str], oracle.About] = {}
        for measure, unit, taken in ladder:
            told = {entry for then, steps in taken.items() if then < day for step in steps for entry in step["to"]}
            today = {entry for step in taken.get(day, []) for entry in step["to"]}
            for entry in told - today - {"unit", "supporting"} if spoken_of(rule, measure, unit, day) else ():
                listed.setdefault((unit, entry), {})[measure["code"]] = ()
        for (unit, entry), about in listed.items():
            at = datetime.combine(day, hour(rule))
            yield from facts(world, rule, "escalation", unit, at, nominal, about, to=[entry])


def nudge(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    for day, nominal in on_days(world, rule, rule["on"], first, last).items():
        for unit in {unit for _, unit in pairs(world, rule)}:
            about: oracle.About = {
                m["code"]: () for m, of in pairs(world, rule) if of == unit and spoken_of(rule, m, unit, day)
            }
            if about:
                yield from facts(world, rule, "nudge", unit, datetime.combine(day, hour(rule)), nominal, about)


def pace(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    for measure, unit in pairs(world, rule):
        deadline, dated, moved = counted(measure), measure["dated"], sorted(measure["answers"])
        begun = dated or min([*moved[:1], *([measure["progress_on"]] if measure["progress_on"] and not moved else [])])
        told = None
        for day, nominal in sorted(on_days(world, rule, rule["on"], begun, last).items()):
            if deadline is None or day < begun or not chased(measure, day):
                continue
            whole = max(oracle.elapsed(world, dated, deadline), 1) if dated else 1
            line = 100 if day >= deadline else 100 * oracle.elapsed(world, dated, day) // whole if dated else 0
            reported = measure["percent"] is not None and day >= (measure["progress_on"] or dated or date.max)
            behind = dated and reported and "behind" in rule and line - measure["percent"] >= rule["behind"]
            since = max(
                (answer for answer in [*moved, measure["progress_on"] or day + DAY] if answer <= day), default=dated
            )
            stale = "stale" in rule and since and far(world, since, rule["stale"]) <= day
            if (behind or stale) and not (told and "repeat" in rule and day < far(world, told, rule["repeat"])):
                told, at = day, datetime.combine(day, hour(rule))
                passed = [dated, deadline] if behind else [since]
                if speaks(rule, measure, unit, day):
                    yield from facts(world, rule, "pace", unit, at, nominal, {measure["code"]: ()}, passed=passed)


def look_back(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    for measure, unit in pairs(world, rule):
        written_off = [then for then, to in measure["changes"] if to == "written_off"]
        begun = [then for then in written_off if standing(measure, then - DAY) != "written_off"]
        for since in begun:
            due = dict(sorted((far(world, since, distance), number(distance)) for distance in rule["after"]))
            nominals: list[tuple[tuple[date, int], date]] = []
            for this, following in zip(due, [*list(due)[1:], date.max], strict=True):
                if allowed(world, rule, on(world, this)):
                    again = repeated(world, this, rule.get("chase"), min(following, last + FAR))
                    nominals += [((this, due[this]), day) for day in [this, *again]]
            for day, met in landing(nominals, lambda nominal: on(world, nominal)).items():
                (this, n), nominal = met[-1]
                in_force = standing(measure, day) == "written_off" and max(d for d in begun if d <= day) == since
                recorded = any(this <= result <= day for result in measure["look_backs"])
                if in_force and not recorded and allowed(world, rule, day) and speaks(rule, measure, unit, day):
                    at, about = datetime.combine(day, hour(rule)), {measure["code"]: (n,)}
                    yield from facts(world, rule, "look_back", unit, at, nominal, about, passed=[since])


def awaiting_reply(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    for letter in world["letters"]:
        due = letter["reply_by"] or far(world, letter["sent_on"], rule["within"])
        passed = [due] if letter["reply_by"] else [due, letter["sent_on"]]
        early = {(0, far(world, due, distance, -1)) for distance in rule.get("before", [])}
        late = [(1, day) for day in repeated(world, due, rule.get("chase"), last + FAR)]
        moved = {of: back(world, of[1]) for of in early} | {of: on(world, of[1], beyond=due) for of in late}
        for day in set(moved.values()):
            nominal = max(of[1] for of, to in moved.items() if to == day)
            open_ = letter["sent_on"] < day and not (letter["replied_on"] and letter["replied_on"] <= day)
            if open_ and allowed(world, rule, day):
                at, of, to = datetime.combine(day, hour(rule)), str(letter["id"]), letter["addressee"]
                yield from facts(world, rule, "awaiting_reply", to, at, nominal, {}, of, passed=passed)


def duty(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    nominals = [first + n * DAY for n in range(-440, (last - first).days + 440)]
    nominals = [day for day in nominals if oracle.falls(world, rule["due"], day)]
    for nominal, following in zip(nominals, [*nominals[1:], date(2100, 1, 1)], strict=True):
        due, end, of = back(world, nominal), back(world, following), period(rule["due"], nominal)
        early = landing([(0, far(world, due, d, -1)) for d in rule["remind"]], lambda day: back(world, day))
        late = landing(
            [(0, day) for day in repeated(world, due, rule.get("chase"), min(end, last + FAR))],
            lambda day: on(world, day),
        )
        due_at = datetime.combine(due, hour(rule["due"], "hour"))
        slots = [(min(datetime.combine(day, hour(rule)), due_at), met[-1][1]) for day, met in early.items()]
        slots += [(datetime.combine(d, hour(rule)), met[-1][1]) for d, met in late.items() if due < d < end]
        for at, then in slots if allowed(world, rule, due) else ():
            for unit in rule["owed_by"]:
                records = (
                    count
                    for name, by, p, day, count in world["done"]
                    if (name, by, p) == (rule["name"], unit, of) and day <= at.date()
                )
                if sum(records) < rule.get("min", 1) and allowed(world, rule, at.date()):
                    yield from facts(world, rule, "duty", unit, at, then, {}, of, passed=[due, nominal])


def period(due: Rule, day: date) -> str:
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    named = {"week": week_of(day), "month": f"{day:%Y-%m}", "quarter": quarter, "year": f"{day:%Y}"}
    return next((name for key, name in named.items() if key in due), str(day))


def report(world: World, rule: Rule, first: date, last: date) -> Iterator[Fact]:
    weekday, due_hour = rule["due"].split()
    for nominal in (first + n * DAY for n in range(-60, (last - first).days + 30)):
        due, of = back(world, nominal), week_of(nominal)
        if WEEKDAYS[nominal.weekday()] != weekday or week_of(due) != of or not allowed(world, rule, due):
            continue
        due_at = datetime.combine(due, hour({"at": due_hour}))
        slots = [*reminds(world, rule, nominal, due_at), *chases(world, rule, nominal)]
        for unit in {unit for _, unit in pairs(world, rule)}:
            owed = any(spoken_of(rule, m, unit, due) for m, by in pairs(world, rule) if by == unit)
            sent = world["reports"].get((unit, of))
            for kind, day in {(kind, at.date()) for kind, _, at in slots if owed}:
                at, then = max((at, then) for of_, then, at in slots if (of_, at.date()) == (kind, day))
                if allowed(world, rule, day) and not (sent and sent <= at):
                    yield from facts(world, rule, kind, unit, at, then, {}, of, passed=[due])


def reminds(world: World, rule: Rule, nominal: date, due_at: datetime) -> Iterator[tuple[str, date, datetime]]:
    for entry in rule.get("remind") or [rule["due"]]:
        weekday, at = entry.split()
        then = nominal + (WEEKDAYS.index(weekday) - nominal.weekday()) * DAY
        day = back(world, then)
        day = min(day if week_of(day) == week_of(nominal) else on(world, then), due_at.date())
        yield "report_due", then, min(datetime.combine(day, hour({"at": at})), due_at)


def chases(world: World, rule: Rule, nominal: date) -> Iterator[tuple[str, date, datetime]]:
    chase = rule.get("chase", {})
    chase = {"from": chase} if isinstance(chase, str) else chase
    weekday, at = chase.get("from", "monday 09:00").split()
    days = [nominal + n * DAY for n in range(1, 15)]
    begins = next(day for day in days if WEEKDAYS[day.weekday()] == weekday)
    ends = next(day for day in days if day >= begins and WEEKDAYS[day.weekday()] == chase.get("until", "sunday"))
    for day in [begins, *repeated(world, begins, chase.get("every"), ends + DAY)] if chase else ():
        yield "report_chase", day, datetime.combine(on(world, day), hour({"at": at}))


KINDS = {
    "deadline": [countdown],
    "overdue": [overdue, escalation],
    "nudge": [nudge],
    "report": [report],
    "pace": [pace],
    "look_back": [look_back],
    "awaiting_reply": [awaiting_reply],
    "duty": [duty],
}
