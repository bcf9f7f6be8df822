"""Occasions as answers: those that a cycle recorded, those still to come, and those that went on another day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reminder.domain.reminder import Firing, Reason, Reminder
from reminder.explain.account import NOT_FIRED, PLANNED, SKIPPED, SUPERSEDED, Account, House
from reminder.rules.rule import Practice, Span
from reminder.store.occasions import Answer, Asked, Occasion


@dataclass(frozen=True, slots=True)
class Cycles:
    """The instant of the last one, and what they answered; see `answered_after`."""

    last_at: datetime | None
    answered: Mapping[Asked, Sequence[Answer]]

    def superseded_by(self, reminder: Reminder) -> str | None:
        """The occasion of the late reminder that answered for this one too, if any: the next of the same."""
        rule, subject, _, *whom = reminder.key
        later = self.answered.get((rule, subject, *whom), ())
        following = next((one for one in later if one[0] > reminder.firing.at), None)
        return str(following[1]) if following and following[2] else None


def as_recorded(occasion: Occasion, keys: Mapping[int, str], practice: Practice) -> Account:
    """What a cycle wrote down, and what became of it."""
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
        addresses=occasion.addresses,
        why=occasion.why,
        next_attempt_at=occasion.next_attempt_at,
        attempts=occasion.attempts,
    )


def as_planned(reminder: Reminder, keys: Mapping[int, str], cycles: Cycles, house: House) -> Account:
    """What is still to come or will be skipped; or why the cycle that passed it by did not answer it."""
    firing = reminder.firing
    passed = cycles.last_at is not None and firing.at <= cycles.last_at and not firing.skipped
    by = cycles.superseded_by(reminder) if passed and not _before_known(reminder) else None
    return Account(
        day=firing.at.date(),
        rule=firing.rule,
        unit=firing.unit,
        measures=_keys(reminder, keys),
        reason=_why_passed(reminder, house) if passed and not by else firing.reason,
        state=SKIPPED if firing.skipped else SUPERSEDED if by else NOT_FIRED if passed else PLANNED,
        kind=firing.kind.value,
        at=firing.at,
        recipient=reminder.recipient,
        channel=reminder.channel,
        instead_of=reminder.instead_of,
        provisional=firing.provisional,
        ended_by=Reason("superseded", {"by": by}) if by else firing.skipped,
    )


def elsewhere(planned: Iterable[Reminder], keys: Mapping[int, str], house: House, span: Span) -> Iterator[Account]:
    """For the nominal days in `span` of what goes on another day: to which day it moved, or with what it collapsed."""
    told: set[tuple[str, str, str, date]] = set()
    for reminder in planned:
        firing = reminder.firing
        for nominal, reason in _moved(firing):
            one = (firing.rule, firing.subject, firing.unit, nominal)
            if nominal in span and not house.practice.worked(nominal) and one not in told:
                told.add(one)
                yield Account(
                    day=nominal,
                    rule=firing.rule,
                    unit=firing.unit,
                    measures=_keys(reminder, keys),
                    reason=reason,
                    state=NOT_FIRED,
                    kind=firing.kind.value,
                )


def _moved(firing: Firing) -> Iterator[tuple[date, Reason]]:
    day = firing.at.date()
    code = "collapsed_into" if len(firing.nominals) > 1 else "moved_to"
    for nominal in firing.nominals or (firing.occasion,):
        if nominal != day:
            yield nominal, Reason(code, {"day": str(day)})
    for nominal in firing.superseded:
        yield nominal, Reason("superseded", {"by": str(firing.occasion)})


def _keys(reminder: Reminder, keys: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(keys[measure.id] for measure in reminder.firing.measures if measure.id in keys)


def _why_passed(reminder: Reminder, house: House) -> Reason:
    reach = next((rule.catch_up_days for rule in house.rules if rule.name == reminder.firing.rule), 0)
    return _before_known(reminder) or Reason("passed_by", {"reach": str(reach)})


def _before_known(reminder: Reminder) -> Reason | None:
    firing = reminder.firing
    known_on = min((measure.known_on for measure in firing.measures if measure.known_on), default=None)
    if known_on is None or firing.at.date() >= known_on:
        return None
    return Reason("before_known", {"known_on": str(known_on)})
