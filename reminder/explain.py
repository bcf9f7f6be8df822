"""Why something was sent, or was not: every rule's answer about some measures on some days.

What a cycle has recorded is told as recorded; the rest is computed by the very functions that plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Engine

from reminder.domain.measure import Measure
from reminder.domain.people import Directory
from reminder.domain.reminder import Reason, Reminder
from reminder.rules.calendar import days
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.rule import Facts, Practice, Rule, Span
from reminder.store.engine import reading
from reminder.store.memory import recall
from reminder.store.messages import Attempt
from reminder.store.occasions import Occasion, recorded

PLANNED, NOT_FIRED = "planned", "not_fired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: these measures of these units (all of theirs, where empty), one rule or all.

    `of_measure` is set where a person named a measure: what is about none is left out then.
    """

    span: Span
    measures: Sequence[Measure]
    units: frozenset[str] = frozenset()
    rule: str | None = None
    of_measure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One rule's answer for one unit on one day, about the measures with the keys in `measures`.

    `state` is what became of it: a message's state, `superseded`, `cancelled`, `skipped`; `planned` where it is still
    to come, `not_fired` where the rule says no. Only recorded ones have a message and its attempts.
    """

    day: date
    rule: str
    unit: str
    measures: tuple[str, ...]
    reason: Reason
    state: str
    kind: str = ""
    at: datetime | None = None
    recipient: str = ""
    channel: str = ""
    instead_of: str = ""
    late: bool = False
    provisional: bool = False
    ended_by: Reason | None = None
    message: int | None = None
    why: str = ""
    next_attempt_at: datetime | None = None
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def fired(self) -> bool:
        """Whether the rule fired."""
        return self.state != NOT_FIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the answers come from: the rules, who can be reached, how the office works, and what is planned."""

    rules: Sequence[Rule]
    directory: Directory
    practice: Practice
    planned: Sequence[Reminder]


def explain(engine: Engine, house: House, question: Question) -> list[Account]:
    """Every rule's answer, by day, unit and rule; of the "no" those for one reason together."""
    first = datetime.combine(question.span.first, datetime.min.time(), house.practice.zone)
    end = datetime.combine(question.span.last + timedelta(days=1), datetime.min.time(), house.practice.zone)
    with reading(engine) as session:
        last_cycle_at = recall(session).last_at
        occasions = recorded(session, first, end)
    keys = {measure.id: measure.key for measure in question.measures}
    told = [_as_recorded(occasion, keys, house.practice) for occasion in occasions if _asked(occasion, keys, question)]
    known = {occasion.key for occasion in occasions}
    computed = [
        _as_planned(reminder, keys, last_cycle_at, house.rules)
        for reminder in house.planned
        if reminder.key not in known and _asked_of(reminder, keys, question)
    ]
    accounts = [*told, *computed]
    answered = {(a.day, a.rule, a.unit, key) for a in accounts for key in a.measures}
    accounts += _together(_refusals(house, question, answered))
    return sorted(accounts, key=lambda account: (account.day, account.unit, not account.fired, account.rule))


def _asked(occasion: Occasion, keys: Mapping[int, str], question: Question) -> bool:
    rule, _, _, unit, _, _ = occasion.key
    about = any(key in keys for key in occasion.measures) or not (occasion.measures or question.of_measure)
    return about and question.rule in (None, rule) and (not question.units or unit in question.units)


def _asked_of(reminder: Reminder, keys: Mapping[int, str], question: Question) -> bool:
    firing = reminder.firing
    about = any(measure.id in keys for measure in firing.measures) or not (firing.measures or question.of_measure)
    return about and question.rule in (None, firing.rule) and (not question.units or firing.unit in question.units)


def _as_recorded(occasion: Occasion, keys: Mapping[int, str], practice: Practice) -> Account:
    rule, _, _, unit, recipient, channel = occasion.key
    at = occasion.at.astimezone(practice.zone)
    return Account(
        day=at.date(),
        rule=rule,
        unit=unit,
        measures=tuple(keys[key] for key in occasion.measures if key in keys),
        reason=occasion.reason,
        state=occasion.state,
        kind=occasion.kind,
        at=at,
        recipient=recipient,
        channel=channel,
        instead_of=occasion.instead_of,
        late=occasion.late,
        provisional=occasion.provisional,
        ended_by=occasion.ended_by,
        message=occasion.message,
        why=occasion.why,
        next_attempt_at=occasion.next_attempt_at,
        attempts=occasion.attempts,
    )


def _as_planned(
    reminder: Reminder, keys: Mapping[int, str], last_cycle_at: datetime | None, rules: Sequence[Rule]
) -> Account:
    """What is still to come; or, where a cycle has passed it by, why that cycle did not answer it."""
    firing = reminder.firing
    passed = last_cycle_at is not None and firing.at <= last_cycle_at
    return Account(
        day=firing.at.date(),
        rule=firing.rule,
        unit=firing.unit,
        measures=tuple(keys[measure.id] for measure in firing.measures if measure.id in keys),
        reason=_why_passed(reminder, rules) if passed else firing.reason,
        state=NOT_FIRED if passed else PLANNED,
        kind=firing.kind.value,
        at=firing.at,
        recipient=reminder.recipient,
        channel=reminder.channel,
        instead_of=reminder.instead_of,
        provisional=firing.provisional,
    )


def _why_passed(reminder: Reminder, rules: Sequence[Rule]) -> Reason:
    firing = reminder.firing
    known_on = min((measure.known_on for measure in firing.measures if measure.known_on), default=None)
    if known_on is not None and firing.at.date() < known_on:
        return Reason("before_known", {"known_on": str(known_on)})
    reach = next((rule.catch_up_days for rule in rules if rule.name == firing.rule), 0)
    return Reason("passed_by", {"reach": str(reach)})


def _refusals(house: House, question: Question, answered: set[tuple[date, str, str, str]]) -> Iterator[Account]:
    """The "no" of each rule that has not answered for a measure, a unit and a day."""
    rules = [rule for rule in house.rules if rule.about_measures and question.rule in (None, rule.name)]
    for day in days(question.span.first, question.span.last):
        for measure in question.measures:
            for unit in measure.units or ("",):
                if question.units and unit not in question.units:
                    continue
                for rule in rules:
                    if (day, rule.name, unit, measure.key) not in answered:
                        reason = _why_not(rule, house, measure, unit, day)
                        yield Account(
                            day=day,
                            rule=rule.name,
                            unit=unit,
                            measures=(measure.key,),
                            reason=reason,
                            state=NOT_FIRED,
                        )


def _why_not(rule: Rule, house: House, measure: Measure, unit: str, day: date) -> Reason:
    if not unit:
        return Reason("no_unit")
    party = house.directory.units.get(unit)
    if party and party.outside and unit not in rule.match.unit:
        return Reason("outside_unit", {"unit": unit})
    return _riding(rule, house, measure, unit, day) or rule.why_not(measure, unit, day, house.practice)


def _riding(rule: Rule, house: House, measure: Measure, unit: str, day: date) -> Reason | None:
    """Where the rule's day has come but its reminder waits for a nudge: which one, and when."""
    nudge = next((one for one in house.rules if one.name == rule.ride and isinstance(one, NudgeRule)), None)
    if nudge is None:
        return None
    fired = rule.firings(Facts(measures=(measure,)), Span(day, day), house.practice)
    at = next((firing.at for firing in fired if firing.unit == unit), None)
    moved = nudge.next_at(at, house.practice) if at else None
    return Reason("rides", {"nudge": nudge.name, "day": str(moved.date())}) if moved else None


def _together(accounts: Iterable[Account]) -> list[Account]:
    """Accounts of one day, rule, unit and reason as one, with all their measures."""
    groups: dict[tuple[object, ...], list[Account]] = {}
    for account in accounts:
        facts = tuple(sorted(account.reason.facts.items()))
        groups.setdefault((account.day, account.rule, account.unit, account.reason.code, facts), []).append(account)
    return [_joined(group) for group in groups.values()]


def _joined(group: Sequence[Account]) -> Account:
    one = group[0]
    keys = tuple(key for account in group for key in account.measures)
    return Account(
        day=one.day, rule=one.rule, unit=one.unit, measures=keys, reason=one.reason, state=one.state, kind=one.kind
    )
