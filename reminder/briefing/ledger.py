"""The sections about the ledger: what is due, overdue, missing, waiting for the office, and doubtful."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, text
from sqlmodel import col, select

from reminder.briefing.look import Look
from reminder.domain.matter import Matter
from reminder.domain.measure import Measure
from reminder.ledger.text import cell_text
from reminder.office.reports import reports_of_week
from reminder.office.waiting import waiting
from reminder.rules.calendar import ONE_DAY, days
from reminder.rules.kinds.report import ReportRule
from reminder.rules.rule import Span
from reminder.store.measures import by_ids, load_measures
from reminder.store.tables import OPEN_STATUSES, MeasureRow
from reminder.words import say

_LONGEST_LOOK = timedelta(days=14)  # how far back a missing report is still news


def due(look: Look) -> Iterator[Matter]:
    """What falls due today, or on rest days before the next working morning."""
    tomorrow = look.briefing.practice.later(look.today + ONE_DAY)
    for measure in _counted(look, look.today, tomorrow - ONE_DAY):
        yield _of(measure, "due", look, fresh=True)


def overdue(look: Look) -> Iterator[Matter]:
    """What has passed its deadline; fresh where that happened since the last look."""
    for measure in reversed(_counted(look, date.min, look.today - ONE_DAY)):
        passed = measure.deadline.counted_down or look.today
        yield _of(measure, "overdue", look, fresh=passed >= look.since)


def _counted(look: Look, first: date, last: date) -> list[Measure]:
    """The chased measures whose deadlines lie on these days, by deadline."""
    within = col(MeasureRow.deadline_on).between(first, last)
    chased = [one for one in _chased(look, within) if one.deadline.counted_down]
    return sorted(chased, key=lambda one: (one.deadline.on or last, one.ledger, one.id))


def _chased(look: Look, *where: ColumnElement[bool]) -> list[Measure]:
    """The measures of which units may be reminded today; one that is closed from a later day on is still open."""
    still = or_(text(OPEN_STATUSES), col(MeasureRow.closed_on) > look.today)
    return [one for one in load_measures(look.session, still, *where) if one.chased_on(look.today)]


def _of(measure: Measure, topic: str, look: Look, *, fresh: bool) -> Matter:
    limit = measure.deadline.counted_down or look.today
    facts = {
        "code": measure.key,
        "unit": _units(measure.units, look),
        "text": measure.text,
        "day": str(limit),
        "days": str((look.today - limit).days),
    }
    return Matter(topic, topic, facts, fresh)


def _units(names: tuple[str, ...], look: Look) -> str:
    return say(look.briefing.locale, "letters.comma").join(names)


def reports_missing(look: Look) -> Iterator[Matter]:
    """The weekly reports whose hour has come since the last look, and that have not been received."""
    practice, directory = look.briefing.practice, look.briefing.directory
    first = max(look.since, look.today - _LONGEST_LOOK)
    for rule in look.briefing.rules:
        if not isinstance(rule, ReportRule):
            continue
        for week in rule.weeks(Span(first, look.today), practice):
            if not (first <= week.due_at.date() and week.due_at <= look.now):
                continue
            states = reports_of_week(look.session, rule, practice, directory.outside, week.name)
            missing = tuple(one.unit for one in states if one.state == "missing")
            if missing:
                told = {"week": week.name, "units": _units(missing, look)}
                yield Matter("reports", "report_missing", told, fresh=True, count=len(missing))


def waiting_for_us(look: Look) -> Iterator[Matter]:
    """Claims, extensions asked for, suspensions to review; fresh on the days on which the office is asked."""
    found = waiting(look.session, look.today)
    measures = by_ids(look.session, (one.measure.id or 0 for one in found))
    for one in found:
        measure = measures[one.measure.id or 0]
        facts = {
            "code": measure.key,
            "unit": _units(measure.units, look),
            "since": str(one.since),
            "because": one.because,
            "to": str(one.to or ""),
            "whose": one.whose,
        }
        asked = any(one.asked_on(day, look.briefing.practice) for day in days(look.since + ONE_DAY, look.today))
        yield Matter("waiting", one.what, facts, asked)


def limits(look: Look) -> Iterator[Matter]:
    """Later deadlines typed into the workbook that nobody has allowed, and readings that nobody has confirmed."""
    rows = look.session.exec(
        select(MeasureRow).where(text(OPEN_STATUSES)).order_by(col(MeasureRow.ledger), col(MeasureRow.id))
    ).all()
    doubtful = {row.id or 0: code for row in rows if (code := _doubt(row, look))}
    measures = by_ids(look.session, doubtful)
    for row in (row for row in rows if row.id in doubtful):
        measure, code = measures[row.id or 0], doubtful[row.id or 0]
        said = row.imported.get("deadline", "") if code == "deadline_moved" else row.deadline_text
        facts = {
            "code": measure.key,
            "unit": _units(measure.units, look),
            "text": said,
            "day": str(row.deadline_on),
        }
        fresh = row.known_on >= look.since if code == "deadline_unconfirmed" else False
        yield Matter("limits", code, facts, fresh)


def _doubt(row: MeasureRow, look: Look) -> str:
    if row.deadline_on and not row.deadline_confirmed:
        return "deadline_unconfirmed"
    said = row.imported.get("deadline", "")
    if not said or "deadline" in row.edited or row.deadline_on is None or cell_text(row.deadline_text) == said:
        return ""
    from reminder.ledger.deadline_text import read_deadline  # noqa: PLC0415 - half a MB that few mornings need

    reference = row.deadline_read_on or row.known_on
    read = read_deadline(said, reference=reference, calendar=look.briefing.practice.calendar).deadline
    return "" if read.on == row.deadline_on else "deadline_moved"


def summary(look: Look) -> Matter:
    """How many measures are open, overdue, and due within a week."""
    chased = _chased(look)
    limits_ = [one.deadline.counted_down for one in chased if one.deadline.counted_down]
    week = look.today + timedelta(days=7)
    facts = {
        "open": str(len(chased)),
        "overdue": str(sum(limit < look.today for limit in limits_)),
        "soon": str(sum(look.today <= limit < week for limit in limits_)),
    }
    return Matter("summary", "summary", facts)
