"""Three letters, reviewed as prose. After a change of wording: `GOLDEN=write pytest`, and read what it wrote."""

from __future__ import annotations

import os
from datetime import date

import pytest
from compose_cast import GOLDEN, MONDAY, circumstances, ledger, reminder

from reminder.compose import compose
from reminder.domain.measure import Deadline, DeadlineKind, Measure, Status
from reminder.domain.message import Letter
from reminder.domain.reminder import ReminderKind


def overdue_and_due() -> Letter:
    measures = {measure.code: measure for measure in ledger("建设局", MONDAY)}
    return compose(
        [
            *(reminder(ReminderKind.OVERDUE, [measures[code]]) for code in ("95", "96")),
            reminder(ReminderKind.DUE, [measures["97"]]),
            reminder(ReminderKind.NUDGE, measures.values()),
        ],
        circumstances(),
    )


def nudge_of_25() -> Letter:
    on = date(2021, 6, 7)
    together = reminder(ReminderKind.NUDGE, ledger("区两委办", on), on=on, unit="区两委办")
    return compose([together], circumstances(on=on))


def overdue_in_english() -> Letter:
    signs = Measure(
        id=24,
        code="24",
        text="Complete the traffic signs inside the park",
        problem_text="Gaps in the park's infrastructure hold back business",
        units=("Works Department",),
        deadline=Deadline(DeadlineKind.DATE, date(2021, 4, 30)),
        status=Status.IN_PROGRESS,
        percent=60,
        progress="All junctions checked, 14 signs ordered",
        progress_on=date(2021, 4, 29),
    )
    late = reminder(ReminderKind.OVERDUE, [signs], on=date(2021, 5, 6), unit="Works Department", late=True)
    words = {"locale": "en", "office": "Inspection Office", "contact": "the follow-up desk, extension 000"}
    return compose([late], circumstances(on=date(2021, 5, 7), **words))


LETTERS = {
    "zh_overdue_due_nudge": overdue_and_due,
    "zh_nudge_of_25": nudge_of_25,
    "en_overdue_late": overdue_in_english,
}


@pytest.mark.parametrize("name", LETTERS)
def test_reads_as_reviewed(name: str) -> None:
    letter = LETTERS[name]()
    told = f"{letter.subject}\n{letter.brief}\n\n{letter.text}"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8")
