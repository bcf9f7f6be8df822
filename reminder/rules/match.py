"""What a measure may be, or may not be, so that a rule speaks of it: `match` and `except`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from reminder.domain.measure import DeadlineKind, Measure, Status
from reminder.rules.when import Flag


class Match(BaseModel):
    """Lists of what a measure may be (`match`) or may not be (`except`). Every list given must agree."""

    # Built on first use: an office uses few kinds, and what it does not use would weigh on the idle daemon.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    unit: tuple[str, ...] = ()
    aspect: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    status: tuple[Status, ...] = ()
    tag: tuple[str, ...] = ()
    leader: tuple[str, ...] = ()
    deadline: tuple[DeadlineKind, ...] = ()
    standing: Flag = None
    blocked: Flag = None
    ledger: tuple[str, ...] = ()

    def agrees(self, measure: Measure, unit: str, status: Status) -> bool:
        """Whether every list that is given names this measure of this unit, which stands at `status` on the day asked
        about. An empty match agrees with all."""
        pairs = (
            (self.unit, {unit}),
            (self.aspect, {measure.aspect}),
            (self.problem, {measure.problem, measure.problem_text}),  # many ledgers do not number them
            (self.status, {status}),
            (self.tag, set(measure.tags)),
            (self.leader, {measure.leader}),
            (self.deadline, {measure.deadline.kind}),
            (self.ledger, {measure.ledger}),
        )
        flags = ((self.standing, measure.standing), (self.blocked, measure.blocked))
        return all(not wanted or bool(set(wanted) & got) for wanted, got in pairs) and all(
            wanted is None or wanted == got for wanted, got in flags
        )

    @property
    def empty(self) -> bool:
        """Whether nothing is named."""
        return self == Match()

    @property
    def by_outline(self) -> bool:
        """Whether an outline tells all that is named (see `Facts.outlined`)."""
        named = {name for name, wanted in self if wanted not in ((), None)}
        return named <= {"unit", "deadline", "ledger"}
