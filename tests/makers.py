"""The one cast of the tests, and makers for values: each takes only what the test is about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from reminder.domain.measure import CLOSED, Change, Deadline, DeadlineKind, Measure, Status
from reminder.domain.people import OFFICE, Directory, Leader, Party, Unit
from reminder.domain.reminder import Firing, Line, Reason, Reminder, ReminderKind
from reminder.rules.calendar import Calendar
from reminder.rules.kinds import KINDS
from reminder.rules.rule import Practice, Rule

SHANGHAI = ZoneInfo("Asia/Shanghai")
_ids = count(1)


def a_measure(deadline: str | Deadline | None = "2021-06-30", **changes: Any) -> Measure:
    """A measure of 建设局; `deadline` as a date, a Deadline, or None for 长期坚持."""
    if deadline is None:
        limit = Deadline(DeadlineKind.ONGOING, text="长期坚持")
    elif isinstance(deadline, str):
        limit = Deadline(DeadlineKind.DATE, date.fromisoformat(deadline), text=deadline)
    else:
        limit = deadline
    number = next(_ids)
    return Measure(
        **{"id": number, "code": str(number), "text": "完善制度", "units": ("建设局",), "deadline": limit} | changes
    )


def closed(measure_on: str, status: Status = Status.WRITTEN_OFF) -> dict[str, Any]:
    """Changes that close a measure on a day."""
    assert status in CLOSED
    day = date.fromisoformat(measure_on)
    return {"status": status, "closed_on": day, "changes": (Change(day, status),)}


def a_practice(**changes: Any) -> Practice:
    """The office's way of working: the State Council's calendar, Shanghai."""
    return Practice(**{"calendar": Calendar(), "zone": SHANGHAI} | changes)


def a_rule(kind: str, **keys: Any) -> Rule:
    """A rule of `kind`, named after it, with the keys that the test is about."""
    needed: dict[str, dict[str, Any]] = {
        "deadline": {"before": [14, 7, 3, 1, 0]},
        "overdue": {"every": 3},
        "nudge": {"on": "monday"},
        "pace": {"on": "monday", "behind": 20},
        "look_back": {"after": [90, 180]},
        "awaiting_reply": {"within": "15wd", "before": [3], "chase": "5wd"},
        "duty": {"what": "报工程进度", "owed_by": ["建设局"], "due": {"week": "monday"}, "chase": "1wd"},
        "report": {"due": "friday 17:00", "remind": ["friday 09:00"], "chase": "monday 09:00"},
    }
    return KINDS[kind].model_validate({"name": kind, "kind": kind} | needed[kind] | keys)


def a_directory(*, names: Iterable[str] = ("建设局", "财政局"), leader: str | None = None, **changes: Any) -> Directory:
    """Units reachable by mail, a leader 分管领导, the office."""
    return Directory(
        **{
            "units": {
                name: Unit(name=name, channels=("mail",), addresses={"mail": (f"{name}@example.org",)}, leader=leader)
                for name in names
            },
            "leaders": {
                "分管领导": Leader(name="分管领导", channels=("mail",), addresses={"mail": ("leader@example.org",)})
            },
            "office": Party(name=OFFICE, channels=("mail",), addresses={"mail": ("office@example.org",)}),
        }
        | changes
    )


def at(text: str) -> datetime:
    """An instant on the office's clock: "2021-05-06" (09:00) or "2021-05-06 17:00"."""
    day, _, hour = text.partition(" ")
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour or "09:00"), SHANGHAI)


def a_reminder(kind: ReminderKind = ReminderKind.BEFORE, *measures: Measure, **changes: Any) -> Reminder:
    """A reminder of 建设局 by mail about `measures` (one, where none is given)."""
    about = measures or (a_measure(),)
    firing: dict[str, Any] = {
        "rule": "approaching",
        "kind": kind,
        "subject": f"measure:{about[0].id}",
        "unit": "建设局",
        "occasion": date(2021, 5, 6),
        "at": at("2021-05-06"),
        "lines": tuple(Line(measure, (7,)) for measure in about),
        "reason": Reason("before", {"deadline": "2021-05-13", "days": "7"}),
    }
    own = {name: changes.pop(name) for name in list(changes) if name in Firing.__dataclass_fields__}
    reminder: dict[str, Any] = {"recipient": "建设局", "channel": "mail"}
    return Reminder(**{"firing": Firing(**firing | own)} | reminder | changes)


def codes(row):
    """The codes of a row's problems."""
    return [problem.code for problem in row.problems]
