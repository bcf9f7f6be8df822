"""Which rules and calendar decided on which days: today's after the last cycle, before it those recorded then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby

from reminder.app import App
from reminder.config.record import Era, as_it_was, present
from reminder.explain import House
from reminder.explain.beside import LOOK_AHEAD
from reminder.rules.calendar import days
from reminder.rules.rule import Facts, Span
from reminder.scan import reports_since
from reminder.store.engine import reading
from reminder.store.memory import recall
from reminder.store.records import records
from reminder.store.silences import silences_since

_ONE_DAY = timedelta(days=1)


def houses(app: App, span: Span) -> Iterator[tuple[Span, House]]:
    """The days of `span` in stretches of one configuration each, with what answers for them."""
    with reading(app.engine) as session:
        silences, reports = silences_since(session, span.first), reports_since(session, span.first)
    for stretch, era in _eras(app, span):
        known = {name for rule in era.rules for name in (rule.name, rule.was)}
        others = [rule for rule in era.rules if not rule.about_measures]
        ahead = Span(stretch.first, stretch.last + LOOK_AHEAD)
        wide = Span(era.practice.earlier(stretch.first), era.practice.later(stretch.last))  # whither its rest days move
        yield (
            stretch,
            House(
                rules=era.rules,
                directory=era.directory,
                practice=era.practice,
                planned=app.occasions(Span(min(wide.first, stretch.first), max(wide.last, stretch.last)), era),
                silences=silences,
                reports=reports,
                owed=app.facts(ahead, others, era) if others else Facts(),
                later=[rule for rule in app.configuration.rules if not known & {rule.name, rule.was or rule.name}],
            ),
        )


def rule_names(app: App) -> list[str]:
    """The rules of today, then those that earlier cycles knew."""

    with reading(app.engine) as session:
        past = [rule["name"] for _, record in records(session) for rule in record["rules"]]
    return list(dict.fromkeys([*(rule.name for rule in app.configuration.rules), *past]))


def _eras(app: App, span: Span) -> Iterator[tuple[Span, Era]]:

    configuration = app.configuration
    with reading(app.engine) as session:
        known, last_at = records(session), recall(session).last_at
    ends = [since for since, _ in known]

    def number(day: date) -> int | None:
        """Which record decided on `day`; None: today's configuration."""
        end = datetime.combine(day + _ONE_DAY, time.min, configuration.zone)
        if last_at is None or day > last_at.astimezone(configuration.zone).date():
            return None
        return max((n for n, since in enumerate(ends) if since < end), default=None)

    for which, group in groupby(days(span.first, span.last), key=number):
        stretch = list(group)
        try:
            era = present(configuration) if which is None else as_it_was(known[which][1], configuration)
        except (KeyError, ValueError):  # written by another version: today's is the best there is
            era = present(configuration)
        yield Span(stretch[0], stretch[-1]), era
