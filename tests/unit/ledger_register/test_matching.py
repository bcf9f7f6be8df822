"""Which measure a row is: by code; by text where the ledger was renumbered."""

from __future__ import annotations

from itertools import count

import pytest

from reminder.domain.measure import Deadline, DeadlineKind, Status
from reminder.ledger.known import FIELDS, Known, stand_in
from reminder.ledger.matching import looks_renumbered, match
from reminder.ledger.rows import ReadRow

_numbers = count(1)


def a_row(code, text, problem_text=""):
    cells = {"code": code or "", "text": text}
    limit = Deadline(DeadlineKind.EMPTY)
    return ReadRow(
        row=next(_numbers),
        code=code,
        text=text,
        problem_text=problem_text,
        deadline=limit,
        status=Status.IN_PROGRESS,
        cells=cells,
    )


def a_known(code, text, problem_text=""):
    values = dict.fromkeys(FIELDS, "") | {"text": text, "problem_text": problem_text}
    imported = {"code": "" if code.startswith("~") else code.partition("#")[0], "text": text}
    return Known(id=next(_numbers), code=code, values=values, imported=imported)


def pairs(rows, known, **how):
    """[(the row's text, the measure's text or None, the code it is stored under)]"""
    found = match([a_row(*row) for row in rows], [a_known(*one) for one in known], **how)
    return [(pair.row.text, pair.known and pair.known.values["text"], pair.code) for pair in found.rows]


ROAD, LAMP, BOOKS = "修补第三大道路面", "安装园区路灯", "清理财务账目"


def test_by_code_even_where_the_text_was_corrected():
    assert pairs([("1", ROAD + "并验收"), ("2", LAMP)], [("1", ROAD), ("2", LAMP)]) == [
        (ROAD + "并验收", ROAD, "1"),
        (LAMP, LAMP, "2"),
    ]


def test_rows_of_one_code_are_told_apart_by_text():
    assert pairs([("7", LAMP), ("7", BOOKS), ("7", ROAD)], [("7", ROAD), ("7#2", LAMP)]) == [
        (LAMP, LAMP, "7#2"),
        (BOOKS, None, "7#3"),
        (ROAD, ROAD, "7"),
    ]


def test_rows_without_a_code():
    code = stand_in("", ROAD)
    assert pairs([(None, ROAD), (None, ROAD)], [(code, ROAD)]) == [(ROAD, ROAD, code), (ROAD, None, code + "#2")]


def test_a_code_of_the_office_may_look_like_ours():
    assert pairs([("A#2", ROAD), ("~甲", LAMP)], []) == [(ROAD, None, "A#2"), (LAMP, None, "~甲")]


def test_renumbered_by_text_first_then_by_code():
    known = [("1", ROAD), ("2", LAMP), ("3", BOOKS)]
    rows = [("1", "全新的一项任务"), ("2", ROAD), ("3", LAMP), ("4", BOOKS + "并公示")]
    assert pairs(rows, known, renumbered=True) == [
        ("全新的一项任务", None, "1"),
        (ROAD, ROAD, "2"),
        (LAMP, LAMP, "3"),
        (BOOKS + "并公示", None, "4"),
    ]


def test_the_same_text_under_two_problems_is_told_apart_by_the_problem():
    known = [("1", ROAD, "路面破损"), ("2", ROAD, "雨后积水")]
    found = pairs([("3", ROAD, "雨后积水"), ("4", ROAD, "路面破损")], known, renumbered=True)
    assert found == [(ROAD, ROAD, "3"), (ROAD, ROAD, "4")]


def test_a_vanished_measure_gives_up_the_code_another_one_needs():
    known = [a_known("1", ROAD), a_known("2", LAMP)]
    found = match([a_row("1", LAMP)], known, renumbered=True)
    assert [(pair.code, pair.known.values["text"]) for pair in found.rows] == [("1", LAMP)]
    assert found.displaced == {known[0].id: stand_in("", ROAD)}


SHARES = [(40, 2, False), (40, 3, True), (19, 1, True), (20, 1, False), (20, 2, True)]


@pytest.mark.parametrize(("size", "swapped", "stops"), SHARES)
def test_more_than_one_code_in_twenty(size, swapped, stops):
    known = [a_known(str(n), f"{n}号路口{ROAD}") for n in range(size)]
    rows = [a_row(str(n), LAMP if n < swapped else f"{n}号路口{ROAD}") for n in range(size)]
    assert bool(looks_renumbered(match(rows, known), known)) is stops
