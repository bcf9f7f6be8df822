"""Where a victim dies: at named statements and commits of its database, and at named stages of the wire.

Statements rather than functions: the points stay where they are when the program's inside is rebuilt. The stages of
the wire are the receiver's (`Desk.reach`): it kills its client, so that what it had accepted is known for certain.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

Plant = Callable[[], None]


@dataclass(frozen=True)
class Sql:
    """Before or after a statement, or before or after the commit of the transaction it stands in."""

    statement: str
    when: str  # before, after, before the commit, after the commit


SQL = {
    "before the scan": Sql(r"^SELECT measure\..* FROM measure ", "before"),
    "after the scan": Sql(r"^INSERT INTO message", "before"),
    "messages without reminders": Sql(r"^INSERT INTO reminder", "before"),
    "in the midst of the outbox rows": Sql(r"^(INSERT INTO message|UPDATE reminder SET message_pk)", "after"),
    "before the cycle is remembered": Sql(r"^(INSERT INTO|UPDATE) cycle", "before"),
    "before the plan's commit": Sql(r"^(INSERT INTO|UPDATE) cycle", "before the commit"),
    "after the plan's commit": Sql(r"^(INSERT INTO|UPDATE) cycle", "after the commit"),
    "before the claim": Sql(r"^UPDATE message SET state=\S+ lease_token", "before"),
    "claimed, not committed": Sql(r"^UPDATE message SET state=\S+ lease_token", "after"),
    "claim committed": Sql(r"^UPDATE message SET state=\S+ lease_token", "after the commit"),
    "rendered, before the bytes are fixed": Sql(r"^UPDATE message SET attempts", "before"),
    "bytes fixed, not committed": Sql(r"^INSERT INTO delivery", "before the commit"),
    "bytes committed, not sent": Sql(r"^INSERT INTO delivery", "after the commit"),
    "accepted, not settled": Sql(r"^UPDATE delivery SET outcome=\S+ code", "before"),
    "settled, not committed": Sql(r"^UPDATE delivery SET outcome=\S+ code", "before the commit"),
    "settled and committed": Sql(r"^UPDATE delivery SET outcome=\S+ code", "after the commit"),
}
SMTP = (
    "smtp: connected",
    "smtp: RCPT",
    "smtp: before the final dot",
    "smtp: after the final dot",
    "smtp: accepted, before 250",
    "smtp: after 250",
)
HTTP = (
    "http: connected",
    "http: request read",
    "http: accepted, before the answer",
    "http: after the answer",
)
ONCE = {  # passed once in a cycle; the others once for each message
    "after the scan",
    "in the midst of the outbox rows",
    "messages without reminders",
    "before the cycle is remembered",
    "before the plan's commit",
    "after the plan's commit",
    "before the claim",
    "claimed, not committed",
    "claim committed",
    "smtp: connected",
}
POINTS = {"email": (*SQL, *SMTP), "webhook": (*SQL, *HTTP)}


def die() -> None:
    """kill -9, by its own hand: nothing is flushed, rolled back or closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def fall_asleep() -> None:
    """SIGSTOP, by its own hand, in the midst of what it does. To this very thread: one to the process stops the others
    first, and lets this one do what it is in the midst of."""
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def at_sql(point: Sql, nth: int = 1, meet: Plant = die) -> Plant:
    """Plants a SIGKILL, or what else is to `meet` the process, at the `nth` passing of a point."""

    def plant() -> None:
        pattern, left = re.compile(point.statement), [nth]
        armed: list[bool] = []

        def passing() -> None:
            left[0] -= 1
            if left[0] == 0:
                meet()

        def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if pattern.search(" ".join(statement.split())):
                armed.append(True)
                if point.when == "before":
                    passing()

        def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if point.when == "after" and pattern.search(" ".join(statement.split())):
                passing()

        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "after_cursor_execute", after)
        honest = DefaultDialect.do_commit

        def commit(self: DefaultDialect, connection: Any) -> None:
            met = bool(armed)
            armed.clear()
            if met and point.when == "before the commit":
                passing()
            honest(self, connection)
            if met and point.when == "after the commit":
                passing()

        DefaultDialect.do_commit = commit  # type: ignore[method-assign]

    return plant
