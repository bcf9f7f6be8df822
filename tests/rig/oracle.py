"""What should be sent, worked out day by day by brute force. Shares no code with the program, on purpose.

A world is a dict (see `worlds.py`): days, people, measures, rules as in rules.toml, reports, letters, duties. The
answer is a set of Facts. Slow, plain, and meant to be read against the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

DAY = timedelta(days=1)
FAR = timedelta(days=40)  # further than any day is moved
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
World = dict[str, Any]
Rule = dict[str, Any]
About = dict[str, tuple[int, ...]]  # measure → distances in days


class Goes(NamedTuple):
    """Something that a rule says at an instant, before it is known to whom."""

    at: datetime
    kind: str
    unit: str
    occasion: date
    about: About
    of: str = ""  # the report's week, the duty's period, the letter's number
    passed: Iterable[date] = ()  # days that were counted through, beside the occasion
    to: Iterable[str] = ()  # instead of the rule's own `to`


class Fact(NamedTuple):
    """One reminder: when it goes, by which rule, of which kind, for which unit, to whom, about what."""

    at: datetime
    rule: str
    kind: str
    unit: str
    to: str
    occasion: date
    about: tuple[tuple[str, tuple[int, ...]], ...]
    of: str
    provisional: bool


def plan(world: World, first: date, last: date) -> set[Fact]:
    """Every reminder that goes from `first` to `last`, both included."""
    every: set[Fact] = set()
    for rule in world["rules"]:
        said = (goes for kind in KINDS[rule["kind"]] for goes in kind(world, rule, first, last))
        found = [fact for one in said if allowed(world, rule, one.at.date()) for fact in sent(world, rule, one)]
        every |= set(rides(world, rule, found) if rule.get("ride") else found)
    return {heard for fact in every if first <= fact.at.date() <= last and (heard := unsilenced(world, fact))}


# --- days


def known(world: World, day: date) -> bool:
    """Whether a calendar covers `day`."""
    return not world["covered"] or day.year in world["covered"] or day in world["off"] | world["work"]


def guessed(world: World, *passed: date) -> bool:
    length = (max(passed) - min(passed)).days
    return bool(world["covered"]) and any(not known(world, min(passed) + n * DAY) for n in range(length + 1))


def back(world: World, day: date) -> date:
    while day in world["rest"]:
        day -= DAY
    return day


def on(world: World, day: date, beyond: date = date.min) -> date:
    """The next working day; on days that are only guessed the one before, but never one that is not `beyond`."""
    if not known(world, day) and back(world, day) > beyond:
        return back(world, day)
    while day in world["rest"]:
        day += DAY
    return day


def number(distance: Any) -> int:
    return distance if isinstance(distance, int) else int(distance[:-2])


def far(world: World, day: date, distance: Any, sign: int = 1) -> date:
    """The day that lies `distance` ("5wd" or 5) before (-1) or after (+1) `day`."""
    left = number(distance)
    while left:
        day += sign * DAY
        left -= isinstance(distance, int) or day not in world["rest"]
    return day


def repeated(world: World, day: date, every: Any, end: date) -> Iterator[date]:
    """The nominal days after `day` and before `end`."""
    while every and (day := far(world, day, every)) < end:
        yield day


def landing(nominals: Iterable[tuple[Any, date]], move: Callable[[date], date]) -> dict[date, list[tuple[Any, date]]]:
    """By the day on which they go, (what, nominal day) in the order of the nominal days."""
    days: dict[date, list[tuple[Any, date]]] = {}
    for what, nominal in sorted(nominals, key=lambda one: one[1]):
        days.setdefault(move(nominal), []).append((what, nominal))
    return days


def instant(rule: Rule, day: date, key: str = "at") -> datetime:
    return datetime.combine(day, time.fromisoformat(rule.get(key, "09:00")))


def allowed(world: World, rule: Rule, day: date) -> bool:
    return max(rule.get("from", date.min), world["started_on"] or date.min) <= day <= rule.get("until", date.max)


def week_of(day: date) -> str:
    return "{}-W{:02d}".format(*day.isocalendar()[:2])


def falls(world: World, when: Any, day: date) -> bool:
    """Whether `day` is one of the nominal days that `on` or `due` writes."""
    name, end = WEEKDAYS[day.weekday()], (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    if isinstance(when, str | list) or "dates" in when:
        return day in when["dates"] if "dates" in when else name in ([when] if isinstance(when, str) else when)
    if "week" in when:
        since = when.get("since", date(2001, 1, 1))
        weeks = ((day - day.weekday() * DAY) - (since - since.weekday() * DAY)).days // 7
        return name == when["week"] and weeks >= 0 and weeks % when.get("every", 1) == 0
    if "year" in when:
        return f"{day:%m}-{min(int(when['year'][3:]), end.day)}" == f"{when['year'][:2]}-{day.day}"
    wanted = when.get("month") or when["quarter"]
    if wanted in ("last wd", "last day"):
        return ("month" in when or day.month % 3 == 0) and day == (back(world, end) if wanted == "last wd" else end)
    if isinstance(wanted, int):
        return day.day == min(wanted, end.day)
    ordinal, weekday = wanted.split()
    return name == weekday and (day + 7 * DAY > end if ordinal == "last" else (day.day + 6) // 7 == int(ordinal[0]))


def on_days(world: World, rule: Rule, when: Any, first: date, last: date) -> dict[date, date]:
    """The days on which something goes on the days of `when` → the latest nominal day that lands there."""
    nominals = [first + n * DAY for n in range(-40, (last - first).days + 40)]
    days = landing(((0, day) for day in nominals if falls(world, when, day)), lambda day: on(world, day))
    return {day: met[-1][1] for day, met in days.items() if allowed(world, rule, day)}


# --- measures and people


def standing(measure: Rule, day: date) -> str:
    before = [to for changed_on, to in measure["changes"] if changed_on <= day]
    return [("in_progress" if measure["changes"] else measure["status"]), *before][-1]


def counted(measure: Rule) -> date | None:
    return measure["deadline"] if measure["kind"] in ("date", "immediate") and measure["confirmed"] else None


def speaks(rule: Rule, measure: Rule, unit: str, day: date) -> bool:
    own = {name: {measure[name]} for name in ("aspect", "problem", "leader", "ledger", "standing", "blocked")}
    own |= {
        "unit": {unit},
        "deadline": {measure["kind"]},
        "tag": {*measure["tags"]},
        "status": {standing(measure, day)},
    }

    def agrees(match: Rule) -> bool:
        return all(own[name] & set(wanted if isinstance(wanted, list) else [wanted]) for name, wanted in match.items())

    return agrees(rule.get("match", {})) and not (rule.get("except") and agrees(rule["except"]))


def chased(measure: Rule, day: date) -> bool:
    return standing(measure, day) in ("not_started", "in_progress", "phase_complete")


def spoken_of(rule: Rule, measure: Rule, unit: str, day: date) -> bool:
    return chased(measure, day) and speaks(rule, measure, unit, day)


def pairs(world: World, rule: Rule) -> list[tuple[Rule, str]]:
    named = rule.get("match", {}).get("unit", [])
    every = [(measure, unit) for measure in world["measures"] for unit in measure["units"]]
    return [(measure, unit) for measure, unit in every if unit not in world["outside"] or unit in named]


def reached(world: World, name: str) -> str:
    """Who gets it instead: the deputies in turn, else the office."""
    asked: list[str] = []
    while name not in asked and name not in world["reached"]:
        asked.append(name)
        name = world["deputies"].get(name, name)
    return name if name in world["reached"] else "office"


def posts(world: World, entry: str, unit: str, measure: Rule | None) -> list[str]:
    """Whom `entry` of `to` means for a measure of `unit`, or for the unit itself."""
    if entry == "supporting":
        return measure["supporting"] if measure else []
    if entry == "leader":
        return [(measure and measure["leader"]) or world["leaders"].get(unit) or "nobody"]
    return [{"unit": unit, "addressee": unit, "principal": world["principal"]}.get(entry, entry.rpartition(":")[2])]


def sent(world: World, rule: Rule, goes: Goes) -> Iterator[Fact]:
    """What goes to each recipient, with the measures that concern him."""
    default = ["office"] if rule["kind"] in ("look_back", "awaiting_reply") else ["unit"]
    shown: dict[str, About] = {}
    for entry in goes.to or rule.get("to", default):
        for code in goes.about or [""]:
            measure = next((m for m in world["measures"] if m["code"] == code), None)
            for post in posts(world, entry, goes.unit, measure):
                shown.setdefault(reached(world, post), {}).update({code: goes.about[code]} if goes.about else {})
    doubt = guessed(world, goes.at.date(), goes.occasion, *goes.passed)
    for to, lines in shown.items():
        about = tuple(sorted(lines.items()))
        yield Fact(goes.at, rule["name"], goes.kind, goes.unit, to, goes.occasion, about, goes.of, doubt)


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


def rides(world: World, rule: Rule, found: list[Fact]) -> Iterator[Fact]:
    """Each fact in the next message of the nudge that speaks of its measure; alone where it would come too late."""
    nudging = next(other for other in world["rules"] if other["name"] == rule["ride"])
    first = min((fact.at.date() for fact in found), default=date(2001, 1, 1))
    goes = sorted(instant(nudging, day) for day in on_days(world, nudging, nudging["on"], first, first + 480 * DAY))
    together: dict[tuple[str, str, str, date], list[Fact]] = {}
    for fact in found:
        if fact.kind == "escalation":
            yield fact
            continue
        measure = next(m for m in world["measures"] if m["code"] == fact.about[0][0])
        within = fact.at.date() + 378 * DAY
        at = next((one for one in goes if one >= fact.at and one.date() <= within), fact.at)
        late = fact.kind in ("before", "due") and at.date() > measure["deadline"]
        if late or not spoken_of(nudging, measure, fact.unit, at.date()):
            at = fact.at
        doubt = fact.provisional or guessed(world, fact.at.date(), at.date())
        key = (fact.unit, fact.to, measure["code"], at.date())
        together.setdefault(key, []).append(fact._replace(at=at, provisional=doubt))
    for (*_, code, _), met in together.items():
        passed = tuple(sorted({n for fact in met for n in fact.about[0][1]}))
        doubt, earliest = any(fact.provisional for fact in met), min(fact.occasion for fact in met)
        nearest = max(met, key=lambda fact: fact.occasion)
        yield nearest._replace(occasion=earliest, about=((code, passed),), provisional=doubt)


# --- what each kind of rule says


def countdown(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    for measure, unit in pairs(world, rule):
        if deadline := counted(measure):
            nominals = [(number(distance), far(world, deadline, distance, -1)) for distance in rule["before"]]
            for day, met in landing(nominals, lambda nominal: back(world, nominal)).items():
                if spoken_of(rule, measure, unit, day):
                    days = tuple(sorted({n for n, _ in met}))
                    kind, about = "before" if days[0] else "due", {measure["code"]: days}
                    yield Goes(instant(rule, day), kind, unit, met[0][1], about, passed=[deadline])


def overdue(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    every = rule["every"] if isinstance(rule["every"], list) else [rule["every"]]
    steps, working = [number(step) for step in every], isinstance(every[0], str)
    gap = steps[-1] - (steps[-2] if len(steps) > 1 else 0)
    steps += [steps[-1] + n * gap for n in range(1, 180 // gap)]
    for measure, unit in pairs(world, rule):
        if deadline := counted(measure):
            nominals = [(n, far(world, deadline, f"{n}wd" if working else n)) for n in steps]
            for day, met in landing(nominals, lambda day, deadline=deadline: on(world, day, deadline)).items():  # type: ignore[misc]
                if spoken_of(rule, measure, unit, day):
                    about = {measure["code"]: tuple(n for n, _ in met)}
                    yield Goes(instant(rule, day), "overdue", unit, met[0][1], about, passed=[deadline])


def climbed(world: World, rule: Rule, measure: Rule, last: date) -> dict[date, list[Rule]]:
    """The days on which steps are taken → those steps. A step below one that is taken goes with it."""
    left, taken, day = list(rule.get("escalate", [])), dict[date, list[Rule]](), measure["deadline"]
    while left and day < last:
        day += DAY
        if ready := [n for n, step in enumerate(left) if is_taken(world, step, measure, taken, day)]:
            taken[day], left = left[: ready[-1] + 1], left[ready[-1] + 1 :]
    return taken


def is_taken(world: World, step: Rule, measure: Rule, taken: dict[date, list[Rule]], day: date) -> bool:
    own = on(world, far(world, measure["deadline"], step["after"]), measure["deadline"])
    since = max((before for before in taken if before < own), default=measure["deadline"])
    counts = [answer for answer in measure["answers"] if since < answer < day] if "unless_answered" in step else []
    return own <= day and not any(day < on(world, far(world, answer, step["unless_answered"])) for answer in counts)


def escalation(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    ladder = [(m, unit, climbed(world, rule, m, last)) for m, unit in pairs(world, rule) if counted(m)]
    for measure, unit, taken in ladder:
        for day, steps in taken.items():
            if spoken_of(rule, measure, unit, day):
                nominal = far(world, measure["deadline"], steps[-1]["after"])
                about = {measure["code"]: tuple(sorted({number(step["after"]) for step in steps}))}
                to, passed = list(dict.fromkeys(entry for step in steps for entry in step["to"])), [measure["deadline"]]
                yield Goes(instant(rule, day), "escalation", unit, nominal, about, passed=passed, to=to)
    for day, nominal in on_days(world, rule, rule.get("leaders_on", []), first, last).items():
        listed: dict[tuple[str, str], About] = {}
        for measure, unit, taken in ladder:
            told = {entry for then, steps in taken.items() if then < day for step in steps for entry in step["to"]}
            today = {entry for step in taken.get(day, []) for entry in step["to"]}
            for entry in told - today - {"unit", "supporting"} if spoken_of(rule, measure, unit, day) else ():
                listed.setdefault((unit, entry), {})[measure["code"]] = ()
        for (unit, entry), about in listed.items():
            yield Goes(instant(rule, day), "escalation", unit, nominal, about, to=[entry])


def nudge(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    for day, nominal in on_days(world, rule, rule["on"], first, last).items():
        about: dict[str, About] = {}
        for measure, unit in pairs(world, rule):
            if spoken_of(rule, measure, unit, day):
                about.setdefault(unit, {})[measure["code"]] = ()
        yield from (Goes(instant(rule, day), "nudge", unit, nominal, codes) for unit, codes in about.items())


def pace(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    def worked(since: date, day: date) -> int:
        return sum(since + n * DAY not in world["rest"] for n in range(1, (day - since).days + 1))

    for measure, unit in pairs(world, rule):
        deadline, dated, percent, told = counted(measure), measure["dated"], measure["percent"], None
        moved = sorted({*measure["answers"], *([measure["progress_on"]] if measure["progress_on"] else [])})
        begun = dated or min(measure["answers"] or moved)
        for day, nominal in sorted(on_days(world, rule, rule["on"], begun, last).items()):
            if deadline is None or day < begun or not chased(measure, day):
                continue
            line = 100 if day >= deadline else dated and 100 * worked(dated, day) // max(worked(dated, deadline), 1)
            reported = percent is not None and day >= (measure["progress_on"] or dated or date.max)
            behind = dated and reported and "behind" in rule and line - percent >= rule["behind"]
            since = max((answer for answer in moved if answer <= day), default=dated)
            stale = "stale" in rule and since and far(world, since, rule["stale"]) <= day
            if (behind or stale) and not (told and "repeat" in rule and day < far(world, told, rule["repeat"])):
                told, passed = day, [dated, deadline] if behind else [since]
                if speaks(rule, measure, unit, day):
                    yield Goes(instant(rule, day), "pace", unit, nominal, {measure["code"]: ()}, passed=passed)


def look_back(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
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
                if in_force and not recorded and speaks(rule, measure, unit, day):
                    yield Goes(instant(rule, day), "look_back", unit, nominal, {measure["code"]: (n,)}, passed=[since])


def awaiting_reply(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    for letter in world["letters"]:
        due = letter["reply_by"] or far(world, letter["sent_on"], rule["within"])
        passed = [due] if letter["reply_by"] else [due, letter["sent_on"]]
        nominals = [far(world, due, distance, -1) for distance in rule.get("before", [])]
        nominals += repeated(world, due, rule.get("chase"), last + FAR)
        moved = {day: back(world, day) if day <= due else on(world, day, due) for day in nominals}
        for day in set(moved.values()):
            nominal = max(nominal for nominal, to in moved.items() if to == day)
            if letter["sent_on"] < day and not (letter["replied_on"] and letter["replied_on"] <= day):
                to, of = letter["addressee"], str(letter["id"])
                yield Goes(instant(rule, day), "awaiting_reply", to, nominal, {}, of, passed)


def duty(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    every = [first + n * DAY for n in range(-440, (last - first).days + 440)]
    dues = [day for day in every if falls(world, rule["due"], day)]
    for due, end in zip(dues, [*dues[1:], date(2100, 1, 1)], strict=True):
        of, due_at, moved = period(rule["due"], due), instant(rule["due"], due, "hour"), dict[date, date]()
        nominals = {far(world, due, distance, -1) for distance in rule["remind"]}
        for day in sorted(nominals | {*repeated(world, due, rule.get("chase"), min(end, last + FAR))}):
            beyond = due if day > due else date.min
            moved[back(world, day) if day == due else on(world, day, beyond)] = day
        for day, nominal in moved.items():
            at = instant(rule, day) if day > due else min(instant(rule, day), due_at)
            for unit in rule["owed_by"] if day < end and allowed(world, rule, due) else ():
                done = [one[4] for one in world["done"] if one[:3] == (rule["name"], unit, of) and one[3] <= day]
                if sum(done) < rule.get("min", 1):
                    yield Goes(at, "duty", unit, nominal, {}, of, [due])


def period(due: Rule, day: date) -> str:
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    named = {"week": week_of(day), "month": f"{day:%Y-%m}", "quarter": quarter, "year": f"{day:%Y}"}
    return next((name for key, name in named.items() if key in due), str(day))


def report(world: World, rule: Rule, first: date, last: date) -> Iterator[Goes]:
    weekday, due_hour = rule["due"].split()
    for nominal in (first + n * DAY for n in range(-60, (last - first).days + 30)):
        due, of = back(world, nominal), week_of(nominal)
        if WEEKDAYS[nominal.weekday()] != weekday or week_of(due) != of or not allowed(world, rule, due):
            continue
        due_at = instant({"at": due_hour}, due)
        slots = [*reminds(world, rule, nominal, due_at), *chases(world, rule, nominal)]
        for unit in {unit for m, unit in pairs(world, rule) if spoken_of(rule, m, unit, due)}:
            submitted_at = world["reports"].get((unit, of))
            for kind, day in {(kind, at.date()) for kind, _, at in slots}:
                at, then = max((at, then) for other, then, at in slots if (other, at.date()) == (kind, day))
                if not (submitted_at and submitted_at <= at):
                    yield Goes(at, kind, unit, then, {}, of, [due])


def reminds(world: World, rule: Rule, nominal: date, due_at: datetime) -> Iterator[tuple[str, date, datetime]]:
    for weekday, at in (entry.split() for entry in rule.get("remind") or [rule["due"]]):
        then = nominal + (WEEKDAYS.index(weekday) - nominal.weekday()) * DAY
        day = back(world, then) if week_of(back(world, then)) == week_of(nominal) else on(world, then)
        yield "report_due", then, min(instant({"at": at}, min(day, due_at.date())), due_at)


def chases(world: World, rule: Rule, nominal: date) -> Iterator[tuple[str, date, datetime]]:
    chase = rule.get("chase", {})
    chase = {"from": chase} if isinstance(chase, str) else chase
    weekday, at = chase.get("from", "monday 09:00").split()
    days = [nominal + n * DAY for n in range(1, 15)]
    begins = next(day for day in days if WEEKDAYS[day.weekday()] == weekday)
    ends = next(day for day in days if day >= begins and WEEKDAYS[day.weekday()] == chase.get("until", "sunday"))
    for day in [begins, *repeated(world, begins, chase.get("every"), ends + DAY)] if chase else ():
        yield "report_chase", day, instant({"at": at}, on(world, day))


OTHERS = [nudge, report, pace, look_back, awaiting_reply, duty]
KINDS = {"deadline": [countdown], "overdue": [overdue, escalation]} | {kind.__name__: [kind] for kind in OTHERS}
