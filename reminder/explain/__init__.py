"""Why something was sent, or was not: every rule's answer about some measures on some days.

What a cycle has recorded is told as recorded; the rest is computed by the very functions that plan, from the rules and
the calendar that were in force on those days.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from reminder.explain.account import Account, House, Question
from reminder.explain.beside import beside
from reminder.explain.refusals import refusals
from reminder.explain.told import Cycles, as_planned, as_recorded, elsewhere
from reminder.store.engine import reading
from reminder.store.limits import replaced_limits
from reminder.store.memory import recall
from reminder.store.occasions import answered_after, recorded

__all__ = ["Account", "House", "Question", "explain"]


def explain(engine: Engine, house: House, question: Question) -> list[Account]:
    """Every rule's answer, by day, unit and rule; of the "no" those for one reason together."""
    first = datetime.combine(question.span.first, datetime.min.time(), house.practice.zone)
    end = datetime.combine(question.span.last + timedelta(days=1), datetime.min.time(), house.practice.zone)
    asked = [
        one
        for one in house.planned
        if question.about(one.firing.rule, one.firing.unit, [measure.id for measure in one.firing.measures])
    ]
    with reading(engine) as session:
        occasions = recorded(session, first, end)
        known = {occasion.key for occasion in occasions}
        others = [one for one in asked if one.key not in known and one.firing.at.date() in question.span]
        answered = answered_after(session, first, (one.firing.subject for one in others))
        cycles = Cycles(recall(session).last_at, answered)
        replaced = replaced_limits(session, (measure.id for measure in question.measures))
    keys = {measure.id: measure.key for measure in question.measures}
    told = [
        as_recorded(occasion, keys, house.practice)
        for occasion in occasions
        if question.about(occasion.key[0], occasion.key[3], occasion.measures)
    ]
    computed = [as_planned(reminder, keys, cycles, house) for reminder in others]
    accounts = [*told, *computed, *elsewhere(asked, keys, house, question.span)]
    accounts += [*refusals(house, question, accounts, replaced), *beside(house, question, accounts)]
    return sorted(accounts, key=lambda account: (account.day, account.unit, not account.fired, account.rule))
