"""What became of every unit's weekly report, for the command line, the desk and the API."""

from __future__ import annotations

from datetime import date

from reminder.app import App
from reminder.errors import UsageError
from reminder.office.reports import UnitWeek, reports_of_week
from reminder.office.weeks import week_of
from reminder.rules.kinds.report import ReportRule
from reminder.store.engine import reading
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
    with reading(app.engine) as session:
        return reports_of_week(session, rules[0], configuration.practice, configuration.directory.outside, name)
