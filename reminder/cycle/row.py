"""Messages that began together, on their way to one peer: handed over one by one, judged as their answers come.

Over two connections in turn the peer answers to one message while the next one is handed over; at most one answer is
outstanding over each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reminder.channels.base import Channel
from reminder.cycle.commits import Order
from reminder.cycle.dispatch import Dispatch
from reminder.cycle.lanes import TOGETHER_SECONDS, Lane, moment
from reminder.cycle.opener import Opener, Ways
from reminder.deliver import hand_over
from reminder.domain.message import Outcome
from reminder.outbox import Settled, Start

_HELD_UP_SECONDS = 1.0  # between the beginning of an attempt and its try: was this process stopped meanwhile?
UNTRIED = Outcome("refused", "retrying", "", "not tried: somebody else had taken the message over", peer="")
_BEHIND = "not tried: those before it took too long, or nothing may go there now"


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a message, and since which `moment` the peer may have accepted it."""

    settled: Settled
    since: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """A begun attempt: its try `began` at a moment. One for which a connection was `new` tells nothing of the peer's
    pace."""

    start: Start
    key: int
    began: float
    new: bool


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A message handed over at a `moment`; `answer` waits for what comes of it."""

    trial: _Trial
    answer: Callable[[], Outcome]
    handed_over: float


class Row:
    """A worker's messages, begun at the moment `begun_at`, and the connections by which they go in turn."""

    def __init__(self, dispatch: Dispatch, lane: Lane, ways: Ways, orders: Sequence[Order], begun_at: float) -> None:
        self._dispatch, self._lane, self._ways, self._begun_at = dispatch, lane, ways, begun_at
        self._going = deque(_begun(orders))
        self._turns = deque(ways.for_row(lane, [start.message.channel for start, _ in self._going]))
        self._under_way: deque[Ended | _Awaited] = deque()
        self._first = True

    def ended(self) -> Iterator[Ended]:
        """What comes of each, in their order. What is known has been taken before anything more is handed over."""
        while self._going:
            latest = self._next()
            self._under_way.append(latest)
            while len(self._under_way) >= (len(self._turns) if isinstance(latest, _Awaited) else 1):
                yield self._end(self._under_way.popleft())
        yield from self.left()

    def left(self) -> Iterator[Ended]:
        """The same, also after an error, and nothing more is handed over: the answers that are still to come, and what
        was not tried, which waits for no lease then."""
        while self._under_way:
            yield self._end(self._under_way.popleft())
        now = self._dispatch.clock()
        while self._going:
            yield _left_behind(*self._going.popleft(), now)

    def _next(self) -> Ended | _Awaited:
        """The next one is handed over, unless it may not be tried any more: where nothing may go there now, or where it
        follows others that took too long, it is left for another attempt."""
        first, self._first = self._first, False
        (start, key), now = self._going[0], self._dispatch.clock()
        held_up = moment() - self._begun_at > _HELD_UP_SECONDS
        if self._lane.blocked(now) or (held_up and not first):
            self._going.popleft()
            return _left_behind(start, key, now)
        if held_up and not self._dispatch.still_ours(start):
            self._going.popleft()
            return Ended(Settled(start.message, key, UNTRIED, now), moment())
        channel = self._told_what_follows()
        self._going.popleft()
        self._turns.rotate(-1)
        return self._handed_over(channel, _Trial(start, key, moment(), first and self._ways.new), now)

    def _told_what_follows(self) -> Channel:
        """The channel whose turn it is; it knows what it sends after the next one."""
        way, ahead = self._turns[0], len(self._turns)
        channel = _channel(way, self._going[0][0])
        following = self._going[ahead][0] if len(self._going) > ahead else None
        channel.expect(following.envelope if following and _channel(way, following) is channel else None)
        return channel

    def _handed_over(self, channel: Channel, trial: _Trial, now: datetime) -> Ended | _Awaited:
        start, attempts = trial.start, trial.start.message.attempts + 1
        found = hand_over(channel, start.written.payload, start.envelope, attempts, now, doubted=start.doubted)
        if isinstance(found, Outcome):
            if trial.new:
                self._turns = deque([self._ways.refused()])
            ended = moment()
            return Ended(self._judged(trial, found, ended - trial.began), ended)
        return _Awaited(trial, found, moment())

    def _end(self, one: Ended | _Awaited) -> Ended:
        if isinstance(one, Ended):
            return one
        asked, outcome = moment(), one.answer()
        seconds = one.handed_over - one.trial.began + moment() - asked
        return Ended(self._judged(one.trial, outcome, seconds), one.handed_over)

    def _judged(self, trial: _Trial, outcome: Outcome, seconds: float) -> Settled:
        """`seconds` has the peer kept its worker: to hand over, and to wait for the answer."""
        well = outcome.peer == "well"
        if not (well and trial.new):
            self._lane.tried(seconds if well else TOGETHER_SECONDS)
        return Settled(trial.start.message, trial.key, self._within_hours(outcome), self._dispatch.clock())

    def _within_hours(self, outcome: Outcome) -> Outcome:
        """A retry may not fall into the night: it waits for the next slot."""
        if outcome.next_attempt_at is None:
            return outcome
        service = self._dispatch.service
        return replace(outcome, next_attempt_at=service.hours.next_slot(outcome.next_attempt_at, service.practice))


def untried(orders: Sequence[Order], now: datetime) -> list[Ended]:
    """Attempts that were begun, and for which there is no connection: all of them are left behind."""
    return [_left_behind(start, key, now) for start, key in _begun(orders)]


def _begun(orders: Sequence[Order]) -> list[tuple[Start, int]]:
    return [(order.start, order.key) for order in orders if order.start and order.key is not None]


def _left_behind(start: Start, key: int, now: datetime) -> Ended:
    """An attempt that was begun with others and is not made: it may be begun anew at once."""
    return Ended(Settled(start.message, key, replace(UNTRIED, text=_BEHIND, next_attempt_at=now), now), moment())


def _channel(way: Opener, start: Start) -> Channel:
    channel = way(start.message.channel)
    assert channel is not None  # whoever wrote the message had it
    return channel
