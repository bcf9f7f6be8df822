"""The attempts of many workers, begun and settled in few transactions: who waits for a commit goes with the next one.

Nothing is held back to be grouped: a commit takes what has come while the one before it was under way, some
milliseconds at most.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from reminder import outbox
from reminder.deliver import standing_after
from reminder.domain.destination import Rate, Standing
from reminder.outbox import Settled, Start
from reminder.store import destinations, notices
from reminder.store.engine import changing, writing

log = logging.getLogger("reminder.cycle")


@dataclass(slots=True)
class Order:
    """One worker's part of a commit: what it settles, what it begins. `key` is the begun delivery, None where the
    lease was lost or where `rate` leaves no room at `destination`; `standing` is how that one stands after a
    settlement that `tells` about it."""

    now: datetime
    destination: str
    rate: Rate = ()
    settled: Settled | None = None
    tells: bool = False
    start: Start | None = None
    key: int | None = None
    standing: Standing | None = None
    full: bool = False
    done: bool = False
    error: Exception | None = None


class Commits:
    """One writer at a time: whoever has the lock commits for all who wait for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._waiting: deque[Order] = deque()

    @contextmanager
    def alone(self) -> Iterator[Session]:
        """A transaction of one's own, in turn with the others: SQLite would make two of them wait by sleeping."""
        with self._lock, writing(self._engine) as session:
            yield session

    def carry_out(self, orders: Sequence[Order]) -> None:
        """Returns once the orders are committed; raises what one of them caused. They may be given once more then, as
        is done here where the database hung up on us: what was committed is not done twice."""
        for order in orders:
            order.done, order.error = False, None
        self._waiting.extend(orders)
        with self._lock:
            if not all(order.done for order in orders):
                self._together([self._waiting.popleft() for _ in range(len(self._waiting))])
        for order in orders:
            if order.error is not None:
                raise order.error

    def _together(self, orders: list[Order], *, again: bool = False) -> None:
        try:
            self._commit(orders)
        except Exception as error:
            if len(orders) > 1:
                for order in orders:  # one of them is at fault: it must not stop the others
                    self._together([order])
                return
            if not again and isinstance(error, DBAPIError) and error.connection_invalidated:
                self._together(orders, again=True)  # it may be committed: only the answer was lost
                return
            orders[0].error, orders[0].done = error, True

    def _commit(self, orders: list[Order]) -> None:
        with changing(self._engine) as connection:
            settled = [order.settled for order in orders if order.settled]
            news = bool(settled) and outbox.settle(connection, settled)
            for order in orders:
                _judge(connection, order, news=news)
            going = [order for order in orders if order.start and _has_room(connection, order)]
            starts = [order.start for order in going if order.start]
            keys = outbox.begin_attempts(connection, starts, orders[-1].now) if starts else []
        for order, key in zip(going, keys, strict=True):
            order.key = key
        for order in orders:
            order.done = True


def _judge(connection: Connection, order: Order, *, news: bool) -> None:
    if not order.settled or not order.tells:
        return
    with Session(connection) as session:
        before = order.standing = destinations.standing_locked(session, order.destination)
        if not news:
            return
        order.standing = standing_after(before, order.settled.outcome, order.settled.at)
        if order.standing != before:
            destinations.stands(session, order.destination, order.standing)
            log.info("destination %s: %s", order.destination, order.standing)
        mended = not (order.standing.failures or order.standing.disabled_at)
        _note(session, order.settled, order.destination, mended=mended)


def _note(session: Session, settled: Settled, destination: str, *, mended: bool) -> None:
    """The office hears of a channel that only a person can mend while its letters still wait, and by another one."""
    channel, why = settled.message.channel, settled.outcome.text
    if settled.outcome.peer == "broken":
        facts = {"channel": channel, "why": why}
        told = notices.Notice(key=notices.broken(destination), code=notices.CHANNEL, facts=facts, not_by=channel)
        notices.note(session, told, settled.at)
    elif mended:
        notices.over(session, settled.at, key=notices.broken(destination))


def _has_room(connection: Connection, order: Order) -> bool:
    """A limit counts at the attempt, not at the claim: claimed messages may wait, and other daemons send too."""
    order.full = False
    if order.rate:
        with Session(connection) as session:
            order.full = not destinations.count_in(session, order.destination, order.rate, order.now)
    return not order.full
