"""Where keys stand: one row per way to write a key."""

from __future__ import annotations

import pytest

from reminder.config.positions import Loc, Place, nearest_place, positions


@pytest.mark.parametrize(
    ("text", "loc", "place"),
    [
        pytest.param("a = 1\nb = 2", ("b",), (2, 1), id="a key"),
        pytest.param("  a = 1", ("a",), (1, 3), id="an indented key"),
        pytest.param("[office]\nname = 1", ("office",), (1, 2), id="a table"),
        pytest.param("[office]\nname = 1", ("office", "name"), (2, 1), id="a key in a table"),
        pytest.param("a.b.c = 1", ("a", "b", "c"), (1, 5), id="a dotted key"),
        pytest.param('[a."引 号".b]\nc = 1', ("a", "引 号", "b", "c"), (2, 1), id="a quoted key in a header"),
        pytest.param(
            "'建' = { \"设\" = 1, 局 = 2 }".replace("局", '"局"'), ("建", "局"), (1, 18), id="columns are characters"
        ),
        pytest.param("a = ['甲', '乙']", ("a", 1), (1, 11), id="an item of a list"),
        pytest.param("a = [ # one\n  1,\n  [2, 3],\n]", ("a", 1, 1), (3, 7), id="an item of a list in a list"),
        pytest.param("a = [{ b = 1 }, { b = 2 }]", ("a", 1, "b"), (1, 19), id="a table in a list"),
        pytest.param("[[r]]\na = 1\n[[r]]\na = 2", ("r", 1), (3, 1), id="a repeated table"),
        pytest.param("[[r]]\na = 1\n[[r]]\na = 2", ("r", 1, "a"), (4, 1), id="a key of a repeated table"),
        pytest.param("[[r]]\n[[r]]\n[r.m]\nu = 1", ("r", 1, "m", "u"), (4, 1), id="a table of the last repeated one"),
        pytest.param("[[r]]\n[[r.s]]\n[[r]]\n[[r.s]]\nk = 1", ("r", 1, "s", 0, "k"), (5, 1), id="repeated in repeated"),
        pytest.param("a = 1\r\nb = 2\r\n", ("b",), (2, 1), id="Windows line ends"),
        pytest.param('a = """\n一\n二"""\nb = 2', ("b",), (4, 1), id="after a text of several lines"),
        pytest.param("a = 1", ("a", "x", 3), (1, 1), id="what is missing stands where its table does"),
        pytest.param("", ("a",), (1, 1), id="an empty file"),
    ],
)
def test_place(text: str, loc: Loc, place: Place) -> None:
    assert nearest_place(positions(text), loc) == place
