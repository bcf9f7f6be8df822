"""The "no" of every rule that has not answered for a measure, a unit and a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from reminder.domain.measure import Measure
from reminder.domain.reminder import Reason
from reminder.explain.account import NOT_FIRED, Account, House, Question
from reminder.rules.calendar import days
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.kinds.report import ReportRule
from reminder.rules.rule import Facts, Rule, Span
from reminder.rules.silencing import silence_of, why_silenced
from reminder.rules.unheard import unheard
from reminder.store.limits import Replaced, as_of


def refusals(house: House, question: Question, accounts: Sequence[Account], replaced: Replaced) -> list[Account]:
    """Each rule's reason for saying nothing, where `accounts` do not answer; those of one reason together.

    `replaced` are the limits that extensions have replaced: a day before an extension is told by the limit of that day.
    """
    answered = {(one.day, one.rule, one.unit, key) for one in accounts for key in one.measures}
    spoken = {(one.day, one.rule, one.unit) for one in accounts}
    asked = [
        rule for rule in (*house.rules, *house.later) if rule.about_measures and question.rule in (None, rule.name)
    ]
    found = (
        _answer(rule, house, whom, left_out=(whom.day, rule.name, whom.unit) in spoken)
        for whom in _whom(question, replaced)
        for rule in asked
        if (whom.day, rule.name, whom.unit, whom.measure.key) not in answered
    )
    return _together(found)


@dataclass(frozen=True, slots=True)
class _Whom:
    """One measure of one unit on one day."""

    day: date
    measure: Measure
    unit: str


def _whom(question: Question, replaced: Replaced) -> Iterator[_Whom]:
    for day in days(question.span.first, question.span.last):
        for measure in question.measures:
            for unit in measure.units or ("",):
                if not question.units or unit in question.units:
                    yield _Whom(day, as_of(measure, day, replaced), unit)


def _answer(rule: Rule, house: House, whom: _Whom, *, left_out: bool) -> Account:
    """Why `rule` says nothing; `left_out` where it spoke to the unit of other measures that day."""
    day, measure, unit = whom.day, whom.measure, whom.unit
    silence = silence_of(house.silences, day=day, unit=unit, rule=rule.name, measure_id=measure.id)
    no = why_silenced(silence) if silence and left_out else _why_not(rule, house, measure, unit, day)
    reason = _with_passed(no, rule, house, whom)
    return Account(day=day, rule=rule.name, unit=unit, measures=(measure.key,), reason=reason, state=NOT_FIRED)


def _why_not(rule: Rule, house: House, measure: Measure, unit: str, day: date) -> Reason:
    if rule in house.later:
        return Reason("unknown_before", {"rule": rule.name})
    if not unit:
        return Reason("no_unit")
    party = house.directory.units.get(unit)
    if party and party.outside and unit not in rule.match.unit:
        return Reason("outside_unit", {"unit": unit})
    told = _riding(rule, house, measure, unit, day) or _reported(rule, house, unit, day)
    return told or rule.why_not(measure, unit, day, house.practice)


def _with_passed(reason: Reason, rule: Rule, house: House, whom: _Whom) -> Reason:
    """The reason; where a step of escalation passed and told nobody, with the latest such step and its posts."""
    code = {"closed": "closed_step", "not_yet": "passed_step", "not_yet_step": "passed_step"}.get(reason.code)
    if code is None or whom.measure.closing_day(whom.day):
        return reason
    end = datetime.combine(whom.day, time.max, house.practice.zone)
    found = unheard([rule], whom.measure, end, house.directory, house.practice)
    passed = [one for one in found if one.unit == whom.unit and not one.in_digest]
    if not passed or (code == "closed_step" and passed[-1].on != whom.day):
        return reason
    facts = {"step": passed[-1].step, "passed": str(passed[-1].on), "to": "、".join(passed[-1].to)}
    return Reason(code, {**reason.facts, **facts})


def _reported(rule: Rule, house: House, unit: str, day: date) -> Reason | None:
    """Where the rule would ask for a report that had come already: which one, and when."""
    for week in rule.weeks_spoken_of(day, house.practice) if isinstance(rule, ReportRule) else ():
        if submitted_at := house.reports.get((unit, week.name)):
            at = submitted_at.astimezone(house.practice.zone)
            return Reason("reported", {"week": week.name, "at": f"{at:%Y-%m-%d %H:%M}"})
    return None


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
    return [
        replace(group[0], measures=tuple(key for account in group for key in account.measures))
        for group in groups.values()
    ]
