"""Duties that recur: recorded when they are done, and listed period by period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from reminder.errors import UsageError
from reminder.office.act import Office
from reminder.office.find import nearest
from reminder.office.weeks import week_of
from reminder.rules.kinds.duty import DutyRule
from reminder.rules.rule import Facts, Practice, Span
from reminder.store.tables import DutyRow

_SHOWN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A duty as somebody says it was done: by whom, for which period, how often, on which day."""

    unit: str
    period: str
    on: date
    count: int = 1


def record_done(session: Session, rule: DutyRule, done: Done, office: Office) -> DutyRow:
    """Records that the duty of `rule` was done. Counts of one period add up.

    Raises:
        UsageError: the unit does not owe it, there is no such period, or the day has not come.
    """
    if done.on > office.today:
        raise office.refuse("day_future", on=done.on, today=office.today)
    row = DutyRow(
        duty=rule.name,
        unit=done.unit,
        period=done.period,
        count=done.count,
        on=done.on,
        recorded_at=office.now,
    )
    session.add(row)
    return row


def debtor(rule: DutyRule, name: str, unit_names: Mapping[str, str], office: Office) -> str:
    """Whoever of `owed_by` is called `name`, by its own name or an alias.

    Raises:
        UsageError: the rule names nobody so.
    """
    asked = name.strip()
    for owed_by in rule.owed_by:
        if asked == owed_by or unit_names.get(asked, asked) == unit_names.get(owed_by, owed_by):
            return owed_by
    near = nearest(asked, rule.owed_by)
    raise office.refuse("duty_not_owed_near" if near else "duty_not_owed", unit=asked, duty=rule.name, near=near)


def period_of(rule: DutyRule, text: str, practice: Practice, office: Office) -> str:
    """The period that `text` names (2021-W17, 2021-04, 2021-Q2, 2021), or that a date lies in.

    Raises:
        UsageError: the duty has no such period.
    """
    asked = text.strip().upper()
    try:
        asked = rule.due.period(date.fromisoformat(asked))
    except ValueError:
        if rule.due.week:
            asked = _week(asked, office)
    if asked in {rule.due.period(day) for day in _nominals(rule, asked, practice)}:
        return asked
    raise office.refuse("period_unknown", period=text, duty=rule.name, example=rule.due.period(office.today))


def _week(text: str, office: Office) -> str:
    try:
        return week_of(text, office.locale)
    except UsageError:
        return text


def _nominals(rule: DutyRule, period: str, practice: Practice) -> Iterator[date]:
    """The nominal due days of the year that a period's name begins with, and of the days around it."""
    if not period[:4].isdecimal() or not 1 < int(period[:4]) < 9999:
        return iter(())
    first, last = date(int(period[:4]) - 1, 12, 1), date(int(period[:4]) + 1, 1, 31)
    return rule.due.nominal_days(first, last, practice.calendar)


def listed(rule: DutyRule, facts: Facts, practice: Practice, today: date) -> list[dict[str, Any]]:
    """What is owed by whom, as `duty list --json` tells it: the period last due, and the one due next."""
    periods = list(rule.periods(Span(today - _SHOWN, today), practice))
    last = [period for period in periods if period.due_at.date() < today][-1:]
    coming = [period for period in periods if period.due_at.date() >= today][:1]
    told = []
    for period in (*last, *coming):
        for unit in rule.owed_by:
            done = rule.done(facts.duties_done, unit, period.name, today)
            state = "done" if done >= rule.quota else "overdue" if period.due_at.date() < today else "owed"
            told.append(
                {
                    "duty": rule.name,
                    "what": rule.what,
                    "unit": unit,
                    "period": period.name,
                    "due_at": period.due_at.isoformat(),
                    "done": done,
                    "min": rule.quota,
                    "state": state,
                }
            )
    return told
