"""Measures and rules → reminders, each with its reason. Pure: the daemon, `plan`, `explain` and `preview` all ask here.

`reminders` answers for whole days; `answer` picks from them what one cycle of the daemon has to answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import chain

from reminder.domain.people import Directory
from reminder.domain.reminder import Ended, Firing, Key, Reason, Reminder, ReminderKind
from reminder.rules.calendar import days
from reminder.rules.kinds.report import summed
from reminder.rules.recipients import recipients
from reminder.rules.ride import boarding_span, nudges_among, riding
from reminder.rules.rule import Ask, Facts, Practice, Rule, Span
from reminder.rules.silencing import hushed


def asks(rules: Sequence[Rule], span: Span, practice: Practice) -> list[Ask]:
    """Which measures must be read to answer for `span`."""
    nudges = nudges_among(rules)
    return [ask for rule in rules for ask in rule.asks(boarding_span(rule, nudges, span, practice), practice)]


def sees(rules: Iterable[Rule]) -> frozenset[str]:
    """What else must be read, see `Rule.sees`."""
    return frozenset().union(*(rule.sees for rule in rules))


def reminders(
    facts: Facts, rules: Sequence[Rule], directory: Directory, practice: Practice, span: Span
) -> list[Reminder]:
    """Everything that goes on the days of `span`, sorted by instant, recipient and rule."""
    return [one for one in occasions(facts, rules, directory, practice, span) if one.firing.skipped is None]


def occasions(
    facts: Facts, rules: Sequence[Rule], directory: Directory, practice: Practice, span: Span
) -> list[Reminder]:
    """The same with those that are skipped, by a silence or because there is no working day for them."""
    nudges = nudges_among(rules)
    planned = [
        hushed(reminder, facts.silences, firing.at.date(), rule.was)
        for rule in rules
        if facts.units is None or rule.about_measures
        for firing in chain(riding(rule, nudges, facts, span, practice), rule.passed_over(facts, span, practice))
        for reminder in _addressed(rule, firing, directory)
    ]
    return sorted(planned, key=lambda reminder: (reminder.firing.at, reminder.recipient, *reminder.key))


def occasions_by_parts(
    parts: Iterable[Facts], rules: Sequence[Rule], directory: Directory, practice: Practice, span: Span
) -> Iterator[list[Reminder]]:
    """The same where the ledger comes in parts, each a part of the units: what sums all units up comes last."""
    sums: dict[Key, list[Reminder]] = defaultdict(list)
    for facts in parts:
        planned: list[Reminder] = []
        for one in occasions(facts, rules, directory, practice, span):
            if one.firing.kind is ReminderKind.REPORT_SUMMARY:
                sums[one.key].append(one)
            else:
                planned.append(one)
        yield planned
    yield [replace(same[0], firing=summed([one.firing for one in same])) for same in sums.values()]


def _addressed(rule: Rule, firing: Firing, directory: Directory) -> Iterator[Reminder]:
    for recipient in recipients(rule, firing, directory):
        for channel in recipient.channels:
            # what climbs to a post is never split: its steps and its digest are one message
            alone = "" if rule.merge or firing.to else f"{firing.rule}|{firing.subject}|{firing.unit}"
            yield Reminder(
                firing=firing if recipient.lines is firing.lines else replace(firing, lines=recipient.lines),
                recipient=recipient.name,
                channel=channel,
                alone=alone,
                instead_of=recipient.instead_of,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one cycle answers: reminders to send, and those that end without a message."""

    due: tuple[Reminder, ...]
    ended: tuple[Ended, ...]


def known_parts(rules: Iterable[Rule], directory: Directory) -> frozenset[str]:
    """What a cycle knows of the configuration: rules, their offsets, and who can be reached by which channel."""
    parties = [*directory.units.values(), *directory.leaders.values(), directory.office]
    reached = {f"reach:{party.name}:{channel}" for party in parties for channel in party.addresses}
    posted = {
        f"reach:{to}:{to.partition(':')[2]}" for rule in rules for to in rule.entries() if to.startswith("channel:")
    }
    return frozenset(reached | posted | {part for rule in rules for part in rule.parts()})


def channels_used(rules: Iterable[Rule], directory: Directory) -> frozenset[str]:
    """The channels that reminders, and the office's own messages, can go by."""
    parties, office = [*directory.units.values(), *directory.leaders.values()], directory.office
    asked = {name for rule in rules for name in rule.channels} | {name for one in parties for name in one.channels}
    posted = {to.partition(":")[2] for rule in rules for to in rule.entries() if to.startswith("channel:")}
    return frozenset(asked | posted | {*(office.reachable(office.channels) or office.addresses)})


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

    def midnight(self, practice: Practice) -> datetime:
        """Where its last local day begins."""
        return practice.at(self.now.astimezone(practice.zone).date(), time.min)

    def holds(self, reminder: Reminder, rule: Rule, midnight: datetime) -> bool:
        """Whether this reminder's instant lies in the window, as far back as its rule and its measures reach."""
        at, due_at = reminder.firing.at, reminder.firing.due_at
        if at > self.now or at.date() < midnight.date() - timedelta(days=rule.catch_up_days):
            return False
        if due_at is not None and due_at.date() < self._first_known(reminder, midnight.date()):
            return False  # nobody is chased for what was due before the ledger was known
        if self.last is None:
            return at.date() >= self._first_known(reminder, midnight.date())
        if not self._was_known(reminder, rule):
            return at > self.last and at >= midnight
        if at > self.last:
            return True
        unseen = (measure for measure in reminder.firing.measures if not measure.seen)
        return any(at.date() >= (measure.known_on or date.min) for measure in unseen)

    def _first_known(self, reminder: Reminder, today: date) -> date:
        # Letters and duties stand beside the measures: the first cycle knows them from its own day on.
        nowhere = today if self.last is None else date.min
        return min((measure.known_on or date.min for measure in reminder.firing.measures), default=nowhere)

    def _was_known(self, reminder: Reminder, rule: Rule) -> bool:
        reached = f"reach:{reminder.recipient}:{reminder.channel}" in self.known
        parts = rule.parts_of(reminder.firing)
        if rule.was:  # the same rule under its earlier name
            parts |= {part.replace(f"rule:{rule.name}", f"rule:{rule.was}", 1) for part in parts}
        return reached and any(part in self.known for part in parts)


def answer(planned: Sequence[Reminder], rules: Sequence[Rule], window: Window, practice: Practice) -> Answer:
    """What has to be answered now: for each rule, subject and recipient the latest occasion in the window.

    Downtime is caught up with, change is not: what an earlier cycle did not know is answered from today on, and
    a measure from the day on which it was first known.
    """
    by_name = {rule.name: rule for rule in rules}
    midnight = window.midnight(practice)
    today = midnight.date()
    latest: dict[tuple[str, ...], Reminder] = {}
    ended: list[Ended] = []
    for reminder in planned:  # in the order of their instants
        firing = reminder.firing
        if not window.holds(reminder, by_name[firing.rule], midnight):
            continue
        ended += (_superseded(one, firing) for one in reminder.earlier)
        if firing.skipped:
            ended.append(Ended(reminder, "skipped", firing.skipped))
            continue
        key = (firing.rule, firing.subject, firing.unit, reminder.recipient, reminder.channel)
        if before := latest.get(key):
            ended.append(_superseded(before, firing))
        latest[key] = replace(reminder, late=True) if firing.at.date() < today else reminder  # none is planned as late
    return Answer(due=tuple(latest.values()), ended=tuple(ended))


def _superseded(reminder: Reminder, by: Firing) -> Ended:
    return Ended(reminder, "superseded", Reason("superseded", {"by": str(by.occasion)}))


def without(answered: Answer, ended: Sequence[Ended]) -> Answer:
    """The same where some that were due have ended instead."""
    if not ended:
        return answered
    over = {one.reminder.key for one in ended}
    due = tuple(one for one in answered.due if one.key not in over)
    return Answer(due=due, ended=(*answered.ended, *ended))
