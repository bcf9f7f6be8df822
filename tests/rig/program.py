"""The oracle's worlds in the program's own values, and its answers as the oracle's facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from reminder.domain.frozen import FrozenChain, FrozenStep
from reminder.domain.measure import Change, Deadline, DeadlineKind, LookBack, Measure, Status
from reminder.domain.owed import DutyDone, SentLetter
from reminder.domain.people import OFFICE, Directory, Leader, Party, Unit
from reminder.domain.reminder import Reminder
from reminder.domain.silence import Silence
from reminder.plan import occasions_by_parts, reminders
from reminder.rules.calendar import Calendar
from reminder.rules.kinds import KINDS
from reminder.rules.rule import Facts, Practice, Rule, Span
from tests.makers import SHANGHAI
from tests.rig.oracle import Fact, World
from tests.rig.worlds import UNITS

MAIL = {"mail": ("a@example.org",)}


def planned(world: World, first: date | None = None, last: date | None = None, given: Facts | None = None) -> set[Fact]:
    """What the program plans from `first` to `last`."""
    span = Span(first or world["first"], last or world["last"])
    return as_facts(reminders(given or facts(world), rules(world), directory(world), practice(world), span))


def planned_in_parts(world: World) -> set[Fact]:
    """The same where the ledger comes in parts, one unit after the other."""
    everything, span = facts(world), Span(world["first"], world["last"])
    parts = [replace(everything, measures=())]
    for unit in UNITS:
        mine = [measure for measure in everything.measures if unit in measure.units]
        parts.append(replace(everything, measures=mine, closed=(), units=frozenset({unit})))
    found = occasions_by_parts(parts, rules(world), directory(world), practice(world), span)
    return as_facts(one for planned in found for one in planned if one.firing.skipped is None)


def as_facts(found: Iterable[Reminder]) -> set[Fact]:
    return {_fact(reminder) for reminder in found}


def _fact(reminder: Reminder) -> Fact:
    firing = reminder.firing
    about = tuple(sorted((line.measure.code, line.days) for line in firing.lines))
    of = firing.week or firing.about.get("period", "") or firing.about.get("letter", "")
    at, kind = firing.at.replace(tzinfo=None), firing.kind.value
    whose = (firing.rule, kind, firing.unit, reminder.recipient, firing.occasion)
    return Fact(at, *whose, about, of, firing.provisional)


def facts(world: World) -> Facts:
    measures = [_measure(n, measure) for n, measure in enumerate(world["measures"])]
    return Facts(
        measures=measures,
        closed=measures,
        reports={key: at.replace(tzinfo=SHANGHAI) for key, at in world["reports"].items()},
        outside=frozenset(world["outside"]),
        letters=[SentLetter(about="商请", **letter) for letter in world["letters"]],
        duties_done=_done(world["done"]),
        silences=[_silence(n, silence) for n, silence in enumerate(world["silences"])],
    )


def _silence(n: int, silence: dict[str, Any]) -> Silence:
    days = {name: silence[name] for name in ("unit", "rule", "since", "until", "ended_on")}
    return Silence(id=n, **days, measure_id=None if silence["measure"] is None else int(silence["measure"]))


def _done(records: Sequence[tuple[str, str, str, date, int]]) -> list[DutyDone]:
    return [DutyDone(duty=d, unit=unit, period=period, on=on, count=n) for d, unit, period, on, n in records]


def _measure(n: int, measure: dict[str, Any]) -> Measure:
    changes = tuple(Change(day, Status(status)) for day, status in measure["changes"])
    same = ("code", "leader", "aspect", "problem", "ledger", "standing", "blocked", "percent", "progress_on")
    progress = {measure["progress_on"]} - {None}
    return Measure(
        **{name: measure[name] for name in same},
        id=n,
        text="措施",
        units=tuple(measure["units"]),
        supporting_units=tuple(measure["supporting"]),
        deadline=Deadline(DeadlineKind(measure["kind"]), measure["deadline"], confirmed=measure["confirmed"]),
        status=Status(measure["status"]),
        changes=changes,
        tags=tuple(measure["tags"]),
        dated_on=measure["dated"],
        answers=tuple(sorted({*measure["answers"], *progress})),
        look_backs=tuple(LookBack(day, held=True) for day in sorted(measure["look_backs"])),
        chains=tuple(_chain(**chain) for chain in measure.get("chains", ())),
    )


def _chain(steps: Sequence[dict[str, Any]], **posts: Any) -> FrozenChain:
    frozen = [
        FrozenStep(
            after=str(step["after"]),
            colour=step["colour"],
            to=tuple(step["to"]),
            unless_answered=str(step["unless_answered"]) if "unless_answered" in step else None,
            nominal=step["nominal"],
            on=step["on"],
        )
        for step in steps
    ]
    return FrozenChain(**posts, steps=tuple(frozen))


def practice(world: World) -> Practice:
    base = "weekdays" if world["base"] == "weekdays" else "cn"
    covered = frozenset(world["covered"] or ())
    calendar = Calendar(base, frozenset(world["off"]), frozenset(world["work"]), covered)
    return Practice(calendar=calendar, zone=SHANGHAI, started_on=world["started_on"])


def rules(world: World) -> list[Rule]:
    return [KINDS[rule["kind"]].model_validate(rule) for rule in world["rules"]]


def directory(world: World) -> Directory:
    def known(name: str) -> dict[str, Any]:
        return {"name": name, "channels": ("mail",), "addresses": MAIL if name in world["reached"] else {}}

    titles = ("甲领导", "乙领导", "丙领导", "组长")
    return Directory(
        units={name: Unit(**known(name), leader=world["leaders"].get(name)) for name in UNITS},
        leaders={title: Leader(**known(title), deputy=world["deputies"].get(title)) for title in titles},
        office=Party(**known(OFFICE)),
        principal=world["principal"],
    )
