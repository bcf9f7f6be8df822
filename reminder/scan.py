"""Store → the facts that rules ask about. Reads only; asks the index for what is due, never for the whole ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, text
from sqlmodel import Session, col, func, select

from reminder.domain.measure import Measure
from reminder.domain.owed import DutyDone, SentLetter
from reminder.domain.people import Directory
from reminder.domain.reminder import Firing, ReminderKind
from reminder.rules.report_slots import week_name
from reminder.rules.rule import Ask, Facts
from reminder.store.measures import by_ids, by_unit, load_alternatives, load_measures, more_than, with_ids
from reminder.store.outlines import outlines, reopened
from reminder.store.silences import silences_since
from reminder.store.tables import (
    CLOSED_STATUSES,
    OPEN_STATUSES,
    DutyRow,
    LetterRow,
    MeasureRow,
    MeasureUnitRow,
    ReportRow,
)

_DUTIES_REACH = timedelta(days=400)
MOST_AT_ONCE = 5_000  # measures in memory, each of some 1.5 kB; a single unit may have more
_MOST_DAYS = 400  # in one list; SQLite takes 999 parameters in old builds
_OfUnit = tuple[str, list[int], list[Measure]]
_REPORTS_REACH = timedelta(days=70)  # a week's report is chased and told upward for so long, with those before it


def scan(  # noqa: PLR0913, PLR0917 - what a rule may ask about
    session: Session,
    asked: Iterable[Ask],
    sees: Collection[str],
    directory: Directory,
    since: date,
    units: Collection[str] = (),
    *,
    untold: bool = False,
) -> Facts:
    """The measures that any of `asked` wants to see, the reports that matter from `since` on, what a kind `sees`.

    With `units` only measures in which one of these names stands, and their reports. `untold`: open measures as far as
    rules look at them.
    """
    wanted, closed = _split(asked)
    reach = min((ask.open_since for ask in closed), default=None)
    named = select(col(MeasureUnitRow.measure_id)).where(col(MeasureUnitRow.unit).in_(units))
    own = [col(MeasureRow.id).in_(named)] if units else []
    return Facts(
        measures=load_alternatives(session, [and_(way, *own) for way in ways(wanted)], untold=untold),
        closed=load_measures(session, col(MeasureRow.closed_on) >= reach, *own) if reach else (),
        reports=reports_since(session, since, units),
        outside=directory.outside,
        letters=letters_since(session, since) if "letters" in sees else (),
        duties_done=duties_since(session, since) if "duties_done" in sees else (),
        silences=silences_since(session, since),
    )


def portions(
    session: Session, asked: Iterable[Ask], sees: Collection[str], directory: Directory, since: date
) -> Iterator[Facts]:
    """The same for planning, in parts that fit into memory where many measures are asked for: first what is not about
    single units' open measures, then some units after the others, each with all that is asked for of its measures."""
    questions = list(asked)
    about_open, closed = _split(questions)
    if not more_than(session, ways(about_open), MOST_AT_ONCE):
        yield scan(session, questions, sees, directory, since, untold=True)
        return
    facts = scan(session, closed, sees, directory, since)
    yield facts
    for part in _parts(_by_unit(session, about_open)):
        ids = [one for _, told, _ in part for one in told]
        yield replace(
            facts,
            measures=list(by_ids(session, ids, untold=True).values()),
            outlined={unit: outlined for unit, _, outlined in part if outlined},
            closed=(),
            units=frozenset(unit for unit, *_ in part),
        )


def _parts(found: Iterable[_OfUnit]) -> Iterator[list[_OfUnit]]:
    part: list[_OfUnit] = []
    size = 0
    for one in found:
        part.append(one)
        size += len(one[1]) + len(one[2])
        if size >= MOST_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _by_unit(session: Session, asked: Sequence[Ask]) -> Iterator[_OfUnit]:
    """Each unit, the ids of its measures that are asked for, and those of which an outline is enough: the open ones
    that nobody asks more of, and that were chased at all times."""
    more = [ask for ask in asked if not ask.outlined]
    if len(more) == len(asked) or any(ask.deadline_from is None for ask in more):
        for unit, ids in by_unit(session, ways(asked)).items():
            yield unit, ids, []
        return
    moved = reopened(session)
    since = min(ask.open_since for ask in asked)
    told = by_unit(session, [*ways(more), _closed_since(since), with_ids(session, moved)])
    for unit, outlined in outlines(session, moved, list(_deadlines(more))):
        yield unit, told.pop(unit, []), outlined
    for unit, ids in told.items():
        yield unit, ids, []


def _split(asked: Iterable[Ask]) -> tuple[list[Ask], list[Ask]]:
    """The questions about any measures, and those about closed ones."""
    questions = list(asked)
    return [ask for ask in questions if not ask.closed], [ask for ask in questions if ask.closed]


def ways(asked: Collection[Ask]) -> list[ColumnElement[bool]]:
    """The questions as conditions that exclude each other, each for one index: an OR between them would use none."""
    if not asked:
        return []
    since = min(ask.open_since for ask in asked)
    # Few are closed since then and thousands have such a deadline, which SQLite cannot know: one index is offered.
    between = func.coalesce(col(MeasureRow.deadline_on), date.max).between
    bounds = [(ask.deadline_from, ask.deadline_to) for ask in asked]
    first, last = min(_earliest(one) for one, _ in bounds), max(_latest(one) for _, one in bounds)
    if any(one is None for one, _ in bounds):
        return [text(OPEN_STATUSES), _closed_since(since)]  # type: ignore[list-item]
    return [
        *(and_(text(OPEN_STATUSES), way) for way in _deadlines(asked)),
        and_(_closed_since(since), between(first, last)),
    ]


def _closed_since(day: date) -> ColumnElement[bool]:
    return and_(text(CLOSED_STATUSES), col(MeasureRow.closed_on) >= day)


def _deadlines(asked: Collection[Ask]) -> Iterator[ColumnElement[bool]]:
    """The deadlines asked for: ranges that do not overlap, and single days outside of them."""
    deadline, ranges = col(MeasureRow.deadline_on), list[tuple[date, date]]()
    for first, last in sorted((_earliest(ask.deadline_from), _latest(ask.deadline_to)) for ask in asked if not ask.on):
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    yield from (deadline.between(first, last) for first, last in ranges)
    wanted = {day for ask in asked for day in ask.on or ()}
    single = sorted(day for day in wanted if not any(first <= day <= last for first, last in ranges))
    for start in range(0, len(single), _MOST_DAYS):
        yield deadline.in_(single[start : start + _MOST_DAYS])


def _earliest(day: date | None) -> date:
    return day or date.min


def _latest(day: date | None) -> date:
    return day or date.max


def reports_since(session: Session, since: date, units: Collection[str] = ()) -> dict[tuple[str, str], datetime]:
    """(unit, ISO week) → when that week's report was first submitted, for all weeks that can still matter then; with
    `units` only theirs."""
    first = func.min(ReportRow.submitted_at)
    named = select(ReportRow.unit, ReportRow.week, first).where(
        col(ReportRow.week) >= week_name(since - _REPORTS_REACH)
    )
    if units:
        named = named.where(col(ReportRow.unit).in_(units))
    rows = session.exec(named.group_by(ReportRow.unit, ReportRow.week))
    return {(unit, week): submitted_at for unit, week, submitted_at in rows}


def letters_since(session: Session, since: date) -> list[SentLetter]:
    """The letters that waited for a reply on or after `since`, the oldest first."""
    return _letters(session, or_(col(LetterRow.replied_on).is_(None), col(LetterRow.replied_on) >= since))


def _letters(session: Session, where: ColumnElement[bool]) -> list[SentLetter]:
    rows = session.exec(select(LetterRow).where(where).order_by(col(LetterRow.sent_on), col(LetterRow.id)))
    named = ("addressee", "about", "sent_on", "reply_by", "replied_on")
    return [SentLetter(id=row.id or 0, **{name: getattr(row, name) for name in named}) for row in rows]


def duties_since(session: Session, since: date) -> list[DutyDone]:
    """The duties fulfilled since a year before `since`: the longest period is a year."""
    return _duties(session, col(DutyRow.on) >= since - _DUTIES_REACH)


def _duties(session: Session, where: ColumnElement[bool]) -> list[DutyDone]:
    done = select(DutyRow).where(where).order_by(col(DutyRow.id))
    named = ("duty", "unit", "period", "on", "count")
    return [DutyDone(**{name: getattr(row, name) for name in named}) for row in session.exec(done)]


def facts_again(session: Session, firings: Sequence[Firing], on: date) -> Facts:
    """What these firings depend on beside their measures, as it stands now."""
    letters = [int(one.about["letter"]) for one in firings if one.kind is ReminderKind.AWAITING_REPLY]
    periods = [(one.rule, one.about["period"]) for one in firings if one.kind is ReminderKind.DUTY]
    asked = (and_(col(DutyRow.duty) == duty, col(DutyRow.period) == period) for duty, period in periods)
    return Facts(
        reports=reports_since(session, on) if any(one.week for one in firings) else {},
        letters=_letters(session, col(LetterRow.id).in_(letters)) if letters else (),
        duties_done=_duties(session, or_(*asked)) if periods else (),
        silences=silences_since(session, on),
    )


def unseen_since(session: Session) -> date | None:
    """The earliest day on which a measure that no cycle has seen yet was known; None where there is none."""
    earliest = select(func.min(MeasureRow.known_on)).where(col(MeasureRow.seen_at).is_(None))
    return session.exec(earliest).one()
