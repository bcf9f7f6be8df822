"""The cast of the letters' tests: measures of the 2021 ledger, and short ways to make reminders of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

from reminder.compose import Circumstances
from reminder.domain.measure import Deadline, DeadlineKind, Measure, Status
from reminder.domain.reminder import Firing, Line, Reason, Reminder, ReminderKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
GOLDEN = Path(__file__).parent / "golden"
MONDAY = date(2021, 5, 31)
BESIDE = frozenset(kind for kind in ReminderKind if kind.value.startswith("report"))
BESIDE |= {ReminderKind.AWAITING_REPLY, ReminderKind.DUTY}  # these speak of no measure


def circumstances(on: date = MONDAY, **others: object) -> Circumstances:
    known = Circumstances(
        locale="zh_CN",
        office="巡察整改办公室",
        on=on,
        zone=SHANGHAI,
        contact="督办科 分机 000",
        replies=True,
        number="R-42",
    )
    return replace(known, **others)  # type: ignore[arg-type]


def ledger(unit: str, on: date) -> list[Measure]:
    """The unit's measures as they stood on the day `on`, all of them open."""
    with (GOLDEN / "measures.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["unit"] == unit]
    return [_measure(row, on) for row in rows]


def _measure(row: dict[str, str], on: date) -> Measure:
    reported = date.fromisoformat(row["progress_on"])
    known = reported <= on
    return Measure(
        id=int(row["code"]),
        code=row["code"],
        text=row["text"],
        problem_text=row["problem"],
        units=(row["unit"],),
        leader=row["leader"],
        deadline=Deadline(
            DeadlineKind(row["kind"]), date.fromisoformat(row["date"]) if row["date"] else None, text=row["limit"]
        ),
        status=Status.IN_PROGRESS if known else Status.NOT_STARTED,
        progress=row["progress"] if known else "",
        progress_on=reported if known else None,
    )


def dated(code: str, due: date, **others: object) -> Measure:
    """A measure of 建设局 with a deadline. Where its code is a number, that is its id too."""
    number = int(code) if code.isdecimal() else 1
    limit = Deadline(DeadlineKind.DATE, due)
    known = Measure(id=number, code=code, text=f"措施{code}", units=("建设局",), deadline=limit)
    return known._replace(**others)  # type: ignore[arg-type]


def reminder(
    kind: ReminderKind, measures: Iterable[Measure] = (), on: date = MONDAY, unit: str = "建设局", **others: object
) -> Reminder:
    report = kind in (ReminderKind.REPORT_DUE, ReminderKind.REPORT_CHASE)
    firing = Firing(
        rule=f"rule-{kind}",
        kind=kind,
        subject="subject",
        unit=unit,
        occasion=on,
        at=datetime.combine(on, time(9), SHANGHAI),
        lines=() if kind in BESIDE else tuple(Line(measure) for measure in measures),
        reason=Reason(kind.value),
        week="2021-W22" if report else "",
        due_at=datetime(2021, 6, 4, 17, tzinfo=SHANGHAI) if report else None,
    )
    known = Reminder(firing=firing, recipient=unit, channel="mail")
    return replace(known, **others)  # type: ignore[arg-type]


class Balanced(HTMLParser):
    """Fails where a tag is closed that was not the last one opened."""

    _VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags_of(html: str) -> set[str]:
    """The tags of a page whose every tag is closed in its turn."""
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.seen
