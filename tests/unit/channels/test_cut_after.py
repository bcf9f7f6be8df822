"""What an attempt's time is spent on, by a clock that the test moves."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from reminder.channels import deadline
from reminder.channels.deadline import cut_after, first_open


class Clock:
    now = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_what_is_reserved_is_kept_for_the_last(clock: Clock) -> None:
    limit = cut_after(20, lambda: None, reserved=8)
    clock.pass_by(11)
    limit.check()
    assert limit.left() == 1
    clock.pass_by(1)
    with pytest.raises(TimeoutError):
        limit.check()


@pytest.mark.parametrize("spent", [0, 3, 11.9])
def test_however_late_the_last_begins_all_together_is_no_longer(clock: Clock, spent: float) -> None:
    begun = clock.now
    limit = cut_after(20, lambda: None, reserved=8)
    clock.pass_by(spent)
    limit.last()
    assert limit.ends_at == begun + 20


def test_what_was_cut_is_over_whatever_the_clock_says(clock: Clock) -> None:
    limit = cut_after(20, lambda: None)
    limit.cut()
    with pytest.raises(TimeoutError):
        limit.check()


def test_a_name_that_was_found_too_late_is_not_dialed() -> None:
    with pytest.raises(TimeoutError):
        first_open([], -0.5)
