"""Measures and rules → reminders, each with its reason. Pure: the daemon, `plan`, `explain` and `preview` all ask here.

`reminders` answers for whole days; `answer` picks from them what one cycle of the daemon has to answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from reminder.domain.people import Directory
from reminder.domain.reminder import Firing, Line, Reminder, ReminderKind
from reminder.rules.calendar import days
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.recipients import recipients
from reminder.rules.rule import Ask, Facts, Practice, Rule, Span

_LONGEST_RIDE = timedelta(days=100)  # a reminder may wait for a quarterly nudge


def asks(rules: Iterable[Rule], span: Span, practice: Practice) -> list[Ask]:
    """Which measures must be read to answer for `span`."""
    return [ask for rule in rules for ask in rule.asks(_own_span(rule, span), practice)]


def reminders(
    facts: Facts, rules: Sequence[Rule], directory: Directory, practice: Practice, span: Span
) -> list[Reminder]:
    """Everything that goes on the days of `span`, sorted by instant, recipient and rule."""
    nudges = {rule.name: rule for rule in rules if isinstance(rule, NudgeRule)}
    planned = [
        reminder
        for rule in rules
        for firing in _firings(rule, nudges, facts, span, practice)
        for reminder in _addressed(rule, firing, directory)
    ]
    return sorted(planned, key=lambda reminder: (reminder.firing.at, reminder.recipient, *reminder.key))


def _own_span(rule: Rule, span: Span) -> Span:
    return Span(span.first - _LONGEST_RIDE, span.last) if rule.ride else span


def _firings(
    rule: Rule, nudges: dict[str, NudgeRule], facts: Facts, span: Span, practice: Practice
) -> Iterator[Firing]:
    firings = rule.firings(facts, _own_span(rule, span), practice)
    nudge = nudges.get(rule.ride or "")
    if nudge is None:
        yield from firings
        return
    riding = _collapsed(_boarded(firing, nudge, practice) for firing in firings)
    yield from (firing for firing in riding if firing.at.date() in span)


def _boarded(firing: Firing, nudge: NudgeRule, practice: Practice) -> Firing:
    """The firing at the nudge's next instant; unchanged where that nudge is silent about its measure or too late."""
    if not firing.lines or not all(nudge.matches(line.measure, firing.unit) for line in firing.lines):
        return firing
    at = nudge.next_at(firing.at, practice)
    if at is None or not all(line.measure.chased_on(at.date()) for line in firing.lines):
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
        yield replace(nearest, occasion=min(firing.occasion for firing in together), lines=lines)


def _addressed(rule: Rule, firing: Firing, directory: Directory) -> Iterator[Reminder]:
    for recipient in recipients(rule, firing, directory):
        for channel in recipient.channels:
            alone = "" if rule.merge else f"{firing.rule}|{firing.subject}|{firing.unit}"
            yield Reminder(
                firing=replace(firing, lines=recipient.lines),
                recipient=recipient.name,
                channel=channel,
                message=_group(recipient.name, channel, firing.at.isoformat(), alone),
                alone=alone,
                instead_of=recipient.instead_of,
            )


def _group(*parts: str) -> str:
    return sha256("|".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one cycle answers: reminders to send, and older ones that they supersede."""

    due: tuple[Reminder, ...]
    superseded: tuple[Reminder, ...]


def known_parts(rules: Iterable[Rule], directory: Directory) -> frozenset[str]:
    """What a cycle knows of the configuration: rules, their offsets, and who can be reached by which channel."""
    parties = [*directory.units.values(), *directory.leaders.values(), directory.office]
    reached = {f"reach:{party.name}:{channel}" for party in parties for channel in party.addresses}
    posted = {f"reach:{to}:{to.partition(':')[2]}" for rule in rules for to in rule.to if to.startswith("channel:")}
    return frozenset(reached | posted | {part for rule in rules for part in rule.parts()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The instants one cycle answers for: after the last cycle, up to and including now.

    `last` is None in the first cycle ever; `known` are that last cycle's parts (see `known_parts`).
    `new_since` is the earliest day on which a measure that no cycle has seen yet was known; None where there is none.
    """

    last: datetime | None
    now: datetime
    known: Collection[str] = ()
    new_since: date | None = None

    def span(self, rules: Iterable[Rule], practice: Practice) -> Span | None:
        """The local days to plan for this window; None where no rule can fire in it."""
        today = self.now.astimezone(practice.zone).date()
        earliest = today - timedelta(days=max((rule.catch_up_days for rule in rules), default=0))
        if self.last is None or self.new_since is not None:
            known = earliest if self.new_since is None else max(earliest, self.new_since)
            return Span(min(known, today), today)
        first = max(earliest, self.last.astimezone(practice.zone).date())
        instants = (practice.at(day, clock) for rule in rules for clock in rule.clocks() for day in days(first, today))
        return Span(first, today) if any(self.last < at <= self.now for at in instants) else None

    def holds(self, reminder: Reminder, rule: Rule, practice: Practice) -> bool:
        """Whether this reminder's instant lies in the window, as far back as its rule and its measures reach."""
        at, today = reminder.firing.at, self.now.astimezone(practice.zone).date()
        if at > self.now or at.date() < today - timedelta(days=rule.catch_up_days):
            return False
        first_known = min((measure.known_on or date.min for measure in reminder.firing.measures), default=date.min)
        due_at = reminder.firing.due_at
        if due_at is not None and due_at.date() < first_known:
            return False  # nobody is chased for a report that was due before the ledger was known
        if self.last is None:
            return at.date() >= first_known
        if not self._was_known(reminder, rule):
            return at > self.last and at >= datetime.combine(today, time.min, practice.zone)
        unseen = [measure for measure in reminder.firing.measures if not measure.seen]
        return at > self.last or any(at.date() >= (measure.known_on or date.min) for measure in unseen)

    def _was_known(self, reminder: Reminder, rule: Rule) -> bool:
        reached = f"reach:{reminder.recipient}:{reminder.channel}" in self.known
        return reached and any(part in self.known for part in rule.parts_of(reminder.firing))


def answer(planned: Sequence[Reminder], rules: Sequence[Rule], window: Window, practice: Practice) -> Answer:
    """What has to be answered now: for each rule, subject and recipient the latest occasion in the window.

    Downtime is caught up with, change is not: what an earlier cycle did not know is answered from today on, and
    a measure from the day on which it was first known.
    """
    by_name = {rule.name: rule for rule in rules}
    latest: dict[tuple[str, ...], Reminder] = {}
    superseded: list[Reminder] = []
    for reminder in planned:  # in the order of their instants
        if not window.holds(reminder, by_name[reminder.firing.rule], practice):
            continue
        key = (*reminder.key[:2], *reminder.key[3:])
        if key in latest:
            superseded.append(latest[key])
        late = reminder.firing.at.date() < window.now.astimezone(practice.zone).date()
        latest[key] = replace(reminder, late=late)
    return Answer(due=tuple(latest.values()), superseded=tuple(superseded))
