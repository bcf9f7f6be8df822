"""What is due among a million measures, and what a heartbeat costs when nothing is."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, Engine, event, text
from sqlmodel import Session, col, select

from reminder.cycle import enqueue
from reminder.cycle.service import Service
from reminder.rules.rule import Span
from reminder.scan import ways
from reminder.store.engine import open_engine, reading
from reminder.store.measures import load_alternatives, rows_of
from reminder.store.tables import OPEN_STATUSES, MeasureRow
from tests.bench.country import BACKENDS, BEFORE, country
from tests.bench.letters import MONDAY
from tests.bench.measure import Figures, at_least, at_most, interleaved
from tests.bench.office import office, rule
from tests.makers import a_practice, at

_MANY, _FEW = 1_000_000, 10_000
_BEFORE, _IDLE = "2026-03-01 09:00", "2026-03-01 10:00"  # no rule has an hour between them
_HUNDRED = range(100)
_FIFTHS = 5


def scan() -> Figures:
    """The due query against the driver's own, against the ORM over all open rows, and against a small ledger."""
    figures: dict[str, float] = {}
    for backend in BACKENDS:
        with ExitStack() as stack:
            many, few = (_engine(stack, country(backend, size)) for size in (_MANY, _FEW))
            for engine in (many, few):
                _due(engine)
            quick = interleaved(
                {
                    "ours": partial(_due, many),
                    "raw": _raw(stack, many),
                    "small": partial(_due, few),
                    "values": partial(_values, many),
                },
                rounds=25,
            )
            slow = interleaved({"orm": partial(_orm, many, iter(range(_FIFTHS)))}, rounds=_FIFTHS)
            figures |= {
                f"{backend}_due_ms": quick["ours"] * 1000,
                f"{backend}_over_raw": quick["ours"] / quick["raw"],
                f"{backend}_many_over_few": quick["ours"] / quick["small"],
                f"{backend}_orm_over_due": slow["orm"] * _FIFTHS / quick["ours"],
                f"{backend}_as_values_over_raw": quick["values"] / quick["raw"],
            }
    bounds = {"over_raw": at_most(1.6), "many_over_few": at_most(1.3), "orm_over_due": at_least(1000)}
    return figures, {f"{backend}_{name}": bound for backend in BACKENDS for name, bound in bounds.items()}


def _engine(stack: ExitStack, url: str) -> Engine:
    engine = open_engine(url)
    stack.callback(engine.dispose)
    return engine


def _asked() -> list[ColumnElement[bool]]:
    return ways(list(rule("deadline", before=list(BEFORE)).asks(Span(MONDAY, MONDAY), a_practice())))


def _due(engine: Engine) -> None:
    with reading(engine) as session:
        assert len(rows_of(session, _asked(), untold=True)) == 3_000


def _values(engine: Engine) -> None:
    with reading(engine) as session:
        assert len(load_alternatives(session, _asked(), untold=True)) == 3_000


def _raw(stack: ExitStack, engine: Engine) -> Callable[[], None]:
    """The very statement that ours sends, by the driver alone."""
    said: list[tuple[str, object]] = []

    def listen(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    _due(engine)
    event.remove(engine, "before_cursor_execute", listen)
    statement, parameters = next(one for one in said if "deadline_on" in one[0])
    connection = engine.raw_connection()
    stack.callback(connection.close)

    def side() -> None:
        cursor = connection.cursor()
        cursor.execute(statement, parameters)
        assert len(cursor.fetchall()) == 3_000
        cursor.close()

    return side


def _orm(engine: Engine, turns: Iterator[int]) -> None:
    """Every open row as an object, compared in Python: what one writes first. Each round loads another fifth of the
    rows, so that all rounds together load them once: five times all of them takes minutes and 1.3 GB."""
    due = {MONDAY + timedelta(days=offset) for offset in BEFORE}
    with Session(engine) as session:
        rows = select(MeasureRow).where(text(OPEN_STATUSES), col(MeasureRow.id) % _FIFTHS == next(turns))
        found = [row for row in session.exec(rows) if row.deadline_on in due]
        assert len(found) == 3_000 / _FIFTHS
    del found
    gc.collect()


def idle() -> Figures:
    """A heartbeat with nothing to answer: how many statements it sends, and whether they know the ledger's size."""
    figures: dict[str, float] = {}
    for backend in BACKENDS:
        with ExitStack() as stack:
            sides: dict[str, Callable[[], None]] = {}
            for name, size in (("many", _MANY), ("few", _FEW)):
                service = stack.enter_context(office(country(backend, size), at(_BEFORE)))
                figures[f"{backend}_statements"] = _statements(service.engine, partial(enqueue, service, at(_IDLE)))
                sides[name] = partial(_beats, service)
            took = interleaved(sides, rounds=9)
            figures[f"{backend}_beat_ms"] = took["many"] * 1000 / len(_HUNDRED)
            figures[f"{backend}_many_over_few"] = took["many"] / took["few"]
    bounds = {"statements": at_most(12), "many_over_few": at_most(1.2)}
    return figures, {f"{backend}_{name}": bound for backend in BACKENDS for name, bound in bounds.items()}


def _beats(service: Service) -> None:
    for _ in _HUNDRED:
        enqueue(service, at(_IDLE))


def _statements(engine: Engine, beat: Callable[[], object]) -> int:
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_: said.append(statement))
    beat()
    return len(said)
