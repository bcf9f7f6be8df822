"""What the desk remembers: found out once, newer for whoever changed something, never the cause of a wait."""

from __future__ import annotations

import threading
import time

import pytest

from reminder.web.remembered import Remembered

LONG = 600.0


class Slow:
    """Finds out when it is told to."""

    def __init__(self) -> None:
        self.may, self.begun, self.answers = threading.Event(), threading.Event(), 0

    def __call__(self):
        self.begun.set()
        self.may.wait(60)
        self.answers += 1
        return self.answers


@pytest.fixture
def memory():
    return Remembered(patience=0.0, first=60.0)


def asked(memory, find, about=None, seconds=LONG):
    found = memory.kept("name", about, seconds, find)
    return found and found.answer


def test_it_is_found_out_once_for_everybody(memory):
    find = Slow()
    find.may.set()
    assert [asked(memory, find) for _ in range(3)] == [1, 1, 1]


def test_who_looks_while_it_is_found_out_anew_gets_the_one_before(memory):
    find = Slow()
    find.may.set()
    asked(memory, find, seconds=0.0)
    work = memory._works["name"]
    work.until = time.monotonic()  # as after its time
    find.may.clear()
    assert asked(memory, find) == asked(memory, find) == 1
    find.may.set()
    assert work.done.wait(60)
    assert asked(memory, find) == 2


def test_who_changed_something_sees_it(memory):
    find = Slow()
    find.may.set()
    asked(memory, find)
    memory.forget()
    assert asked(memory, find) == 2


def test_what_was_changed_while_it_was_found_out_is_found_out_again(memory):
    find = Slow()
    asking = threading.Thread(target=asked, args=(memory, find))
    asking.start()
    assert find.begun.wait(60)
    memory.forget()
    find.may.set()
    asking.join(60)
    assert asked(memory, find) == 2


def test_what_takes_longer_than_anybody_waits_is_not_waited_for():
    memory, find = Remembered(patience=0.0, first=0.0), Slow()
    assert asked(memory, find) is None
    find.may.set()
    assert memory._works["name"].done.wait(60)
    memory.forget()
    find.may.clear()
    assert asked(memory, find) == 1
    find.may.set()


def test_a_morning_after_a_quiet_night_does_not_begin_with_yesterday(memory):
    find = Slow()
    find.may.set()
    asked(memory, find)
    memory._works["name"].until = time.monotonic() - 3600
    assert asked(memory, find) == 2


def test_another_day_s_answer_is_none_of_today_s(memory):
    find = Slow()
    find.may.set()
    assert [asked(memory, find, about) for about in ("monday", "tuesday")] == [1, 2]


def test_no_answer_is_not_remembered(memory):
    answers = iter([None, 7])
    assert [asked(memory, lambda: next(answers)) for _ in range(3)] == [None, 7, 7]


def test_a_fault_is_not_remembered_either(memory):
    def fails():
        raise OSError("the disk is gone")

    assert asked(memory, fails) is None
    assert asked(memory, lambda: 3) == 3
