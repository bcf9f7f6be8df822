"""What is asked of `explain`, what its answers come from, and one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from reminder.domain.measure import Measure
from reminder.domain.people import Directory
from reminder.domain.reminder import Reason, Reminder
from reminder.domain.silence import Silence
from reminder.rules.rule import Facts, Practice, Rule, Span
from reminder.store.messages import Attempt

PLANNED, NOT_FIRED, SKIPPED, SUPERSEDED = "planned", "not_fired", "skipped", "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: these measures of these units (all of theirs, where empty), one rule or all.

    `of_measure` is set where a person named a measure: what is about none is left out then.
    """

    span: Span
    measures: Sequence[Measure]
    units: frozenset[str] = frozenset()
    rule: str | None = None
    of_measure: bool = False

    def about(self, rule: str, unit: str, measures: Sequence[int]) -> bool:
        """Whether an occasion of `rule` for `unit` about the measures with these ids is asked about."""
        asked = {measure.id for measure in self.measures}
        about = any(one in asked for one in measures) or not (measures or self.of_measure)
        return about and self.rule in (None, rule) and (not self.units or unit in self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One rule's answer for one unit on one day, about the measures with the keys in `measures`.

    `state` is what became of it: a message's state, `superseded`, `cancelled`, `skipped`; `planned` where it is still
    to come, `not_fired` where the rule says no. Only recorded ones have a message, its addresses and its attempts.
    """

    day: date
    rule: str
    unit: str
    measures: tuple[str, ...]
    reason: Reason
    state: str
    kind: str = ""
    at: datetime | None = None
    recipient: str = ""
    channel: str = ""
    instead_of: str = ""
    late: bool = False
    provisional: bool = False
    ended_by: Reason | None = None
    message: int | None = None
    addresses: tuple[str, ...] = ()
    why: str = ""
    next_attempt_at: datetime | None = None
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def fired(self) -> bool:
        """Whether the rule fired, and its reminder got or will get a message."""
        return self.state not in (NOT_FIRED, SKIPPED, SUPERSEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the answers for some days come from: the rules of those days, who could be reached, how the office worked,
    what is planned (skipped occasions included), the silences and the reports.

    `later` are the rules of today that did not exist then.
    """

    rules: Sequence[Rule]
    directory: Directory
    practice: Practice
    planned: Sequence[Reminder]
    silences: Sequence[Silence] = ()
    reports: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    owed: Facts = field(default_factory=Facts)  # the letters and duties of the rules that are about no measure
    later: Sequence[Rule] = ()
