"""What should be sent, worked out day by day by brute force. Shares no code with the program, on purpose.

A world is a dict (see `worlds`): days, people, measures, rules as in rules.toml, reports, letters, duties. The answer
is a set of Facts. Slow, plain, and meant to be read against the contract; with its `days` at most 300 lines of code.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from tests.rig.days import DAY, FAR, WEEKDAYS, Days, chased, combine, days, listed, number, period, standing, week_of

COUNTED = ("before", "due", "overdue", "pace")  # what lands on one day adds up
World = Rule = dict[str, Any]
Fact = namedtuple("Fact", "at rule kind unit to occasion about of provisional")  # `of`: which week, period or letter


def plan(world: World, first: date, last: date) -> set[Fact]:
    """Every reminder that goes from `first` to `last`, both included."""
    oracle, heard = Oracle(world, first, last), set[Fact | None]()
    for rule in world["rules"]:
        found = list(getattr(oracle, rule["kind"])(rule))
        heard |= {oracle.unsilenced(fact) for fact in merged(oracle.rides(rule, found))}
    return {fact for fact in heard if fact and first <= fact.at.date() <= last}


def merged(found: Iterable[Fact]) -> Iterator[Fact]:
    """What one rule says of one measure on one day is one reminder: the nearest to its deadline, with all its days."""
    together: dict[Any, list[Fact]] = {}
    for fact in found:
        subject = fact.kind.replace("before", "due"), tuple(dict(fact.about)), fact.unit, fact.to, fact.at.date()
        together.setdefault(subject if fact.kind in COUNTED else fact, []).append(fact)
    for met in together.values():
        nearest, doubt = max(met, key=lambda fact: fact.occasion), any(fact.provisional for fact in met)
        about = tuple(
            (code, tuple(sorted({n for fact in met for n in dict(fact.about)[code]}))) for code, _ in nearest.about
        )
        yield nearest._replace(occasion=min(fact.occasion for fact in met), about=about, provisional=doubt)


def speaks(rule: Rule, measure: Rule, unit: str, day: date) -> bool:
    own = {"unit": unit, "deadline": measure["kind"], "tag": measure["tags"], "status": standing(measure, day)}
    wanted = [rule.get(key, {}).items() for key in ("match", "except")]
    match, unless = ([{*listed((measure | own)[key])} & {*listed(value)} for key, value in every] for every in wanted)
    return all(match) and not (unless and all(unless))


def chases(rule: Rule, measure: Rule, unit: str, day: date) -> bool:
    return chased(measure, day) and speaks(rule, measure, unit, day)


class Oracle(Days):
    def pairs(self, rule: Rule) -> Iterator[tuple[Rule, str, date | None]]:
        """Measures with one of their units each, and with their deadline where that is counted down."""
        kept_out = {*self.world["outside"]} - {*rule.get("match", {}).get("unit", [])}
        for measure in self.world["measures"]:
            counted = measure["confirmed"] and measure["kind"] in ("date", "immediate")
            deadline = measure["deadline"] if counted else None
            yield from ((measure, unit, deadline) for unit in measure["units"] if unit not in kept_out)

    def reached(self, name: str) -> str:
        """Who gets it instead: the deputies in turn, else the office."""
        for _ in self.world["deputies"]:  # no line of deputies is longer
            name = name if name in self.world["reached"] else self.world["deputies"].get(name, name)
        return name if name in self.world["reached"] else "office"

    def posts(self, entry: str, unit: str, measure: Rule) -> list[str]:
        """Whom `entry` of `to` means for a measure of `unit`, or for the unit itself."""
        then = measure.get("then", {})  # the posts of a chain that has begun
        leader = then.get("leader") or measure.get("leader") or self.world["leaders"].get(unit) or "nobody"
        principal = then.get("principal") or self.world["principal"] or "nobody"
        meant = {"unit": unit, "addressee": unit, "leader": leader, "principal": principal}
        return measure.get("supporting", []) if entry == "supporting" else [meant.get(entry, entry.rpartition(":")[2])]

    def sent(self, rule: Rule, at: datetime, kind: str, unit: str, occasion: date, **more: Any) -> Iterator[Fact]:
        """What goes to each recipient of `to`, with those of the `lines` (measures and distances) that concern him;
        `passed` are days that were counted through."""
        shown: dict[str, dict[str, tuple[int, ...]]] = {}
        default = ["office"] if rule["kind"] in ("look_back", "awaiting_reply") else ["unit"]
        for entry in more.get("to", rule.get("to", default)) if self.runs(rule, at.date()) else ():
            for measure, distances in more.get("lines") or [({}, ())]:
                for post in self.posts(entry, unit, measure):
                    shown.setdefault(self.reached(post), {}).update({measure["code"]: distances} if measure else {})
        doubt, of = not self.known(at.date(), occasion, *more.get("passed", [])), more.get("of", "")
        for to, about in shown.items():
            yield Fact(at, rule["name"], kind, unit, to, occasion, tuple(sorted(about.items())), of, doubt)

    def unsilenced(self, fact: Fact) -> Fact | None:
        """The fact without the measures that are silenced on its day; None where nothing is left."""
        about = fact.about
        for silence in self.world["silences"]:
            meant = silence["unit"] in (None, fact.unit, fact.to) and silence["rule"] in (None, fact.rule)
            if meant and silence["since"] <= fact.at.date() < (silence["ended_on"] or silence["until"] + DAY):
                about = tuple(one for one in about if silence["measure"] not in (None, one[0]))
                if silence["measure"] is None or (fact.about and not about):
                    return None
        return fact._replace(about=about)

    def rides(self, rule: Rule, found: Sequence[Fact]) -> Iterator[Fact]:
        """Each in the next message of the nudge that speaks of its measure; alone where it would come too late."""
        nudge = next((one for one in self.world["rules"] if one["name"] == rule.get("ride")), {"on": []})
        first = min((fact.at.date() for fact in found), default=self.last)
        goes = sorted(self.at(nudge, day) for day in self.on_days(nudge, nudge["on"], first, first + 480 * DAY))
        for fact in found:
            at = next((at for at in goes if fact.at <= at and at.date() <= fact.at.date() + 378 * DAY), fact.at)
            about = [measure for measure in self.world["measures"] if measure["code"] in dict(fact.about)]
            late = fact.kind in ("before", "due") and at.date() > about[0]["deadline"]
            stays = late or fact.kind == "escalation" or not goes
            at = fact.at if stays or not chases(nudge, about[0], fact.unit, at.date()) else at
            yield fact._replace(at=at, provisional=fact.provisional or not self.known(fact.at.date(), at.date()))

    def of_one(self, rule: Rule, kind: str, pair: Any, nominal: date, day: date, **more: Any) -> Iterator[Fact]:
        """What is said of one measure to its unit, if anything is said of it on that day; `steps` are distances."""
        measure, unit = pair
        if chases(rule, measure, unit, day):
            more |= {"lines": [(measure, more.get("steps", ()))], "passed": more.get("passed", [measure["deadline"]])}
            yield from self.sent(rule, self.at(rule, day), kind, unit, nominal, **more)

    def deadline(self, rule: Rule) -> Iterator[Fact]:
        for *pair, deadline in self.pairs(rule):
            for distance in rule["before"] if deadline else ():
                n, nominal = number(distance), self.far(deadline, distance, -1)
                kind = "before" if n else "due"
                yield from self.of_one(rule, kind, pair, nominal, self.back(nominal), steps=(n,))

    def overdue(self, rule: Rule) -> Iterator[Fact]:
        every = listed(rule["every"])
        steps, working = [number(step) for step in every], isinstance(every[0], str)
        gap = steps[-1] - (steps[-2] if len(steps) > 1 else 0)
        for *pair, deadline in self.pairs(rule):
            for n in [*steps, *range(steps[-1] + gap, 180, gap)] if deadline else ():
                nominal = self.far(deadline, f"{n}wd" if working else n)
                yield from self.of_one(rule, "overdue", pair, nominal, self.on(nominal, deadline), steps=(n,))
        yield from self.escalation(rule)

    def begun(self, rule: Rule, measure: Rule, unit: str) -> Rule:
        """The measure with the chain that began after this very deadline, else with the steps of the rule now."""
        deadline, steps = measure["deadline"], []
        for step in rule.get("escalate", []):
            nominal = self.far(deadline, step["after"])
            steps.append(step | {"nominal": nominal, "on": self.on(nominal, deadline)})
        same = {"rule": rule["name"], "unit": unit, "deadline": deadline}
        began = (chain for chain in measure.get("chains", []) if chain | same == chain)
        return measure | {"then": next(began, {"steps": steps})}

    def climbed(self, measure: Rule) -> dict[date, list[Rule]]:
        """The days on which steps are taken → those steps. A step below one that is taken goes with it."""
        taken, left = dict[date, list[Rule]](), measure["then"]["steps"]
        for day in days(measure["deadline"] + DAY, self.last):
            if ready := [n for n, step in enumerate(left) if self.is_taken(step, measure, taken, day)]:
                taken[day], left = left[: ready[-1] + 1], left[ready[-1] + 1 :]
        return taken

    def is_taken(self, step: Rule, measure: Rule, taken: Iterable[date], day: date) -> bool:
        since = max([measure["deadline"], *(before for before in taken if before < step["on"])])
        answers, quiet = [answer for answer in measure["answers"] if since < answer < day], step.get("unless_answered")
        return step["on"] <= day and not (quiet and any(day < self.on(self.far(answer, quiet)) for answer in answers))

    def escalation(self, rule: Rule) -> Iterator[Fact]:
        chains = [(self.begun(rule, measure, unit), unit) for measure, unit, deadline in self.pairs(rule) if deadline]
        ladder = [(measure, unit, self.climbed(measure)) for measure, unit in chains]
        for measure, unit, taken in ladder:
            for day, steps in taken.items():
                after = tuple(sorted({number(step["after"]) for step in steps}))
                pair, to = (measure, unit), [entry for step in steps for entry in step["to"]]
                yield from self.of_one(rule, "escalation", pair, steps[-1]["nominal"], day, steps=after, to=to)
        for day, nominal in self.on_days(rule, rule.get("leaders_on", []), self.first, self.last).items():
            still: dict[tuple[str, str], list[Any]] = {}
            for measure, unit, taken in ladder:
                told = {entry for then, steps in taken.items() if then < day for step in steps for entry in step["to"]}
                today = {entry for step in taken.get(day, []) for entry in step["to"]}
                for entry in told - today - {"unit", "supporting"} if chases(rule, measure, unit, day) else ():
                    still.setdefault((unit, entry), []).append((measure, ()))
            for (unit, entry), lines in still.items():
                yield from self.sent(rule, self.at(rule, day), "escalation", unit, nominal, lines=lines, to=[entry])

    def nudge(self, rule: Rule) -> Iterator[Fact]:
        for day, nominal in self.on_days(rule, rule["on"], self.first, self.last).items():
            spoken = [(measure, unit) for measure, unit, _ in self.pairs(rule) if chases(rule, measure, unit, day)]
            for unit in {unit for _, unit in spoken}:
                lines = [(measure, ()) for measure, of in spoken if of == unit]
                yield from self.sent(rule, self.at(rule, day), "nudge", unit, nominal, lines=lines)

    def pace(self, rule: Rule) -> Iterator[Fact]:
        for measure, unit, deadline in self.pairs(rule):
            dated, percent, reported_on, told = measure["dated"], measure["percent"], measure["progress_on"], None
            moved = sorted({*measure["answers"], *([reported_on] if reported_on else [])})
            begun = dated or min(measure["answers"] or moved)
            for day, nominal in sorted(self.on_days(rule, rule["on"], begun, self.last).items()):
                if day < begun or not chased(measure, day):
                    continue
                behind, reported = False, percent is not None and day >= (reported_on or dated or date.max)
                if deadline and dated and reported and "behind" in rule:
                    spent, whole = self.worked(dated, day), max(self.worked(dated, deadline), 1)
                    line = 100 if day >= deadline else 100 * spent // whole
                    behind = line - percent >= rule["behind"]
                since = max((answer for answer in moved if answer <= day), default=dated)
                stale = "stale" in rule and since and self.far(since, rule["stale"]) <= day
                if (behind or stale) and not (told and "repeat" in rule and day < self.far(told, rule["repeat"])):
                    told, passed = day, [dated, deadline] if behind else [since]
                    yield from self.of_one(rule, "pace", (measure, unit), nominal, day, passed=passed)

    def look_back(self, rule: Rule) -> Iterator[Fact]:
        for measure, unit, _ in self.pairs(rule):
            begins = [d for d, to in measure["changes"] if to == "written_off" != standing(measure, d - DAY)]
            for since in begins:
                asked, due = {}, dict(sorted((self.far(since, n), number(n)) for n in rule["after"]))
                for this, following in pairwise([*due, date.max]):
                    again = [this, *self.repeated(this, rule.get("chase"), following)]
                    asked |= {self.on(day): (day, this) for day in again if self.runs(rule, self.on(this))}
                for day, (nominal, this) in asked.items():
                    in_force = standing(measure, day) == "written_off" and max(d for d in begins if d <= day) == since
                    recorded = any(this <= result <= day for result in measure["look_backs"])
                    if in_force and not recorded and speaks(rule, measure, unit, day):
                        at, lines = self.at(rule, day), [(measure, (due[this],))]
                        yield from self.sent(rule, at, "look_back", unit, nominal, lines=lines, passed=[since])

    def awaiting_reply(self, rule: Rule) -> Iterator[Fact]:
        for letter in self.world["letters"]:
            due, to = letter["reply_by"] or self.far(letter["sent_on"], rule["within"]), letter["addressee"]
            more = {"passed": [due] if letter["reply_by"] else [due, letter["sent_on"]], "of": str(letter["id"])}
            for day, nominal in self.asked(rule, due, rule.get("before", []), date.max, self.back).items():
                if letter["sent_on"] < day < (letter["replied_on"] or date.max):
                    yield from self.sent(rule, self.at(rule, day), "awaiting_reply", to, nominal, **more)

    def duty(self, rule: Rule) -> Iterator[Fact]:
        every = days(self.first - 440 * DAY, self.last + 440 * DAY)
        for due, end in pairwise([*(day for day in every if self.falls(rule["due"], day)), date.max]):
            of, due_at = period(rule["due"], due), combine(due, rule["due"]["hour"])
            for day, nominal in self.asked(rule, due, rule["remind"], end, self.on).items():
                at = self.at(rule, day) if day > due else min(self.at(rule, day), due_at)
                for unit in rule["owed_by"] if day < end and self.runs(rule, due) else ():
                    mine = [one for one in self.world["done"] if one[:3] == (rule["name"], unit, of)]
                    if sum(count for *_, on, count in mine if on <= day) < rule.get("min", 1):
                        yield from self.sent(rule, at, "duty", unit, nominal, of=of, passed=[due])

    def asked(self, rule: Rule, due: date, before: list[Any], end: date, move: Any) -> dict[date, date]:
        """The days on which something goes before, on and after the day that is due → the nominal days."""
        nominals = {*(self.far(due, n, -1) for n in before), *self.repeated(due, rule.get("chase"), end)}
        moves = {-1: move, 0: self.back, 1: lambda day: self.on(day, due)}
        return {moves[(day > due) - (day < due)](day): day for day in sorted(nominals)}

    def report(self, rule: Rule) -> Iterator[Fact]:
        weekday, hour = rule["due"].split()
        for nominal in (day for day in days(self.first - FAR, self.last + FAR) if self.falls(weekday, day)):
            due, of, monday = self.back(nominal), week_of(nominal), nominal - nominal.weekday() * DAY
            if due >= monday and self.runs(rule, due):
                slots = [*self.remind_slots(rule, monday, combine(due, hour)), *self.chase_slots(rule, nominal)]
                latest = {(kind, at.date()): (at, then) for at, then, kind in sorted(slots)}
                for unit in {unit for measure, unit, _ in self.pairs(rule) if chases(rule, measure, unit, due)}:
                    for (kind, _), (at, then) in latest.items():
                        if at < self.world["reports"].get((unit, of), datetime.max):
                            yield from self.sent(rule, at, kind, unit, then, of=of, passed=[due])

    def remind_slots(self, rule: Rule, monday: date, due_at: datetime) -> Iterator[tuple[datetime, date, str]]:
        for weekday, hour in (entry.split() for entry in rule.get("remind") or [rule["due"]]):
            then = monday + WEEKDAYS.index(weekday) * DAY
            day = self.back(then) if self.back(then) >= monday else self.on(then)
            yield min(combine(min(day, due_at.date()), hour), due_at), then, "report_due"

    def chase_slots(self, rule: Rule, nominal: date) -> Iterator[tuple[datetime, date, str]]:
        chase = rule.get("chase", {})
        chase = {"from": chase} if isinstance(chase, str) else chase
        weekday, hour = chase.get("from", "monday 09:00").split()
        begins = next(day for day in days(nominal + DAY, nominal + 7 * DAY) if self.falls(weekday, day))
        ends = next(day for day in days(begins, begins + 6 * DAY) if self.falls(chase.get("until", "sunday"), day))
        for then in [begins, *self.repeated(begins, chase.get("every"), ends + DAY)] if chase else ():
            yield combine(self.on(then), hour), then, "report_chase"
