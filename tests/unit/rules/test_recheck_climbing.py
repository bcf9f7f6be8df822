"""发出前复核升级督办与序时进度：销号、申请销号、延期之后都不再发。"""

from __future__ import annotations

from datetime import date

import pytest

from reminder.domain.measure import Change, Deadline, DeadlineKind, Status
from reminder.domain.reminder import Line, Reason, ReminderKind
from reminder.rules.recheck import recheck
from reminder.rules.rule import Facts
from tests.makers import a_measure, a_reminder, closed

PLANNED = date(2021, 6, 1)
CLIMBING = (ReminderKind.ESCALATION, ReminderKind.PACE)
CASES = [
    ("照旧", {}, None),
    ("已销号", closed("2021-06-08"), "cancelled_closed"),
    ("已暂缓", closed("2021-06-08", Status.SUSPENDED), "cancelled_closed"),
    (
        "已申请销号",
        {"status": Status.CLAIMED, "changes": (Change(date(2021, 6, 8), Status.CLAIMED),)},
        "cancelled_closed",
    ),
    ("已延期", {"deadline": Deadline(DeadlineKind.DATE, date(2021, 7, 1))}, "cancelled_moved"),
]


@pytest.mark.parametrize("kind", CLIMBING)
@pytest.mark.parametrize(("changes", "code"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_climbed_is_looked_at_again_before_it_goes(kind, changes, code):
    measure = a_measure("2021-06-01")._replace(**changes)
    checked = recheck(a_reminder(kind, measure), {measure.id: PLANNED}, Facts(), date(2021, 6, 8))
    assert (checked.code if isinstance(checked, Reason) else None) == code


def test_a_digest_goes_with_the_measures_that_still_hold():
    still, done = a_measure("2021-06-01"), a_measure("2021-06-01", **closed("2021-06-08"))
    moved = a_measure("2021-07-01")
    digest = a_reminder(ReminderKind.ESCALATION, lines=tuple(Line(one) for one in (done, still, moved)))
    checked = recheck(digest, dict.fromkeys((still.id, done.id, moved.id), PLANNED), Facts(), date(2021, 6, 14))
    assert [line.measure for line in checked.firing.lines] == [still]
