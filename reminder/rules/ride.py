"""`ride`: a reminder that sends no message of its own travels in the next one of a nudge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from reminder.domain.reminder import Firing, Line, ReminderKind
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.rule import Facts, Practice, Rule, Span


def nudges_among(rules: Iterable[Rule]) -> dict[str, NudgeRule]:
    """The nudge rules by name."""
    return {rule.name: rule for rule in rules if isinstance(rule, NudgeRule)}


def boarding_span(rule: Rule, nudges: Mapping[str, NudgeRule], span: Span, practice: Practice) -> Span:
    """The own days of those firings of `rule` that can go on a day of `span`: since the nudge before it."""
    nudge = nudges.get(rule.ride or "")
    if nudge is None:
        return span
    return Span(nudge.latest_before(span.first, practice), span.last)


def riding(
    rule: Rule, nudges: Mapping[str, NudgeRule], facts: Facts, span: Span, practice: Practice
) -> Iterator[Firing]:
    """What `rule` fires on the days of `span`, each firing where it rides or, for lack of a ride, on its own."""
    firings = rule.firings(facts, boarding_span(rule, nudges, span, practice), practice)
    nudge = nudges.get(rule.ride or "")
    if nudge is None:
        yield from firings
        return
    boarded = _collapsed(_boarded(firing, nudge, practice) for firing in firings)
    yield from (firing for firing in boarded if firing.at.date() in span)


def _boarded(firing: Firing, nudge: NudgeRule, practice: Practice) -> Firing:
    """The firing at the nudge's next instant; unchanged where that nudge is silent about its measure or too late."""
    if firing.kind is ReminderKind.ESCALATION:  # a post above is not told in a nudge to the unit
        return firing
    if not firing.lines or not all(nudge.matches(line.measure, firing.unit) for line in firing.lines):
        return firing
    at = nudge.next_at(firing.at, practice)
    if at is None or not all(nudge.chases(line.measure, firing.unit, at.date()) for line in firing.lines):
        return firing
    deadlines = [line.measure.deadline.counted_down or date.max for line in firing.lines]
    if firing.kind in (ReminderKind.BEFORE, ReminderKind.DUE) and at.date() > min(deadlines):
        return firing
    provisional = firing.provisional or practice.provisional(firing.at.date(), at.date())
    return replace(firing, at=at, provisional=provisional)


def _collapsed(firings: Iterable[Firing]) -> Iterator[Firing]:
    """Firings of one rule, subject and unit that came to land on one day, as one."""
    landing: dict[tuple[str, str, date], list[Firing]] = defaultdict(list)
    for firing in firings:
        landing[firing.subject, firing.unit, firing.at.date()].append(firing)
    for together in landing.values():
        nearest = max(together, key=lambda firing: firing.occasion)
        passed = {day for firing in together for line in firing.lines for day in line.days}
        lines = tuple(Line(line.measure, tuple(sorted(passed))) for line in nearest.lines)
        offsets = tuple(dict.fromkeys(offset for firing in together for offset in firing.offsets))
        occasion = min(firing.occasion for firing in together)
        yield replace(nearest, occasion=occasion, lines=lines, offsets=offsets)
