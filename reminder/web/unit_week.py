"""What a unit's page shows: its week, whether it was reported, and its open measures, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from reminder.compose import wording
from reminder.domain.measure import Measure, Status
from reminder.gate.feeds import path
from reminder.gate.links import Link
from reminder.office.unit_report import latest_report, open_measures
from reminder.render.text import tidy
from reminder.rules.kinds.report import ReportRule
from reminder.rules.rule import Span
from reminder.store.measures import by_ids
from reminder.store.tables import ReportRow
from reminder.web.hall import Hall

COLOURS = {"overdue": "red", "today": "yellow", "soon": "yellow", "later": "green", "undated": "grey"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureView:
    """One measure in the reader's words."""

    measure: Measure
    key: str
    state: str
    colour: str
    distance: str
    limit: str
    status: str
    claimed: bool

    @property
    def prefix(self) -> str:
        """What the names of its fields begin with."""
        return f"m{self.measure.id}-"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWeekView:
    """One unit's week. `due` and `received` are in words; "" where nothing is due, or nothing came yet."""

    unit: str
    week: str
    week_words: str
    other_weeks: tuple[tuple[str, str], ...]
    due: str
    late: bool
    received: str
    received_by: str
    signature: str
    measures: tuple[MeasureView, ...]
    units: tuple[str, ...]
    feed: str
    valid_until: str
    tomorrow: date


def unit_week(session: Session, here: Hall, link: Link, week: str, locale: str) -> UnitWeekView:
    """The week that was asked for, where the link is for it; else the first that nobody has reported yet."""
    configuration, now = here.app.configuration, here.now()
    today = now.astimezone(configuration.zone).date()
    latest = {name: latest_report(session, link.unit, name) for name in link.weeks}
    chosen = week if week in latest else next((name for name, row in latest.items() if row is None), link.weeks[-1])
    due_at, row = _due_at(here, chosen), latest[chosen]
    return UnitWeekView(
        unit=link.unit,
        week=chosen,
        week_words=wording.week(locale, chosen),
        other_weeks=tuple((name, wording.week(locale, name)) for name in link.weeks if name != chosen),
        due=wording.instant(locale, due_at) if due_at else "",
        late=bool(due_at and now > due_at),
        received=wording.instant(locale, row.submitted_at.astimezone(configuration.zone)) if row else "",
        received_by=_by(row),
        signature=str(row.sent.get("signature", "")) if row else "",
        measures=tuple(shown(one, locale, today) for one in open_measures(session, here.names_of(link.unit))),
        units=tuple(name for name in here.offered_units() if name != link.unit),
        feed=path(session, here.key, link.unit),
        valid_until=wording.long_day(locale, link.expires_at.astimezone(configuration.zone).date()),
        tomorrow=today + timedelta(days=1),
    )


def looked_at(session: Session, here: Hall, link: Link, locale: str) -> list[MeasureView]:
    """The measures that a message spoke of, as they stand now."""
    today = here.now().astimezone(here.app.configuration.zone).date()
    found = by_ids(session, link.measures)
    return [shown(found[key], locale, today) for key in link.measures if key in found]


def shown(measure: Measure, locale: str, today: date) -> MeasureView:
    """A measure in the words of `locale`, as seen on the day `today`."""
    due = measure.deadline.counted_down
    left = (due - today).days if due else None
    state = wording.state_of(left)
    stands = measure.status_on(today)
    chased = measure.chased_on(today)
    return MeasureView(
        measure=measure,
        key=measure.key,
        state=state,
        colour=COLOURS[state] if chased else "grey",
        distance=wording.distance(locale, left) if chased else "",
        limit=wording.limit(locale, measure.deadline, due, tidy(measure.deadline.text, 40)),
        status=wording.status(locale, measure, today),
        claimed=stands is Status.CLAIMED,
    )


def _due_at(here: Hall, week: str) -> datetime | None:
    """When the report of `week` is due by the first report rule; None where none is."""
    configuration = here.app.configuration
    rule = next((one for one in configuration.rules if isinstance(one, ReportRule)), None)
    if rule is None:
        return None
    monday = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    weeks = rule.weeks(Span(monday, monday + timedelta(days=6)), configuration.practice)
    return next((one.due_at for one in weeks if one.name == week), None)


def _by(row: ReportRow | None) -> str:
    return str(row.sent.get("by", "")) if row else ""
