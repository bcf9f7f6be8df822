"""The "no" of rules that are about no measure: duties that recur, and letters that wait for a reply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from reminder.domain.reminder import Reason
from reminder.explain.account import NOT_FIRED, Account, House, Question
from reminder.rules.calendar import ONE_DAY, days
from reminder.rules.kinds.awaiting_reply import AwaitingReplyRule
from reminder.rules.kinds.duty import DutyRule
from reminder.rules.rule import Rule, Span

LOOK_AHEAD = timedelta(days=100)  # how far the next time is looked for: a quarterly duty is found


def beside(house: House, question: Question, accounts: Sequence[Account]) -> Iterator[Account]:
    """For each day, rule and body that `accounts` do not speak of: when the next time comes, or that it is over."""
    spoken = {(one.day, one.rule, one.unit) for one in accounts}
    asked = [rule for rule in house.rules if not rule.about_measures and question.rule in (None, rule.name)]
    for rule in asked if not question.of_measure else ():
        coming = _coming(rule, house, question.span)
        for day in days(question.span.first, question.span.last):
            for unit in _bodies(rule, house, day):
                if (day, rule.name, unit) not in spoken and (not question.units or unit in question.units):
                    reason = _why_not(rule, house, unit, day, coming[unit])
                    yield Account(day=day, rule=rule.name, unit=unit, measures=(), reason=reason, state=NOT_FIRED)


def _coming(rule: Rule, house: House, span: Span) -> dict[str, list[date]]:
    """The days after the first of `span` on which it has something for a body, in order."""
    found: dict[str, list[date]] = defaultdict(list)
    for firing in rule.firings(house.owed, Span(span.first + ONE_DAY, span.last + LOOK_AHEAD), house.practice):
        found[firing.unit].append(firing.at.date())
    return defaultdict(list, {unit: sorted(on) for unit, on in found.items()})


def _bodies(rule: Rule, house: House, day: date) -> Iterable[str]:
    if isinstance(rule, DutyRule):
        return rule.owed_by
    return dict.fromkeys(letter.addressee for letter in house.owed.letters if letter.sent_on <= day)


def _why_not(rule: Rule, house: House, unit: str, day: date, coming: Sequence[date]) -> Reason:
    if isinstance(rule, AwaitingReplyRule):
        mine = [letter for letter in house.owed.letters if letter.addressee == unit and letter.sent_on <= day]
        if all(letter.replied_on and letter.replied_on <= day for letter in mine):
            return Reason("replied", {"on": str(max(letter.replied_on or day for letter in mine))})
    following = next((on for on in coming if on > day), None)
    return Reason("not_yet", {"next": str(following or "")})
