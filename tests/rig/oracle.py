"""What should be sent, worked out day by day by brute force. Shares no code with the program, on purpose.

A world is a dict (see `worlds.py`): days, people, measures, rules as in rules.toml, reports, letters, duties. The
answer is a set of Facts. Slow, plain, and meant to be read against the contract.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

DAY = timedelta(days=1)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
World = dict[str, Any]
About = dict[str, tuple[int, ...]]  # measure → distances in days


class Fact(NamedTuple):
    """One reminder: when it goes, by which rule, of which kind, for which unit, to whom, about what."""

    at: datetime
    rule: str
    kind: str
    unit: str
    to: str
    occasion: date
    about: tuple[tuple[str, tuple[int, ...]], ...]
    of: str  # the report's week, the duty's period, the letter's number
    provisional: bool


# --- days


def works(world: World, day: date) -> bool:
    return day not in world["rest"]


def known(world: World, day: date) -> bool:
    """Whether a calendar covers `day`."""
    return not world["covered"] or day.year in world["covered"] or day in world["off"] | world["work"]


def guessed(world: World, *passed: date) -> bool:
    length = (max(passed) - min(passed)).days
    return bool(world["covered"]) and any(not known(world, min(passed) + n * DAY) for n in range(length + 1))


def back(world: World, day: date) -> date:
    while not works(world, day):
        day -= DAY
    return day


def on(world: World, day: date, beyond: date = date.min) -> date:
    """The next working day; on days that are only guessed the one before, but never one that is not `beyond`."""
    if not known(world, day) and back(world, day) > beyond:
        return back(world, day)
    while not works(world, day):
        day += DAY
    return day


def far(world: World, day: date, distance: Any, sign: int = 1) -> date:
    """The day that lies `distance` ("5wd" or 5) before (-1) or after (+1) `day`."""
    if isinstance(distance, int):
        return day + sign * distance * DAY
    left = number(distance)
    while left:
        day += sign * DAY
        left -= works(world, day)
    return day


def repeated(world: World, day: date, every: Any, end: date) -> Iterator[date]:
    """The nominal days after `day` and before `end`."""
    while every and (day := far(world, day, every)) < end:
        yield day


def elapsed(world: World, first: date, last: date) -> int:
    """The working days after `first` up to `last`."""
    return bisect_right(world["working"], last) - bisect_right(world["working"], first)


def number(distance: Any) -> int:
    return distance if isinstance(distance, int) else int(distance[:-2])


def hour(rule: dict[str, Any], key: str = "at") -> time:
    return time.fromisoformat(rule.get(key, "09:00"))


def allowed(world: World, rule: dict[str, Any], day: date) -> bool:
    begins = max(rule.get("from", date.min), world["started_on"] or date.min)
    return begins <= day <= rule.get("until", date.max)


def week_of(day: date) -> str:
    return "{}-W{:02d}".format(*day.isocalendar()[:2])


def landing(nominals: Iterable[tuple[Any, date]], move: Callable[[date], date]) -> dict[date, list[tuple[Any, date]]]:
    """By the day on which they go, (what, nominal day) in the order of the nominal days."""
    days: dict[date, list[tuple[Any, date]]] = {}
    for what, nominal in sorted(nominals, key=lambda one: one[1]):
        days.setdefault(move(nominal), []).append((what, nominal))
    return days


def falls(world: World, when: Any, day: date) -> bool:
    """Whether `day` is one of the nominal days that `on` or `due` writes."""
    name = WEEKDAYS[day.weekday()]
    if isinstance(when, str | list) or "dates" in when:
        return day in when["dates"] if "dates" in when else name in ([when] if isinstance(when, str) else when)
    if "week" in when:
        since = when.get("since", date(2001, 1, 1))
        weeks = ((day - day.weekday() * DAY) - (since - since.weekday() * DAY)).days // 7
        return name == when["week"] and weeks >= 0 and weeks % when.get("every", 1) == 0
    end = (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    if "year" in when:
        return f"{day:%m}-{min(int(when['year'][3:]), end.day)}" == f"{when['year'][:2]}-{day.day}"
    wanted = when.get("month") or when["quarter"]
    if wanted in ("last wd", "last day"):
        return ("month" in when or day.month % 3 == 0) and day == (back(world, end) if wanted == "last wd" else end)
    if isinstance(wanted, int):
        return day.day == min(wanted, end.day)
    ordinal, weekday = wanted.split()
    in_turn = day + 7 * DAY > end if ordinal == "last" else (day.day - 1) // 7 + 1 == int(ordinal[0])
    return name == weekday and in_turn


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


def speaks(rule: dict[str, Any], measure: dict[str, Any], unit: str, day: date) -> bool:
    own = {name: {measure[name]} for name in ("aspect", "problem", "leader", "ledger", "standing", "blocked")}
    own |= {"unit": {unit}, "deadline": {measure["kind"]}, "tag": set(measure["tags"])}
    own["status"] = {standing(measure, day)}

    def agrees(match: dict[str, Any]) -> bool:
        return all(own[name] & set(wanted if isinstance(wanted, list) else [wanted]) for name, wanted in match.items())

    excluded = rule.get("except")
    return agrees(rule.get("match", {})) and not (excluded and agrees(excluded))


def pairs(world: World, rule: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    named = rule.get("match", {}).get("unit", [])
    return [
        (measure, unit)
        for measure in world["measures"]
        for unit in measure["units"]
        if unit not in world["outside"] or unit in named
    ]


# --- to whom


def reached(world: World, name: str) -> str:
    """Who gets it instead: the deputies in turn, else the office."""
    asked: list[str] = []
    while name not in asked and name not in world["reached"]:
        asked.append(name)
        name = world["deputies"].get(name, name)
    return name if name in world["reached"] else "office"


def posts(world: World, entry: str, unit: str, measure: dict[str, Any] | None) -> list[str]:
    """Whom `entry` of `to` means for a measure of `unit`, or for the unit itself."""
    if entry == "supporting":
        return measure["supporting"] if measure else []
    if entry == "leader":
        return [(measure and measure["leader"]) or world["leaders"].get(unit) or "nobody"]
    return [{"unit": unit, "addressee": unit, "principal": world["principal"]}.get(entry, entry.rpartition(":")[2])]


def facts(  # noqa: PLR0917 - a fact has as many sides
    world: World,
    rule: dict[str, Any],
    kind: str,
    unit: str,
    at: datetime,
    occasion: date,
    about: About,
    of: str = "",
    *,
    passed: Iterable[date] = (),
    to: Iterable[str] = (),
) -> Iterator[Fact]:
    """What goes at `at` to each recipient, with the measures that concern him."""
    default = ["office"] if rule["kind"] in ("look_back", "awaiting_reply") else ["unit"]
    shown: dict[str, About] = {}
    for entry in to or rule.get("to", default):
        for code in about or [""]:
            measure = next((m for m in world["measures"] if m["code"] == code), None)
            for post in posts(world, entry, unit, measure):
                shown.setdefault(reached(world, post), {}).update({code: about[code]} if about else {})
    provisional = guessed(world, at.date(), occasion, *passed)
    for recipient, lines in shown.items():
        yield Fact(at, rule["name"], kind, unit, recipient, occasion, tuple(sorted(lines.items())), of, provisional)


# --- riding in a nudge


def rides(world: World, rule: dict[str, Any], found: list[Fact]) -> Iterator[Fact]:
    """Each fact in the next message of the nudge that speaks of its measure; alone where it would come too late."""
    nudging = next(other for other in world["rules"] if other["name"] == rule["ride"])
    first = min((fact.at.date() for fact in found), default=date.min + 20 * DAY)
    days = (first + n * DAY for n in range(-20, 480))
    moved = sorted({on(world, day) for day in days if found and falls(world, nudging["on"], day)})
    goes = [datetime.combine(day, hour(nudging)) for day in moved if allowed(world, nudging, day)]
    together: dict[tuple[str, str, str, date], list[Fact]] = {}
    for fact in found:
        if fact.kind == "escalation":
            yield fact
            continue
        measure = next(m for m in world["measures"] if m["code"] == fact.about[0][0])
        at = next((instant for instant in goes if instant >= fact.at), None)
        late = at is None or (fact.kind in ("before", "due") and at.date() > measure["deadline"])
        if at is None or late or not speaks(nudging, measure, fact.unit, at.date()) or not chased(measure, at.date()):
            at = fact.at
        doubt = fact.provisional or guessed(world, fact.at.date(), at.date())
        key = (fact.unit, fact.to, measure["code"], at.date())
        together.setdefault(key, []).append(fact._replace(at=at, provisional=doubt))
    for (*_, code, _), met in together.items():
        nearest = max(met, key=lambda fact: fact.occasion)
        passed = tuple(sorted({n for fact in met for n in fact.about[0][1]}))
        doubt, earliest = any(fact.provisional for fact in met), min(fact.occasion for fact in met)
        yield nearest._replace(occasion=earliest, about=((code, passed),), provisional=doubt)
