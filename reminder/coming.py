"""What goes next, as `check` and `status` tell it."""

from __future__ import annotations

from datetime import datetime, timedelta

from reminder.app import App
from reminder.config.configuration import Configuration
from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.rules.rule import Facts, Span

MOST = 10
_AHEAD = (14, 120)  # days looked ahead: most rules fire within the first, quarterly ones within the second


def coming(app: App, moment: datetime, most: int = MOST) -> list[dict[str, str]]:
    """The next instants after `moment` at which a rule has something for a recipient; empty where none is near."""

    configuration = app.configuration
    today = app.today(moment)
    begin = max(today, configuration.office.started_on or today)
    found: set[tuple[datetime, str, str]] = set()
    for ahead in _AHEAD:
        planned = app.planned(Span(begin, begin + timedelta(days=ahead)))
        found = {(one.firing.at, one.firing.rule, one.recipient) for one in planned if one.firing.at > moment}
        if len(found) >= most:
            break
    return [
        {"at": at.isoformat(), "rule": rule, "recipient": recipient} for at, rule, recipient in sorted(found)[:most]
    ]


def rule_days(configuration: Configuration, moment: datetime, most: int = MOST) -> list[dict[str, str]]:
    """The same without a ledger: when the rules would go for a made-up unit whose measures have no date."""

    today = moment.astimezone(configuration.zone).date()
    begin = max(today, configuration.office.started_on or today)
    kinds = (DeadlineKind.EMPTY, DeadlineKind.ONGOING)
    made_up = [
        Measure(id=n, code=str(n), text="", units=("",), deadline=Deadline(kind)) for n, kind in enumerate(kinds)
    ]
    span = Span(begin, begin + timedelta(days=_AHEAD[-1]))
    found = {
        (firing.at, rule.name)
        for rule in configuration.rules
        for firing in rule.firings(Facts(measures=made_up), span, configuration.practice)
        if firing.at > moment
    }
    return [{"at": at.isoformat(), "rule": rule, "recipient": ""} for at, rule in sorted(found)[:most]]
