"""What became of every unit's weekly report, for the command line, the desk and the API."""

from __future__ import annotations

from datetime import date, timedelta

from reminder.app import App
from reminder.errors import UsageError
from reminder.office.reports import UnitWeek, list_reports
from reminder.office.weeks import week_of
from reminder.rules.kinds.report import ReportRule
from reminder.rules.rule import Span
from reminder.words import say


def week_reports(app: App, week: str | None, today: date | None = None) -> list[UnitWeek]:
    """Every unit's report of the week, by the first report rule; of this week where none is named.

    Raises:
        UsageError: it is no week, or there is no rule about reports.
    """
    configuration = app.configuration
    rules = [rule for rule in configuration.rules if isinstance(rule, ReportRule)]
    if not rules:
        raise UsageError(say(configuration.locale, "reports.no_rule"))
    name = week_of(week or str(today or app.today()), configuration.locale)
    monday = date.fromisocalendar(int(name[:4]), int(name[6:]), 1)
    facts = app.facts(Span(monday, monday + timedelta(days=6)), rules[:1])
    return list_reports(facts, rules[0], configuration.practice, name)
