"""What a silence takes out of a reminder. A silenced one is an occasion all the same: it ends as skipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from reminder.domain.reminder import Line, Reason, Reminder
from reminder.domain.silence import Silence


def hushed(reminder: Reminder, silences: Sequence[Silence], day: date, was: str | None = None) -> Reminder:
    """The reminder without what is silenced on `day`; with `skipped` set where nothing of it is left.

    `was` is an earlier name of its rule, for which a silence may have been written.
    """
    if not silences or reminder.firing.skipped:
        return reminder
    firing = reminder.firing
    mine = [one for one in silences if one.holds_on(day) and one.rule in (None, firing.rule, was or firing.rule)]
    mine = [one for one in mine if one.unit in (None, firing.unit, reminder.recipient)]
    if whole := next((one for one in mine if one.measure_id is None), None):
        return replace(reminder, firing=replace(firing, skipped=why_silenced(whole)))
    lines = tuple(line for line in firing.lines if _silence_of(line, mine) is None)
    if len(lines) == len(firing.lines):
        return reminder
    if not lines:
        named = next(one for line in firing.lines if (one := _silence_of(line, mine)))
        return replace(reminder, firing=replace(firing, skipped=why_silenced(named)))
    return replace(reminder, firing=replace(firing, lines=lines, reason=_counted(firing.reason, len(lines))))


def silence_of(
    silences: Iterable[Silence], *, day: date, unit: str, rule: str, measure_id: int | None = None
) -> Silence | None:
    """The silence for which on `day` a rule tells a unit nothing about a measure; None where none holds."""
    for one in silences:
        targets = ((one.unit, unit), (one.rule, rule), (one.measure_id, measure_id))
        if one.holds_on(day) and all(wanted in (None, got) for wanted, got in targets):
            return one
    return None


def why_silenced(silence: Silence) -> Reason:
    """The reason with which a silenced occasion is skipped."""
    facts = {"number": str(silence.id), "since": str(silence.since), "until": str(silence.until)}
    return Reason("silenced", facts | {"because": silence.because})


def _silence_of(line: Line, silences: Iterable[Silence]) -> Silence | None:
    return next((one for one in silences if one.measure_id == line.measure.id), None)


def _counted(reason: Reason, count: int) -> Reason:
    return Reason(reason.code, {**reason.facts, "count": str(count)}) if "count" in reason.facts else reason
